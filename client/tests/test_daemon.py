"""The sender as a process: it survives damage, and only its own commands end it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crewkit_hook import daemon, processes, spool
from crewkit_hook import settings as client_settings
from crewkit_hook.daemon import FAILED, Busy, clean, sending
from crewkit_hook.sender import Sender, Sent
from crewkit_hook.settings import Settings
from crewkit_hook.status import status
from crewkit_hook.store import FILE

SEND = Path(daemon.__file__).with_name("send.py")
NO_PROCESS = 4_194_305  # above Linux's highest process id


@pytest.fixture
def home(tmp_path: Path) -> str:
    made = str(tmp_path / "home")
    spool.make(made)
    client_settings.save(made, Settings("http://127.0.0.1:1", "acme", "a.b.c"))
    return made


def test_what_hooks_left_is_removed_and_nothing_else(home: str) -> None:
    """This holds even next to files that a file manager put there."""
    for name in (f"{NO_PROCESS}-a", f"{os.getpid()}-b", ".DS_Store"):
        Path(home, spool.TMP, name).touch()

    clean(home)

    assert {file.name for file in Path(home, spool.TMP).iterdir()} == {f"{os.getpid()}-b", ".DS_Store"}


def test_a_file_that_is_damaged_within_is_put_aside(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening the file does not show that; the sender continues with a new one."""
    sender = Sender(home)
    for n in range(300):
        header = {"client": "codex", "process": ""}
        spool.put(home, time.time_ns() // 1_000_000 + n, header, b'{"session_id": "s", "hook_event_name": "Stop"}')
    sender.take()
    sender.close()
    file = Path(home, FILE)
    pages = bytearray(file.read_bytes())
    for at in range(4_096, len(pages), 4_096):
        pages[at : at + 200] = os.urandom(200)
    file.write_bytes(pages)
    monkeypatch.setattr(daemon, "IDLE_S", 0.2)
    monkeypatch.setattr(Sender, "send", lambda _: Sent(0))
    spool.put(home, time.time_ns() // 1_000_000, {"client": "codex"}, b'{"session_id": "s", "hook_event_name": "Stop"}')

    daemon._run(home)

    assert list(Path(home).glob(f"{FILE}.damaged-*"))
    assert spool.waiting(home) == []


def test_what_can_not_be_read_keeps_no_sender(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It exits, but first reports the ends of agents."""
    Path(home, spool.NEW, f"{1:013d}-{0:032x}").mkdir()
    Path(home, spool.NEW, f"{1:013d}-{1:032x}").symlink_to(Path(home, spool.SETTINGS))
    os.mkfifo(Path(home, spool.NEW, f"{1:013d}-{2:032x}"))
    monkeypatch.setattr(daemon, "IDLE_S", 0.2)
    monkeypatch.setattr(daemon, "LOOK_AFTER_EVERY_S", 0.0)
    monkeypatch.setattr(daemon, "_detach", lambda: None)
    monkeypatch.setattr(Sender, "send", lambda _: Sent(0))
    monkeypatch.setenv(spool.HOME_VARIABLE, home)
    looked: list[bool] = []
    monkeypatch.setattr(Sender, "look_after", lambda _: looked.append(True))

    daemon.run_detached()

    assert looked


def test_what_ends_a_sender_is_shown(home: str) -> None:
    """Its own output is discarded."""
    Path(home, spool.TMP).rmdir()
    subprocess.run([sys.executable, "-I", "-S", SEND], env={spool.HOME_VARIABLE: home}, check=True, timeout=30)

    assert "FileNotFoundError" in str(status(home)["failed"])
    assert "Traceback" in Path(home, FAILED).read_text()


def test_only_a_sender_is_ended(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process id in its lock may by now belong to another process."""
    monkeypatch.setattr(daemon, "TAKE_OVER_S", 0.3)
    lock = spool.lock_sender(home)
    assert lock is not None
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as other:
        os.pwrite(lock, str(other.pid).encode().ljust(16), 0)

        with pytest.raises(Busy, match="try again later"), sending(home):
            pass

        assert other.poll() is None
    spool.unlock_sender(lock)
    with sending(home):
        assert spool.is_sending(home)


def test_a_start_is_the_same_in_every_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a change of the time zone would look like the end of all agents."""
    if not Path("/bin/ps").exists():
        pytest.skip("/bin/ps is not installed (Debian: procps)")
    seen = set()
    for zone in ("UTC", "America/New_York", "Asia/Tokyo"):
        monkeypatch.setenv("TZ", zone)
        seen.add(processes._ps("lstart=", str(os.getpid())))

    assert len(seen) == 1
    assert seen != {""}


@pytest.mark.parametrize(("since", "expected"), [(None, True), ("", False), ("1", False)])
def test_a_start_that_was_not_seen_is_no_end(since: str | None, *, expected: bool) -> None:
    """None means that the system did not report a start."""
    assert processes.runs(str(os.getpid()), since) is expected
    assert processes.runs(str(os.getpid()), processes.started(str(os.getpid())))
    assert processes.started(str(NO_PROCESS)) == ""
