"""The hook itself: what it records, and that it never gets in an agent's way."""

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crewkit_hook import note, spool

HOOK = Path(note.__file__).with_name("hook.py")
PAYLOAD = b'{"session_id": "s", "hook_event_name": "Stop"}'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a connected folder, in which a sender seems to be running."""
    made = tmp_path / "home"
    spool.make(str(made))
    (made / spool.SETTINGS).write_text("{}")
    return made


def run(
    home: Path, payload: bytes = PAYLOAD, folder: Path | None = None, **environment: str
) -> tuple[int, bytes, bytes]:
    """Run the hook; return its exit code and output. No sender is started."""
    lock = spool.lock_sender(str(home)) if home.is_dir() and os.access(home, os.W_OK) else None
    command = [sys.executable, "-I", "-S", str(HOOK), "claude-code", str(os.getpid())]
    variables = {"PATH": os.environ["PATH"], spool.HOME_VARIABLE: str(home), **environment}
    done = subprocess.run(
        command, env=variables, input=payload, capture_output=True, cwd=folder, timeout=30, check=False
    )
    if lock is not None:
        os.close(lock)
    return done.returncode, done.stdout, done.stderr


def test_it_notes_the_event_with_what_may_be_gone_later(home: Path, tmp_path: Path) -> None:
    """Time, process, folder, branch, and values from the agent's environment; the payload byte for byte."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/feat\n")
    before_ms = time.time_ns() // 1_000_000

    assert run(home, folder=tmp_path, CLAUDE_CODE_SESSION_ATTENDED="1", CLAUDE_PID="77") == (0, b"", b"")

    (name,) = spool.waiting(str(home))
    line, _, payload = (home / spool.NEW / name).read_bytes().partition(b"\n")
    header = spool.decode(line)
    assert payload == PAYLOAD
    assert before_ms <= int(name.partition("-")[0]) <= time.time_ns() // 1_000_000
    assert (header["client"], header["process"], header["attended"]) == ("claude-code", "77", "1")
    assert (header["folder"], header["head"]) == (str(tmp_path), "ref: refs/heads/feat")


@pytest.mark.parametrize("payload", [b"", b"\n", b"no json", b"\xff\x00", b"{" * 100_000])
def test_it_says_nothing_of_odd_input(home: Path, payload: bytes) -> None:
    """An agent would read the output, or stop."""
    assert run(home, payload) == (0, b"", b"")


def test_it_says_nothing_where_it_can_not_write(home: Path, tmp_path: Path) -> None:
    """The same holds if it is not connected, its folder is a file, or its modules are broken."""
    assert run(tmp_path / "nowhere") == (0, b"", b"")
    assert run(tmp_path / "nowhere" / "deep") == (0, b"", b"")
    (home / spool.NEW).rmdir()
    (home / spool.NEW).write_text("a file")
    assert run(home) == (0, b"", b"")
    assert spool.dropped(str(home)) == 1


def test_an_event_from_a_folder_that_is_gone_is_noted(home: Path, tmp_path: Path) -> None:
    """For example if an agent removes its worktree."""
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"rmdir {gone}; exec {sys.executable} -I -S {HOOK} codex $$"
    environment = {"PATH": os.environ["PATH"], spool.HOME_VARIABLE: str(home)}
    lock = spool.lock_sender(str(home))
    done = subprocess.run(["/bin/sh", "-c", script], cwd=gone, env=environment, input=PAYLOAD, check=False, timeout=30)
    assert lock is not None
    os.close(lock)

    assert done.returncode == 0
    assert len(spool.waiting(str(home))) == 1


def test_a_payload_that_is_far_too_large_is_counted(home: Path) -> None:
    """It is not read to its end."""
    assert run(home, b"x" * (note.PAYLOAD_BYTES_MAX + 2_000_000)) == (0, b"", b"")

    assert (spool.dropped(str(home)), spool.waiting(str(home))) == (1, [])


def test_all_is_read_also_where_it_is_not_connected(tmp_path: Path) -> None:
    """An agent that can't write all of its payload reports the hook as failed."""
    command = [sys.executable, "-I", "-S", str(HOOK), "codex", "1"]
    environment = {"PATH": os.environ["PATH"], spool.HOME_VARIABLE: str(tmp_path / "nowhere")}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as hook:
        assert hook.stdin is not None
        hook.stdin.write(b"x" * 3_000_000)  # raises BrokenPipeError if the hook stops reading
        hook.stdin.close()

    assert hook.returncode == 0


@pytest.mark.parametrize("name", [".git", ".git/HEAD"])
def test_no_folder_keeps_the_agent_waiting(home: Path, tmp_path: Path, name: str) -> None:
    """A pipe without a writer would block each event. The event is recorded."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    os.mkfifo(tmp_path / name)

    assert run(home, folder=tmp_path) == (0, b"", b"")

    assert len(spool.waiting(str(home))) == 1


def test_a_shell_may_not_know_its_parent(home: Path) -> None:
    """For example fish: the process is left out then."""
    command = [sys.executable, "-I", "-S", str(HOOK), "codex"]
    environment = {"PATH": os.environ["PATH"], spool.HOME_VARIABLE: str(home)}
    lock = spool.lock_sender(str(home))
    subprocess.run(command, env=environment, input=PAYLOAD, check=True, timeout=30)
    assert lock is not None
    os.close(lock)

    assert len(spool.waiting(str(home))) == 1


def test_an_agent_that_another_one_started_is_itself(home: Path) -> None:
    """It inherits the variables that Claude Code sets for its own hooks."""
    command = [sys.executable, "-I", "-S", str(HOOK), "codex", "12"]
    environment = {"PATH": os.environ["PATH"], spool.HOME_VARIABLE: str(home), "CLAUDE_PID": "77"}
    lock = spool.lock_sender(str(home))
    subprocess.run(command, env=environment, input=PAYLOAD, check=True, timeout=30)
    assert lock is not None
    os.close(lock)

    (name,) = spool.waiting(str(home))
    assert spool.decode((home / spool.NEW / name).read_bytes().partition(b"\n")[0])["process"] == "12"


def test_it_imports_only_what_python_has_loaded() -> None:
    """The agent would wait for each additional module at every event."""
    folder = str(HOOK.parents[1])
    program = f"""
import os, sys
sys.path.insert(0, {folder!r})
before = set(sys.modules)
import crewkit_hook.note
print(*(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)

    loaded = {name for name in done.stdout.split() if not name.startswith("crewkit_hook")}
    assert loaded <= {"__future__", "fcntl", "time"}


def test_whether_a_person_is_there() -> None:
    """A process with a terminal, unless it works on a single prompt; a process that has ended says nothing."""
    cases = (("codex", [], "1"), ("codex", ["exec"], "0"), ("codex", ["-p", "work"], "1"), ("gemini-cli", ["-p"], "0"))
    for client, arguments, expected in cases:
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv("/bin/sh", ["sh", "-c", "read line", *arguments])  # noqa: S606 (ends with the terminal)
        try:
            assert wait_for(client, pid, expected) == expected
        finally:
            os.close(terminal)
            os.waitpid(pid, 0)
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as piped:
        assert note.attended("codex", str(piped.pid)) == "0"
    assert note.attended("codex", str(piped.pid)) == ""


def wait_for(client: str, pid: int, expected: str) -> str:
    """Return what is visible of a process, once it runs the program."""
    for _ in range(500):
        if (found := note.attended(client, str(pid))) == expected:
            break
        time.sleep(0.01)
    return found
