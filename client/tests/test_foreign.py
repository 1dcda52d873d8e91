"""Files that others control: the hook client never waits for one, and reads only a part, whatever a path names."""

import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from crewkit_hook import foreign, note
from crewkit_hook.agents.claude_code import past
from crewkit_hook.agents.registry import AGENTS
from crewkit_hook.repository import described
from crewkit_hook.transcripts import lines
from crewkit_hook.transcripts.lines import new_lines

MB = 1 << 20


def sparse(path: Path, size: int) -> None:
    """Make a file of zeros that takes no disk space."""
    with path.open("wb") as file:
        file.truncate(size)


def least_peak(work: Callable[[], object]) -> int:
    """Return the peak of memory, in bytes, of the best of three runs: other threads of the process need some too."""
    peaks = []
    for _ in range(3):
        tracemalloc.start()
        try:
            work()
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    return min(peaks)


SHAPES: dict[str, Callable[[Path], None]] = {
    "pipe": lambda path: os.mkfifo(path),
    "link to a pipe": lambda path: (os.mkfifo(f"{path}.pipe"), path.symlink_to(f"{path}.pipe"))[1],
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/tty"),
    "folder": lambda path: path.mkdir(),
    "link to itself": lambda path: path.symlink_to(path),
    "huge file": lambda path: sparse(path, 3 << 30),
}


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    return SHAPES[request.param]


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "huge file"])
def test_only_regular_files_are_opened(tmp_path: Path, name: str) -> None:
    """Anything else is an error at once, and no descriptor stays open."""
    SHAPES[name](tmp_path / "it")
    before = len(list(Path("/proc/self/fd").iterdir()))

    with pytest.raises(OSError, match=r"regular file|symbolic links|No such device"):
        foreign.start_of(str(tmp_path / "it"), 100)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_no_more_is_read_than_asked_for(tmp_path: Path) -> None:
    """A short file is read completely, and so is one without a size, as in /proc."""
    (tmp_path / "it").write_bytes(b"0123456789" * 20_000)

    assert len(foreign.start_of(str(tmp_path / "it"), 150_000)) == 150_000
    assert len(foreign.start_of(str(tmp_path / "it"), 300_000)) == 200_000
    assert b"python" in foreign.start_of("/proc/self/cmdline", 10_000)


@pytest.mark.parametrize("path", ["a\0b", "\ud83d", "x" * 5_000, ""])
def test_what_is_no_path_is_not_there(path: str) -> None:
    """A payload may contain anything."""
    with pytest.raises(OSError):  # noqa: PT011 (the system's own words)
        foreign.start_of(path, 1)


@pytest.mark.parametrize("name", ["HEAD", "config", "commondir"])
def test_no_file_of_git_stops_a_hook_or_the_sender(tmp_path: Path, name: str, shape: Callable[[Path], None]) -> None:
    """A folder may be an unpacked archive. Unreadable files count as empty."""
    (tmp_path / ".git").mkdir()
    shape(tmp_path / ".git" / name)

    assert least_peak(lambda: described(note.git_of(str(tmp_path)))) < MB
    header = note.git_of(str(tmp_path))
    assert (header["git"], described(header)) == (str(tmp_path / ".git"), {})


@pytest.mark.parametrize("text", ["gitdir: a\0b", "gitdir:", "gitdir: " + "x/" * 1_900, "gitdir: .", "gitdir: .git"])
def test_no_text_of_a_git_file_stops_a_hook(tmp_path: Path, text: str) -> None:
    """The folder counts as outside of repositories."""
    (tmp_path / ".git").write_text(text)

    assert note.git_of(str(tmp_path)) == {}


@pytest.mark.parametrize("client", sorted(AGENTS))
def test_no_transcript_stops_the_sender(
    tmp_path: Path, client: str, shape: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unreadable one has no totals; a line without an end is skipped in little memory."""
    monkeypatch.setattr(lines, "LINE_BYTES_MAX", MB)
    monkeypatch.setattr(lines, "SKIPPED_BYTES_MAX", 20 * MB)
    shape(tmp_path / "s.jsonl")
    reading = AGENTS[client].reading("s")

    reading.advance(str(tmp_path / "s.jsonl"))

    assert reading.totals().models == {}
    assert least_peak(lambda: AGENTS[client].reading("s").advance(str(tmp_path / "s.jsonl"))) < 10 * MB


def test_a_line_that_is_too_long_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one read or several, the lines around it are read, and no part of it is mistaken for a line."""
    long = b'{"a": "' + b"x" * 1_000 + b'", "b": {"c": 1}}\n'
    (tmp_path / "it").write_bytes(b'{"n": 1}\n' + long + b'{"n": 2}\n' + long + b'{"n": 3}\n{"half')
    for size in range(10, 60):
        monkeypatch.setattr(lines, "LINE_BYTES_MAX", size)
        for skipped in (size, 500, 10_000):
            monkeypatch.setattr(lines, "SKIPPED_BYTES_MAX", skipped)
            found = [(0, b"")]
            while more := list(new_lines(str(tmp_path / "it"), found[-1][0])):
                found += more

            assert [n for _, line in found if (n := lines.parsed(line).get("n"))] == [1, 2, 3]
            assert found[-1][0] == (tmp_path / "it").stat().st_size - len(b'{"half')


def test_a_huge_transcript_is_read_line_by_line(tmp_path: Path) -> None:
    """Only the length of a line is limited, not that of the file."""
    line = json.dumps({"text": "x" * MB}).encode() + b"\n"
    with (tmp_path / "it").open("wb") as file:
        file.writelines(line for _ in range(50))

    assert sum(1 for _ in new_lines(str(tmp_path / "it"), 0)) == 50
    assert least_peak(lambda: sum(1 for _ in new_lines(str(tmp_path / "it"), 0))) < 8 * MB


def test_what_describes_a_subagent_stops_no_import(tmp_path: Path, shape: Callable[[Path], None]) -> None:
    """Its type stays unknown."""
    shape(tmp_path / "agent-1.meta.json")

    assert past._agent_type(tmp_path / "agent-1.jsonl") == ""
