"""Time for which a thread could have run, but had no processor: on a busy machine that says nothing of a service."""

from pathlib import Path

OWN = Path("/proc/thread-self/schedstat")


def waited_s(schedstat: Path = OWN) -> float:
    """For how long the thread has waited for a processor since it began; 0 where the system does not say."""
    try:
        return int(schedstat.read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


class Stalls:
    """What a busy machine adds to an answer: one of the two sides could run, and had no processor."""

    def __init__(self, service: Path) -> None:
        """``service`` is `loop_of` the process that answers. Begins to measure."""
        self._service = service
        self._own_before, self._loop_before = waited_s(), waited_s(service)

    @property
    def own_s(self) -> float:
        """For how long the measuring thread had none."""
        return waited_s() - self._own_before

    @property
    def loop_s(self) -> float:
        """For how long the loop of the service had none."""
        return waited_s(self._service) - self._loop_before


def loop_of(pid: int) -> Path:
    """Where the system says it of the main thread of a process, in which its event loop runs."""
    return Path(f"/proc/{pid}/schedstat")
