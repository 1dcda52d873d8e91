"""The sender: one process for a user and machine. It takes events from the spool, and sends them until they arrive.

It starts with a hook, and ends when nothing has been there to do for a while: no event, nothing to send, and no agent
whose end it would have to report. It may be killed at any time: nothing is removed before the server has it.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from crewkit_hook import processes, spool
from crewkit_hook.api import Api, Unreachable
from crewkit_hook.delivery import Refused, deliver
from crewkit_hook.prepare import Unusable, look_after, prepare
from crewkit_hook.settings import NotConnected, Settings, load
from crewkit_hook.store import Item, Store

ITEMS_MAX, BODY_BYTES_MAX = 1_000, 8 << 20
TAKEN_MAX = 2_000  # events that go into one transaction
LOOK_EVERY_S, LOOK_AFTER_EVERY_S, IDLE_S = 0.5, 5.0, 60.0
TAKE_AWAY_EVERY_S = 5.0  # while the server is away: fewer, larger transactions
PAUSE_S_MIN, PAUSE_S_MAX = 1.0, 60.0


class Sent(NamedTuple):
    """What one look at the outbox did. ``again_after_s``: when to look again; 0: at once, there may be more."""

    items: int
    again_after_s: float = 0.0
    error: str = ""


class Sender:
    """What the sender does, step by step."""

    def __init__(self, home: str, api: Callable[[Settings], Api] = Api) -> None:
        self._home, self._api = home, api
        self._new = Path(home, spool.NEW)
        self._store = Store(home)
        self._store.forget_taken(name for name in self._store.taken() if not Path(self._new, name).exists())
        self._failures = 0

    def close(self) -> None:
        self._store.close()

    def take(self) -> int:
        """Take events from the spool into the outbox, with all that follows from them; return how many."""
        settings = load(self._home)
        names = spool.waiting(self._home)[:TAKEN_MAX]
        with self._store.transaction():
            for name in names:
                if self._store.take(name):
                    self._take(name, settings)
        for name in names:
            self._new.joinpath(name).unlink(missing_ok=True)
        if names:
            with self._store.transaction():
                self._store.forget_taken(names)
        self._look_at_size(settings)
        return len(names)

    def _take(self, name: str, settings: Settings) -> None:
        try:
            record = self._new.joinpath(name).read_bytes()
        except FileNotFoundError:
            return
        try:
            self._store.put(prepare(name, record, settings, self._store))
        except (Unusable, ValueError) as error:
            self._store.refuse(Item(name, "hook", record), str(error))

    def look_after(self) -> None:
        """Report what follows from time alone: the ends of agents that are gone, and totals that came late."""
        with self._store.transaction():
            self._store.put(look_after(self._store))

    def waiting(self) -> int:
        """Return how many items wait in the outbox."""
        return self._store.waiting()

    def has_live_agents(self) -> bool:
        """Return whether an agent runs whose end may have to be reported."""
        return bool(self._store.open_sessions())

    def send(self) -> Sent:
        """Send the oldest batch."""
        batch = self._store.next_batch(ITEMS_MAX, BODY_BYTES_MAX)
        if not batch:
            return Sent(0, LOOK_EVERY_S)
        try:
            deliver(self._api(load(self._home)), batch, self._delivered)
        except (Unreachable, NotConnected, sqlite3.OperationalError) as error:
            self._failures += 1
            with contextlib.suppress(sqlite3.OperationalError):  # no room
                self._store.note("last_error", f"{_now()} {error}")
            return Sent(0, self._pause(getattr(error, "retry_after_s", 0.0)), str(error))
        self._failures = 0
        return Sent(len(batch))

    def _delivered(self, batch: list[Item], refused: Refused) -> None:
        hooks = sum(item.kind == "hook" for item in batch) - sum(item.kind == "hook" for item, _ in refused)
        with self._store.transaction():
            for item, reason in refused:
                self._store.refuse(item, reason)
            self._store.count("sent", hooks)
            self._store.note("last_sent", _now())
            self._store.remove(batch)

    def _pause(self, asked_s: float) -> float:
        """Return how long to wait after a failure: longer each time, and not the same for all machines."""
        longest = min(PAUSE_S_MAX, PAUSE_S_MIN * 2 ** min(self._failures, 10))
        return max(asked_s, random.uniform(longest / 2, longest))  # noqa: S311 (no secret)

    def _look_at_size(self, settings: Settings) -> None:
        """Tell hooks whether there is room."""
        full, limit = Path(self._home, spool.FULL), settings.spool_mb << 20
        waits = sum(file.stat().st_size for file in self._new.iterdir()) if self._store.size() < limit else 0
        if self._store.size() + waits >= limit:
            full.touch()
        else:
            full.unlink(missing_ok=True)


def run_detached() -> None:
    """Be the sender of this machine until there is nothing to do; return at once if another one is."""
    _detach()
    home = spool.home()
    while (lock := spool.lock_sender(home)) is not None:
        try:
            _run(home)
        except NotConnected:
            return
        finally:
            os.close(lock)
        if not spool.waiting(home):  # a hook that came before the lock was free starts none
            return


def take_over(home: str) -> int:
    """End the sender that runs, if one does, and become it; return the lock. What it was sending is sent again."""
    while (lock := spool.lock_sender(home)) is None:
        pid = spool.sender(home)
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        time.sleep(0.05)
    return lock


def flush(home: str, until: Callable[[int], None]) -> Sent:
    """Send all that waits, and call ``until`` with how much is left; return what went wrong, if anything.

    The caller holds the sender's lock.
    """
    sender = Sender(home)
    try:
        while sender.take():
            until(sender.waiting())
        sender.look_after()
        while (sent := sender.send()).items:
            until(sender.waiting())
        return sent
    finally:
        sender.close()


def _run(home: str) -> None:
    clean(home)
    sender = Sender(home)
    busy_at = looked_at = took_at = time.monotonic()
    next_send = 0.0
    is_away = False
    try:
        while time.monotonic() - busy_at < IDLE_S:
            now = time.monotonic()
            took = 0
            if not is_away or now - took_at >= TAKE_AWAY_EVERY_S:
                took, took_at = _guarded(sender.take), now
            if now - looked_at >= LOOK_AFTER_EVERY_S and not spool.waiting(home):  # an end may be among those that wait
                looked_at = now
                _guarded(sender.look_after)
            if now >= next_send:
                sent = sender.send()
                is_away = bool(sent.error)
                next_send = now + sent.again_after_s if is_away else 0.0
            if took or sent.items or is_away or sender.has_live_agents():
                busy_at = now
            if not (took or sent.items):
                time.sleep(LOOK_EVERY_S)
    finally:
        sender.close()


def _guarded(step: Callable[[], int | None]) -> int:
    """Take a step that needs room on the disk; without it the step is taken again later."""
    try:
        return step() or 0
    except (OSError, sqlite3.OperationalError):
        return 0


def clean(home: str) -> None:
    """Remove what hooks that were killed left behind."""
    for file in Path(home, spool.TMP).iterdir():
        if not processes.is_alive(int(file.name.partition("-")[0])):
            file.unlink(missing_ok=True)


def _detach() -> None:
    """Leave the agent: its session, its folder, its files and its terminal."""
    with contextlib.suppress(OSError):  # it was started in one of its own
        os.setsid()
    os.chdir("/")
    os.umask(0o077)
    os.closerange(3, 1_024)


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")
