"""Rows reach the in-process engine through a file in memory, which contains only the last rows."""

import os
from pathlib import Path

import pytest

from processors.memfd import IOV_MAX, MemoryFile


def test_it_holds_exactly_the_last_rows() -> None:
    """After more chunks than one call takes, and then fewer, nothing of the earlier rows is left."""
    file = MemoryFile()
    many = [bytes([n % 251]) * (n % 97) for n in range(3 * IOV_MAX + 7)]

    file.replace(many)
    first = Path(file.path).read_bytes()
    file.replace([b"few", b"", b"rows"])

    assert first == b"".join(many)
    assert Path(file.path).read_bytes() == b"fewrows"


def test_a_short_write_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel may write fewer bytes than given, at any byte."""
    whole = os.pwritev
    monkeypatch.setattr(os, "pwritev", lambda file, chunks, at: whole(file, [b"".join(chunks)[:5]], at))
    file = MemoryFile()

    file.replace([b"abc", b"defgh", b"ijklmnopq"])

    assert Path(file.path).read_bytes() == b"abcdefghijklmnopq"


def test_its_file_is_closed_with_it() -> None:
    """A thread that ends leaves no open descriptor."""
    file = MemoryFile()
    path = Path(file.path)

    del file

    assert not path.exists()
