"""A Faust worker that ends even where Faust would wait forever.

After a crash Faust stops its consumer's thread and commits once more through that thread. If the thread ends first, as
in 7 of 64 crashes under load, the commit is never answered. Without it the offsets lag and records are delivered again,
which receipts make harmless. So nothing is lost when the process ends.
"""

import os
import sys
import threading

import faust

from processors.runners.watchdog import EXIT_STUCK

STOP_S = 15.0  # less than what supervisors grant before SIGKILL; a stop takes 2 s
EXIT_BROKEN = 1


class BoundedStopWorker(faust.Worker):  # type: ignore[misc]  # faust has no types
    """Exits `STOP_S` after its stop began: non-zero, and 1 after a crash."""

    async def stop(self) -> None:
        limit = threading.Timer(STOP_S, self._end)
        limit.daemon = True
        limit.start()
        await super().stop()

    def _end(self) -> None:
        print(  # not through Faust's logger, which takes sys.stderr over and may be what hangs
            f"the projector's stop did not end within {STOP_S:.0f} s: the process ends without it. Nothing is lost.",
            file=sys.__stderr__,
            flush=True,
        )
        os._exit(EXIT_STUCK if self.crash_reason is None else EXIT_BROKEN)
