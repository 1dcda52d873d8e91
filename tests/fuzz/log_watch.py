"""Reads the logs of a service as they grow, to find unexpected errors."""

from collections.abc import Iterator
from pathlib import Path

from tests.support.rigs.folder import files_of

ALARMS = (b"unexpected_error", b"Traceback (most recent call last)", b"panicked at", b'"level": "critical"')


class LogWatch:
    """The logs of one data folder; a rotated file is followed by its inode, a truncated one is read again."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._read: dict[int, int] = {}  # inode to bytes

    def alarms(self) -> Iterator[str]:
        """Yield the alarming lines since the last call."""
        for file in (*files_of(self._data / "log"), *self._data.glob("*.out")):
            for line in self._new_of(file).splitlines():
                if any(alarm in line for alarm in ALARMS):
                    yield f"{file.name}: {line[:1_500].decode(errors='replace')}"

    def _new_of(self, file: Path) -> bytes:
        try:
            with file.open("rb") as opened:
                inode = file.stat().st_ino
                known = min(self._read.get(inode, 0), file.stat().st_size)  # it may have been truncated
                opened.seek(known)
                new = opened.read()
        except FileNotFoundError:
            return b""
        whole = new[: new.rfind(b"\n") + 1]
        self._read[inode] = known + len(whole)
        return whole
