"""A limit on the processor time that redaction may take for one request, for any input.

It is measured in seconds, not in steps: 200 rules take between 1 and 1,000 ns a byte, depending on the input. So it
also holds on a slow machine and with future rules. Only a request that reaches the limit gets a different result.
"""

import time
from collections.abc import Callable
from typing import Self

A_REQUEST_S = 3.0  # 10 MB with a secret in every tenth payload take 0.1 s
A_MOMENT_S = 0.005  # on the event loop


class TooDense(Exception):
    """The effort is used up: these bytes take more time than a request may use."""


class Effort:
    """A budget of processor seconds. It is spent inside its context, in one thread at a time."""

    def __init__(
        self,
        seconds: float = A_REQUEST_S,
        clock: Callable[[], float] = time.thread_time,
        wall: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._left = seconds
        self._clock, self._wall = clock, wall
        self._began = self._entered_at = 0.0

    def __enter__(self) -> Self:
        self._began, self._entered_at = self._clock(), self._wall()
        return self

    def __exit__(self, *_error: object) -> None:
        self._left -= self._clock() - self._began

    def check(self) -> None:
        """Raise `TooDense` if no time is left; call it between pieces of work."""
        # No thread uses more processor time than passes, and to read that takes no system call.
        if self._wall() - self._entered_at > self._left and self._clock() - self._began > self._left:
            raise TooDense
