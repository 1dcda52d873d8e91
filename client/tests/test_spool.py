"""The hook client's spool: its events are complete, dropped events are counted, and a header can be read back."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewkit_hook import note, spool

NAMES = st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1)
VALUES = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.fixture
def home(tmp_path: Path) -> str:
    made = str(tmp_path / "home")
    spool.make(made)
    return made


@given(st.dictionaries(NAMES, VALUES))
def test_a_header_comes_back(header: dict[str, str]) -> None:
    """It is one line, whatever its values contain."""
    line = spool.encode(header)

    assert b"\n" not in line
    assert spool.decode(line) == (header or {"": ""})


def test_an_event_appears_whole_under_a_name_that_begins_with_its_time(home: str) -> None:
    """Its payload is there byte for byte."""
    payload = b'{"a":\n"b\tc"}'
    assert spool.put(home, 7, {"client": "codex"}, payload)
    assert spool.put(home, 1_795_000_000_000, {"client": "codex"}, payload)

    first, second = spool.waiting(home)

    assert (first.partition("-")[0], second.partition("-")[0]) == ("0000000000007", "1795000000000")
    assert Path(home, spool.NEW, first).read_bytes().partition(b"\n")[2] == payload
    assert list(Path(home, spool.TMP).iterdir()) == []


def test_only_its_user_may_read_it(home: str) -> None:
    """Payloads contain prompts and code."""
    spool.put(home, 7, {}, b"{}")

    new = Path(home, spool.NEW)
    assert [path.stat().st_mode & 0o077 for path in (Path(home), new, *new.iterdir())] == [0, 0, 0]


def test_what_finds_no_room_is_counted(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The spool or the disk may be full; no partial file is left."""
    Path(home, spool.FULL).touch()
    assert not spool.put(home, 7, {}, b"{}")
    Path(home, spool.FULL).unlink()
    monkeypatch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert not spool.put(home, 8, {}, b"{}")

    assert (spool.dropped(home), spool.waiting(home), list(Path(home, spool.TMP).iterdir())) == (2, [], [])


def test_there_is_one_sender(home: str) -> None:
    """Until its lock is closed."""
    lock = spool.lock_sender(home)
    assert lock is not None
    assert spool.lock_sender(home) is None
    assert (spool.is_sending(home), spool.sender(home)) == (True, os.getpid())
    os.close(lock)

    assert (spool.is_sending(home), spool.sender(home)) == (False, 0)


def test_head_and_folder_of_a_repository(tmp_path: Path) -> None:
    """This also works from a folder inside it, and in a worktree."""
    main, worktree = tmp_path / "main", tmp_path / "worktree"
    (main / ".git" / "worktrees" / "w").mkdir(parents=True)
    (main / "deep" / "er").mkdir(parents=True)
    worktree.mkdir()
    (main / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (main / ".git" / "worktrees" / "w" / "HEAD").write_text("ref: refs/heads/other\n")
    (main / ".git" / "worktrees" / "w" / "gitdir").write_text(f"{worktree}/.git\n")
    (worktree / ".git").write_text(f"gitdir: {main}/.git/worktrees/w\n")

    assert note.git_of(str(main / "deep" / "er")) == {"git": str(main / ".git"), "head": "ref: refs/heads/main"}
    assert note.git_of(str(worktree))["head"] == "ref: refs/heads/other"
    assert note.git_of(str(tmp_path)) == {}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_folder_of_git_is_followed_only_where_it_names_the_working_folder(tmp_path: Path) -> None:
    """As for git's worktrees and submodules; a file in any other folder can't point to another repository."""
    main, sub, worktree, thief = (tmp_path / name for name in ("main", "sub", "worktree", "thief"))
    thief.mkdir()
    for made in (main, sub):
        git(tmp_path, "init", "-q", "-b", made.name, str(made))
        git(made, "commit", "-q", "--allow-empty", "-m", "first")
    git(main, "worktree", "add", "-q", "-b", "other", str(worktree))
    git(main, "submodule", "add", "-q", "-b", "sub", str(sub), "part")

    assert note.git_of(str(worktree))["head"] == "ref: refs/heads/other"
    assert note.git_of(str(main / "part"))["head"] == "ref: refs/heads/sub"
    for named in (main / ".git", main / ".git" / "worktrees" / "worktree", main / ".git" / "modules" / "part"):
        (thief / ".git").write_text(f"gitdir: {named}\n")
        assert note.git_of(str(thief)) == {}


def git(folder: Path, *arguments: str) -> None:
    """Run git without this machine's settings."""
    settings = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    nothing = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PATH": os.environ["PATH"]}
    subprocess.run(["git", *settings, *arguments], cwd=folder, env=nothing, check=True, capture_output=True, timeout=30)


def test_only_what_a_hook_can_have_written_is_read(home: str, tmp_path: Path) -> None:
    """No link out of the spool, no pipe, and no file larger than any event."""
    (tmp_path / "secret").write_text("a secret")
    new = Path(home, spool.NEW)
    (new / "0-link").symlink_to(tmp_path / "secret")
    os.mkfifo(new / "1-pipe")
    (new / "2-device").symlink_to("/dev/zero")
    with (new / "3-huge").open("wb") as file:
        file.truncate(3 << 30)
    spool.put(home, 7, {"client": "codex"}, b"{}")

    read = [spool.read(home, name) for name in spool.waiting(home)]

    assert sorted(filter(None, read)) == [b"client=codex\n{}"]
    assert spool.RECORD_BYTES_MAX > note.PAYLOAD_BYTES_MAX
