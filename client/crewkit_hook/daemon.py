"""The sender as a process: one per user and machine.

A hook starts it. It ends when there has been nothing to do for a while: no event, nothing to send, and no running agent
whose end it might have to report.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import time
import traceback
from collections.abc import Callable, Iterator, Set
from pathlib import Path

from crewkit_hook import processes, spool
from crewkit_hook.files import replace
from crewkit_hook.sender import LOOK_EVERY_S, Sender, Sent
from crewkit_hook.settings import NotConnected
from crewkit_hook.store import SessionKey, put_aside

PROGRAM = "send.py"
FAILED = "failed"  # the file that says why the last sender failed
LOOK_AFTER_EVERY_S, IDLE_S = 5.0, 60.0
TAKE_AWAY_EVERY_S = 5.0  # while the server is unreachable: fewer, larger transactions
TAKE_OVER_S = 40.0  # longer than a request takes


class Busy(Exception):
    """Another process is sending what is waiting. The message names it."""


def run_detached() -> None:
    """Be the sender of this machine until there is nothing to do; return at once if there is one already."""
    _detach()
    home = spool.home()
    while (lock := spool.lock_sender(home)) is not None:
        try:
            _run(home)
            Path(home, FAILED).unlink(missing_ok=True)
        except NotConnected:
            return
        except Exception:  # its output goes nowhere, so `status` shows the file
            replace(Path(home, FAILED), traceback.format_exc().encode())
            return
        finally:
            spool.unlock_sender(lock)
        # A hook that ran before the lock was free started no sender. An event that can't be read stays; ignore it.
        if not any(spool.read(home, name) is not None for name in spool.waiting(home)):
            return


@contextlib.contextmanager
def sending(home: str) -> Iterator[None]:
    """Be the only sender for a while. A running one is ended; what it was sending is sent again.

    Raises `Busy` if a command holds the lock, or a process on another machine with the same home folder.
    """
    give_up_at = time.monotonic() + TAKE_OVER_S
    while (lock := spool.lock_sender(home)) is None:
        pid = spool.sender(home)
        if PROGRAM in processes.command_line(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        elif time.monotonic() > give_up_at:
            raise Busy(f"process {pid} is sending, and did not end within {TAKE_OVER_S:.0f} s: try again later")
        time.sleep(0.05)
    try:
        yield
    finally:
        spool.unlock_sender(lock)


def take(home: str) -> None:
    """Take everything in the spool. The caller holds the sender's lock."""
    with contextlib.closing(Sender(home)) as sender:
        while sender.take():
            pass


def forget(home: str, sessions: Set[SessionKey]) -> int:
    """Delete what waits for erased sessions, and what is known about them; return how many items waited.

    The caller holds the sender's lock. What is in the spool is taken: of these sessions, nothing comes of it.
    """
    with contextlib.closing(Sender(home)) as sender:
        before = sender.store.counted("erased")
        sender.forget(sessions)
        while sender.take():
            pass
        return sender.store.counted("erased") - before


def flush(home: str, until: Callable[[int], None]) -> Sent:
    """Send everything that is waiting, and call ``until`` with how much is left; return what went wrong, if anything.

    The caller holds the sender's lock.
    """
    with contextlib.closing(Sender(home)) as sender:
        while sender.take():
            until(sender.store.waiting())
        sender.look_after()
        while (sent := sender.send()).items:
            until(sender.store.waiting())
        return sent


def _run(home: str) -> None:
    clean(home)
    try:
        with contextlib.closing(Sender(home)) as sender:
            _work(sender)
    except sqlite3.OperationalError:  # locked or no room, so not damaged
        raise
    except sqlite3.DatabaseError:
        put_aside(home)
        _run(home)


def _work(sender: Sender) -> None:
    busy_at = looked_at = took_at = time.monotonic()
    next_send = 0.0
    is_away = False
    while time.monotonic() - busy_at < IDLE_S:
        now = time.monotonic()
        took: int | None = 0
        sent = Sent(0)
        if not is_away or now - took_at >= TAKE_AWAY_EVERY_S:
            took, took_at = _guarded(sender.take), now
            if took == 0 and now - looked_at >= LOOK_AFTER_EVERY_S:  # the spool is empty, so no end is in it
                looked_at = now
                _guarded(sender.look_after)
        if now >= next_send:
            sent = sender.send()
            is_away = bool(sent.error)
            next_send = now + sent.again_after_s if is_away else 0.0
        if took or sent.items or is_away or sender.store.has_open_sessions():
            busy_at = now
        if not (took or sent.items):
            time.sleep(LOOK_EVERY_S)


def _guarded(step: Callable[[], int | None]) -> int | None:
    """Do a step that needs room on the disk; return None if there is none, so that it is repeated later."""
    try:
        return step()
    except (OSError, sqlite3.OperationalError):
        return None


def clean(home: str) -> None:
    """Remove what hooks that were killed left behind."""
    for file in Path(home, spool.TMP).iterdir():
        pid = file.name.partition("-")[0]
        if pid.isdigit() and not processes.is_alive(int(pid)):
            file.unlink(missing_ok=True)


def _detach() -> None:
    """Leave the agent: its session, its folder, its files and its terminal."""
    with contextlib.suppress(OSError):  # it has its own session already
        os.setsid()
    os.chdir("/")
    os.umask(0o077)
    os.closerange(3, 1_024)
