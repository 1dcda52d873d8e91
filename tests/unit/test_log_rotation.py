"""Log files are bounded: ours, and those that other processes write. Ordinary rotation loses no line."""

import os
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from runtime.services.log_rotation import begin_anew, cut_when_full
from runtime.services.logging import best_effort_stream
from runtime.settings.private_files import SymbolicLink

BYTES = 20_000
WRITER = """
import os, sys, time
out = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
for n in range(int(sys.argv[2])):
    os.write(out, b"line %0100d\\n" % n)
    time.sleep(0.001)
"""


def numbers(*files: Path) -> list[int]:
    """Return the numbers in the files' lines, each of which must be complete."""
    return [int(line.removeprefix("line ")) for file in files for line in file.read_text().splitlines()]


def old(file: Path) -> Path:
    return file.with_name(f"{file.name}.1")


def test_threads_that_write_while_the_file_is_rotated_lose_no_line(tmp_path: Path) -> None:
    """Each line is in one of the two files, once and complete."""
    file = tmp_path / "up.log"
    stream = best_effort_stream(file, BYTES)

    def write(first: int) -> None:
        for n in range(first, first + 500):
            stream.write(f"line {10_000 + n}\n")

    threads = [threading.Thread(target=write, args=(first,)) for first in range(0, 2_500, 500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert old(file).stat().st_size >= BYTES
    assert sorted(numbers(old(file), file)) == list(range(10_000, 12_500))


def test_a_thread_that_comes_second_does_not_rotate_again(tmp_path: Path) -> None:
    """It also found the file full and waited for its turn; the first rotation's old file stays."""
    file = tmp_path / "up.log"
    stream = best_effort_stream(file, 10)
    raw: Any = stream.buffer

    class Second:
        """A turn that comes after the first thread has rotated the file."""

        def __enter__(self) -> None:
            begin_anew(file, raw.fileno())

        def __exit__(self, *_: object) -> None: ...

    raw._turn = Second()
    raw.write(b"line 1000000\n")

    assert numbers(old(file)) == [1_000_000]
    assert file.read_text() == ""


def test_our_log_never_takes_more_than_twice_its_bound(tmp_path: Path) -> None:
    """For any number of lines: the newest is there, and the folder holds no other file."""
    file = tmp_path / "up.log"
    stream = best_effort_stream(file, BYTES)
    for n in range(50_000):
        stream.write(f"line {n}\n")

    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2 * BYTES + 100
    assert {path.name for path in tmp_path.iterdir()} == {"up.log", "up.log.1"}
    found = numbers(old(file), file)
    assert found == list(range(found[0], 50_000))
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


def test_where_no_new_file_can_begin_the_old_one_goes_on(tmp_path: Path) -> None:
    """No write fails and no line is lost; the file is rotated once there is room."""
    file = tmp_path / "up.log"
    in_the_way = tmp_path / ".up.log.new"
    in_the_way.mkdir()
    stream = best_effort_stream(file, BYTES)
    for n in range(5_000):
        stream.write(f"line {n}\n")
    assert numbers(file) == list(range(5_000))

    in_the_way.rmdir()
    stream.write("line 5000\n")

    assert (numbers(old(file)), file.read_text()) == (list(range(5_001)), "")


def test_a_file_that_was_removed_by_hand_is_made_again(tmp_path: Path) -> None:
    """The next line beyond the limit creates it again."""
    file = tmp_path / "up.log"
    stream = best_effort_stream(file, 10)
    file.unlink()

    stream.write("line 100000\n")
    stream.write("line 2\n")

    assert numbers(file) == [2]


def test_the_log_of_another_process_is_cut_while_it_writes(tmp_path: Path) -> None:
    """It continues at the new end: no line is torn or repeated, and only lines at the moment of the cut are lost."""
    file = tmp_path / "child.log"
    count = 600
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(file), str(count)])
    while not old(file).exists() and writer.poll() is None:
        cut_when_full(file, BYTES)
    assert writer.wait() == 0

    found = numbers(old(file), file)
    assert sorted(set(found)) == found
    assert (found[0], found[-1]) == (0, count - 1)
    assert sum(after - before > 1 for before, after in pairwise(found)) <= 1


def test_a_cut_between_two_lines_loses_neither(tmp_path: Path) -> None:
    """The copy holds every line before the cut, and the file every line after it."""
    file = tmp_path / "child.log"
    out = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for n in range(600):
        if n == 300:
            cut_when_full(file, BYTES)
        os.write(out, b"line %0100d\n" % n)
    os.close(out)

    assert (numbers(old(file)), numbers(file)) == (list(range(300)), list(range(300, 600)))


def test_only_a_full_log_is_cut(tmp_path: Path) -> None:
    """A file that does not exist yet is no error."""
    file = tmp_path / "child.log"
    cut_when_full(file, BYTES)
    file.write_text("line 1\n")
    cut_when_full(file, BYTES)

    assert [path.name for path in tmp_path.iterdir()] == ["child.log"]
    assert numbers(file) == [1]


def test_where_no_copy_can_be_made_the_log_is_cut_all_the_same(tmp_path: Path) -> None:
    """On a full disk, freeing space is more important than a copy."""
    file = tmp_path / "child.log"
    file.write_text("x" * BYTES)
    old(file).mkdir()

    cut_when_full(file, BYTES)

    assert file.read_text() == ""
    assert {path.name for path in tmp_path.iterdir()} == {"child.log", "child.log.1"}


def test_nothing_is_cut_through_a_link(tmp_path: Path) -> None:
    """The target of the link stays unchanged."""
    precious = tmp_path / "precious"
    precious.write_text("x" * BYTES)
    (tmp_path / "child.log").symlink_to(precious)

    cut_when_full(tmp_path / "child.log", BYTES)
    with pytest.raises(SymbolicLink):
        cut_when_full(tmp_path / "child.log", 1)

    assert precious.stat().st_size == BYTES
