"""How much of the machine others use meanwhile: a slow answer on a busy machine says little."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class OtherLoad:
    """Cores that are used by none of ``pids``, sampled now and then."""

    def __init__(self, pids: Callable[[], Iterable[int]]) -> None:
        self._pids = pids
        self._before = self._now()
        self._samples: list[tuple[float, float]] = []  # when, cores since the sample before

    def sample(self) -> None:
        """Look, and note the cores used by others since the last look."""
        at, others = self._now()
        cores = max(0.0, (others - self._before[1]) / max(at - self._before[0], 0.01))
        self._before = at, others
        self._samples.append((at, cores))

    @property
    def last(self) -> float:
        """The cores of the last sample."""
        return self._samples[-1][1] if self._samples else 0.0

    def most(self, began: float, ended: float) -> float:
        """The most that others used in that time, as far as it was sampled."""
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
