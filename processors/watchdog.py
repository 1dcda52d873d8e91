"""A watchdog outside the event loop: a projector that stands still while the log grows ends its process.

A restart is safe, and a stuck loop, a dead consumer or a hanging call can't be told from inside.
"""

import os
import sys
import threading
import time
from collections.abc import Callable

EXIT_STUCK = 70


class Watchdog:
    """Exits non-zero when there was something to project and no sign of life for ``limit_s``."""

    def __init__(
        self,
        lag: Callable[[], int],
        limit_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        die: Callable[[int], None] = os._exit,
    ) -> None:
        """``lag`` counts the records that wait; a sign of life is a batch, or a retry against a store that is away."""
        self._lag, self._limit_s, self._clock, self._die = lag, limit_s, clock, die
        self._last = clock()
        self._stopped = threading.Event()

    def alive(self) -> None:
        """Something was projected, or is being retried for a reason that is known."""
        self._last = self._clock()

    def check(self) -> None:
        """Look once."""
        if self._lag() <= 0:
            self.alive()
        elif self._clock() - self._last > self._limit_s:
            print(  # noqa: T201  # the logger may be what hangs
                f"projector stuck: {self._lag()} records wait and none was projected for {self._limit_s:.0f} s. "
                "The process ends so that its supervisor starts it again.",
                file=sys.stderr,
                flush=True,
            )
            self._die(EXIT_STUCK)

    def start(self, every_s: float = 1.0) -> None:
        """Check in a thread of its own until `stop`."""

        def watch() -> None:
            while not self._stopped.wait(every_s):
                self.check()

        threading.Thread(target=watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """End the watch."""
        self._stopped.set()
