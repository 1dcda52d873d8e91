"""Run a projector whose session expires after 6 seconds of silence instead of 60, the least that a broker allows.

`python -m tests.support.rigs.short_timeout_worker DATA INSTANCE`; the environment has log and store, and optional
limits and faults:

* STILL_S: how long a partition may make no progress
* POLL_INTERVAL_S: how long nothing may be read from the log
* STOP_S: how long a stop may take
* WITHHELD: a partition from which Faust silently fetches nothing
* LOST_COMMITS: commits are never answered, as if the consumer's thread had ended first
"""

import asyncio
import os
import sys
from typing import Any

from faust.transport.consumer import ThreadDelegateConsumer

from processors.runners import bounded_stop, faust_app
from processors.runners.watchdog import STILL_S
from runtime.services import projector
from runtime.services.logging import configure_logging
from runtime.services.worker import run_worker
from runtime.settings.settings import load_settings

SESSION_TIMEOUT_S = 6


def withhold(partition: int) -> None:
    """Make Faust's consumer omit a partition from its fetches, as it is known to do after some rebalances."""
    real = ThreadDelegateConsumer._get_active_partitions

    def active(self: Any) -> set[Any]:
        return {tp for tp in real(self) if tp.partition != partition}

    ThreadDelegateConsumer._get_active_partitions = active


def lose_commits() -> None:
    """Let Faust wait for each commit indefinitely, as it does after some crashes."""

    async def commit(_: Any, __: Any) -> bool:
        return await asyncio.Future[bool]()

    ThreadDelegateConsumer._commit = commit


def main(data: str, instance: str) -> int:
    """Run until SIGTERM; return the exit code."""
    faust_app.SESSION_TIMEOUT_S = SESSION_TIMEOUT_S
    projector.STILL_S = float(os.environ.get("STILL_S", STILL_S))  # type: ignore[attr-defined]  # the name that it uses
    faust_app.POLL_INTERVAL_S = int(os.environ.get("POLL_INTERVAL_S", faust_app.POLL_INTERVAL_S))
    bounded_stop.STOP_S = float(os.environ.get("STOP_S", bounded_stop.STOP_S))
    if "WITHHELD" in os.environ:
        withhold(int(os.environ["WITHHELD"]))
    if "LOST_COMMITS" in os.environ:
        lose_commits()
    configure_logging()
    return run_worker(load_settings({"data": data, "instance": int(instance)}))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
