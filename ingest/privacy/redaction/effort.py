"""How much of the processor redaction may take for one request, whatever a client makes of its bytes.

It is measured, not counted: 200 rules take between 1 and 1,000 ns a byte, depending on what they look at. So it is the
same on a slow machine and with a rule of tomorrow, and a request comes out otherwise only where it reaches the bound.
"""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

A_REQUEST_S = 3.0  # 10 MB with a secret in every tenth payload take 0.1 s
A_MOMENT_S = 0.005  # on the event loop


class TooDense(Exception):
    """The effort is used up: these bytes hold more to look at than a request is worth."""


class Effort:
    """Seconds of the processor. They pass while it is entered, in one thread at a time."""

    def __init__(self, seconds: float = A_REQUEST_S, clock: Callable[[], float] = time.thread_time) -> None:
        self._left = seconds
        self._clock = clock
        self._began = 0.0

    def __enter__(self) -> Self:
        self._began = self._clock()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._left -= self._clock() - self._began

    def check(self) -> None:
        """Raises `TooDense` where nothing is left, now and ever after; to be called between pieces of work."""
        if self._clock() - self._began > self._left:
            raise TooDense
