"""A program in a terminal, and a user at its keyboard."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.waiting import eventually

ROWS, COLUMNS = 50, 160
_CONTROL = re.compile(r"\x1b\[[0-9;?<>=]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[=>()][A-Z0-9]?")


class Terminal:
    """Runs a program in its own terminal."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(command[0], list(command), dict(environment))  # noqa: S606 (its arguments are the test's)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._said = b""
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def shows(self, words: str, within_s: float = 30) -> None:
        """Wait until the program has printed some words since the last typed line."""
        wanted = words.replace(" ", "")
        try:
            eventually(lambda: wanted in self.screen.replace(" ", ""), within_s=within_s)
        except AssertionError as error:
            raise AssertionError(f"{words!r} is not on the screen:\n{self.screen[-3_000:]}") from error

    @property
    def screen(self) -> str:
        """Return the output since the last typed line, without control sequences."""
        return _CONTROL.sub("", self._said.decode("utf-8", "replace"))

    def type(self, line: str) -> None:
        """Type a line, and press Enter."""
        self._said = b""
        os.write(self._fd, line.encode())
        time.sleep(0.4)  # a program takes fast input for a paste, in which Enter does not submit
        os.write(self._fd, b"\r")

    def wait(self, within_s: float = 20) -> None:
        """Wait until the program has ended."""
        eventually(lambda: os.waitpid(self.pid, os.WNOHANG)[0] == self.pid, within_s=within_s)
        self._reading.join(timeout=5)
        with contextlib.suppress(OSError):
            os.close(self._fd)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while part := os.read(self._fd, 1 << 16):
                self._said += part
