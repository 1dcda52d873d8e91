"""CPU use by other processes: on a busy machine, a slow response says little about the service."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class OtherLoad:
    """Cores used by processes other than ``pids``, sampled from time to time."""

    def __init__(self, pids: Callable[[], Iterable[int]]) -> None:
        self._pids = pids
        self._before = self._now()
        self._samples: list[tuple[float, float]] = []  # time, cores since the previous sample

    def sample(self) -> None:
        """Note the cores used by others since the last sample."""
        at, others = self._now()
        cores = max(0.0, (others - self._before[1]) / max(at - self._before[0], 0.01))
        self._before = at, others
        self._samples.append((at, cores))

    @property
    def last(self) -> float:
        """The cores of the last sample."""
        return self._samples[-1][1] if self._samples else 0.0

    def most(self, began: float, ended: float) -> float:
        """Return the most cores that others used in a sample of that time."""
        return max((cores for at, cores in self._samples if began <= at <= ended + 2), default=0.0)

    def _now(self) -> tuple[float, float]:
        user, nice, system, _idle, _wait, irq, soft, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
        busy = user + nice + system + irq + soft + steal
        return time.monotonic(), TICK_S * (busy - sum(map(_ticks_of, {*self._pids(), os.getpid()})))


def _ticks_of(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(fields[11]) + int(fields[12])
