"""Which projectors a stack needs now: those of every existing generation that this fold version made.

A thread reads the control database every second, so that the supervisor never waits for the store.
"""

import logging
import threading
import time
from contextlib import closing, suppress

from msgspec import Struct

from generations.jobs.table import load_jobs
from generations.provisioned_jobs import left_to_do
from processors.fold.fold import FOLD_VERSION
from store.address import StoreAddress
from store.client_errors import STORE_ERRORS
from store.connect import WRITE, connect
from store.generations import load_generations

LOOK_EVERY_S = 1.0
ANSWER_WITHIN_S = 5.0


class Wanted(Struct, frozen=True):
    """The generations to follow, oldest first; the live one, if known; whether any has to be created or dropped."""

    followed: tuple[str, ...] = ()
    live: str = ""
    is_provisioning_needed: bool = False


class GenerationWatch:
    """Reads the control database in a thread; `wanted` is the latest result."""

    def __init__(self, store: StoreAddress) -> None:
        self._store = store
        self.wanted = Wanted()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="generations", daemon=True).start()

    def _run(self) -> None:
        logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # the supervisor reports what matters
        while True:
            time.sleep(LOOK_EVERY_S)
            with suppress(*STORE_ERRORS):  # the store is starting; the latest result stays valid
                self.wanted = look(self._store)


def look(store: StoreAddress) -> Wanted:
    """Read the control database once."""
    profile = WRITE.within(ANSWER_WITHIN_S, ANSWER_WITHIN_S)
    with closing(connect(profile, **store.at(store.control))) as client:
        known, jobs = load_generations(client), load_jobs(client)
    followed = (one.name for one in known if not one.is_dropped and one.made.fold_version == FOLD_VERSION)
    live = next((one.name for one in known if one.is_live), "")
    return Wanted(tuple(followed), live, bool(left_to_do(known, jobs)))
