"""A mark that names the event being taken. It reveals an event that kills senders.

The mark names one event, and how many senders in a row have died at it. It is written before the sender reads the
event, and emptied after the batch, even if an error ends the batch. So if a sender finds an event in the mark, the
sender before it died at this event. After the second death the event is put aside. A sender that is killed for another
reason marks an innocent event. That event is put aside only if the next sender that marks any event dies at it again.

Writing a few bytes in place takes microseconds, so each event is marked. The mark outlives the process, but not always
the machine: after a power failure an event may get one more try.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

FILE = "taking"
DEATHS_MAX = 2
_BYTES = 512  # more than the longest name of a file


class Taking:
    """The mark of one sender."""

    def __init__(self, home: str) -> None:
        self._file = os.open(Path(home, FILE), os.O_RDWR | os.O_CREAT, 0o600)
        deaths, _, name = os.fsdecode(os.pread(self._file, _BYTES, 0).rstrip(b"\0")).partition(" ")
        self._suspect, self._deaths = name, int(deaths) + 1 if deaths.isdigit() else 0
        self._is_marked = bool(name)

    def close(self) -> None:
        os.close(self._file)

    @property
    def culprit(self) -> str:
        """The event at which too many senders died; empty if there is none."""
        return self._suspect if self._deaths >= DEATHS_MAX else ""

    def mark(self, name: str) -> None:
        """Note which event is taken next."""
        self._is_marked = True
        self._write(os.fsencode(f"{self._deaths if name == self._suspect else 0} {name}"))

    def clear(self) -> None:
        """Note that no event is being taken. An idle sender writes nothing."""
        if self._is_marked:
            self._is_marked = False
            self._write(b"")

    def _write(self, text: bytes) -> None:
        with contextlib.suppress(OSError):  # the first time there may be no room
            os.pwrite(self._file, text.ljust(_BYTES, b"\0"), 0)
