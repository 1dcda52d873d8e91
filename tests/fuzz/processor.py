"""Time for which a thread was runnable but had no CPU; it says nothing about the service."""

from pathlib import Path

OWN = Path("/proc/thread-self/schedstat")


def waited_s(schedstat: Path = OWN) -> float:
    """Return how long the thread has waited for a CPU since it began; 0 if the system does not report it."""
    try:
        return int(schedstat.read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


class Stalls:
    """Time that a busy machine adds to a response, because the client or the service had no CPU."""

    def __init__(self, service: Path) -> None:
        """Start to measure; ``service`` is `loop_of` the process that responds."""
        self._service = service
        self._own_before, self._loop_before = waited_s(), waited_s(service)

    @property
    def own_s(self) -> float:
        """Return how long the measuring thread had no CPU."""
        return waited_s() - self._own_before

    @property
    def loop_s(self) -> float:
        """Return how long the event loop of the service had no CPU."""
        return waited_s(self._service) - self._loop_before


def loop_of(pid: int) -> Path:
    """Return the file with the CPU wait of the main thread of a process, in which its event loop runs."""
    return Path(f"/proc/{pid}/schedstat")
