"""The sender's work: it takes events from the spool, and sends them until they arrive.

It may be killed at any moment, since nothing is removed before the server has it.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
import time
from collections.abc import Callable, Set
from pathlib import Path
from typing import NamedTuple

from crewkit_hook import spool
from crewkit_hook.api import Api, Unreachable
from crewkit_hook.delivery import ERASED, OUT_OF_RANGE, Refused, RefusedItem, batches, deliver
from crewkit_hook.prepare import look_after, prepare, without_time
from crewkit_hook.settings import NotConnected, Settings, load
from crewkit_hook.store import Item, SessionKey, Store, session_of
from crewkit_hook.taking import DEATHS_MAX, Taking

TAKEN_MAX = 2_000  # events that go into one transaction
LOOK_EVERY_S = 0.5
PAUSE_S_MIN, PAUSE_S_MAX = 1.0, 60.0


class Sent(NamedTuple):
    """What one try to send did. ``again_after_s``: when to try again; 0 means at once, since there may be more."""

    items: int
    again_after_s: float = 0.0
    error: str = ""


class Sender:
    """What the sender does, step by step."""

    def __init__(self, home: str, api: Callable[[Settings], Api] = Api) -> None:
        self._home, self._api = home, api
        self._new = Path(home, spool.NEW)
        self.store = Store(home)
        self.store.forget_taken(name for name in self.store.taken() if not Path(self._new, name).exists())
        self._failures = 0
        self._taking = Taking(home)
        if self._taking.culprit:
            self._put_aside(self._taking.culprit)

    def close(self) -> None:
        self._taking.close()
        self.store.close()

    def take(self) -> int:
        """Move events from the spool into the outbox, with all that follows from them; return how many."""
        settings = load(self._home)
        with self.store.transaction():
            try:
                taken = [name for name in spool.waiting(self._home)[:TAKEN_MAX] if self._take(name, settings)]
            finally:
                self._taking.clear()
        for name in taken:
            self._new.joinpath(name).unlink(missing_ok=True)
        if taken:
            with self.store.transaction():
                self.store.forget_taken(taken)
        full, limit = Path(self._home, spool.FULL), settings.spool_mb << 20  # hooks look for this mark
        waits = sum(file.lstat().st_size for file in self._new.iterdir()) if self.store.size() < limit else 0
        if self.store.size() + waits >= limit:
            full.touch()
        else:
            full.unlink(missing_ok=True)
        return len(taken)

    def _put_aside(self, name: str) -> None:
        """Refuse an event at which senders died, in its own transaction: the next events may hold another one."""
        record = spool.read(self._home, name)
        if record is not None:
            with self.store.transaction():
                if self.store.take(name):
                    self.store.refuse(Item(name, "hook", record), f"{DEATHS_MAX} senders died at this event")
            self._new.joinpath(name).unlink(missing_ok=True)
        self._taking.clear()

    def _take(self, name: str, settings: Settings) -> bool:
        """Take an event; return False if it can't be read. Then it stays, and does not hold up the others."""
        self._taking.mark(name)
        record = spool.read(self._home, name)
        if record is not None and self.store.take(name):
            try:
                items = prepare(name, record, settings, self.store)
            except sqlite3.Error:
                raise
            except Exception as error:  # whatever the event holds, it must not hold up the others
                self.store.refuse(Item(name, "hook", record), f"{type(error).__name__}: {error}")
            else:
                self.store.put(items)
        return record is not None

    def forget(self, sessions: Set[SessionKey]) -> None:
        """Delete what waits for erased sessions, and what is known about them. Their later events are dropped."""
        with self.store.transaction():
            self.store.count("erased", self.store.forget(sessions))

    def look_after(self) -> None:
        """Report what is due without a new event: the ends of agents that are gone, and late totals."""
        with self.store.transaction():
            self.store.put(look_after(self.store))

    def send(self) -> Sent:
        """Send the oldest batch."""
        batch = next(batches(self.store.items()), [])
        if not batch:
            return Sent(0, LOOK_EVERY_S)
        try:
            deliver(self._api(load(self._home)), batch, self._delivered)
        except (Unreachable, NotConnected, sqlite3.OperationalError) as error:
            self._failures += 1
            with contextlib.suppress(sqlite3.OperationalError):  # no room
                self.store.note("last_error", f"{_now()} {error}")
            # It waits longer each time, and a random time, so that machines don't act in step.
            longest = min(PAUSE_S_MAX, PAUSE_S_MIN * 2 ** min(self._failures, 10))
            pause = random.uniform(longest / 2, longest)  # noqa: S311 (not a secret)
            return Sent(0, max(getattr(error, "retry_after_s", 0.0), pause), str(error))
        self._failures = 0
        return Sent(len(batch))

    def _delivered(self, batch: list[Item], refused: Refused) -> None:
        hooks = sum(item.kind == "hook" for item in batch) - sum(one.item.kind == "hook" for one in refused)
        erased = [one.item for one in refused if one.code in ERASED]
        with self.store.transaction():
            for one in refused:
                if one.code not in ERASED:
                    self._refuse(one)
            self.store.count("sent", hooks)
            self.store.note("last_sent", _now())
            dropped = self.store.remove(erased)
            self.store.remove(batch)
            if erased:
                sessions = set(filter(None, map(session_of, erased)))
                self.store.count("erased", dropped + self.store.forget(sessions))

    def _refuse(self, one: RefusedItem) -> None:
        later = without_time(one.item) if one.code == OUT_OF_RANGE else None
        if later is None:
            self.store.refuse(one.item, one.reason)
        else:  # the clock was wrong: the event counts when it is received
            self.store.put([later])


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")
