"""Conditions that a test gives the store server: a proxy in front, tables that drop repeats, errors on demand.

A separate process reads them from its environment:

* ``CREWKIT_STORE_BEHIND_PROXY=1``: a line of 8 KiB with the URL in it is the longest, as behind nginx.
* ``CREWKIT_STORE_DEDUPLICATION_WINDOW=100``: every table drops a block that equals one of the last hundred, as those
  of a replicated installation do.
* ``CREWKIT_STORE_REFUSALS=FILE``: see `refusals`.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from deploy.devstack.store_server.refusals import RefusalFile, Refusals

BEHIND_PROXY = "CREWKIT_STORE_BEHIND_PROXY"
DEDUPLICATION_WINDOW = "CREWKIT_STORE_DEDUPLICATION_WINDOW"
REFUSALS = "CREWKIT_STORE_REFUSALS"


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """Without any the server does what a real one does."""

    behind_proxy: bool = False
    deduplication_window: int = 0
    refusals: Refusals | RefusalFile = msgspec.field(default_factory=Refusals)


def conditions_of(environment: Mapping[str, str]) -> Conditions:
    """Return the conditions that environment variables name."""
    file = environment.get(REFUSALS)
    return Conditions(
        behind_proxy=environment.get(BEHIND_PROXY) == "1",
        deduplication_window=int(environment.get(DEDUPLICATION_WINDOW) or 0),
        refusals=RefusalFile(Path(file)) if file else Refusals(),
    )
