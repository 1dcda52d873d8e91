"""Time for which a thread could have run, but had no processor: on a busy machine that says nothing of a service."""

from pathlib import Path

OWN = Path("/proc/thread-self/schedstat")


def waited_s(schedstat: Path = OWN) -> float:
    """For how long the thread has waited for a processor since it began; 0 where the system does not say."""
    try:
        return int(schedstat.read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def loop_of(pid: int) -> Path:
    """Where the system says it of the main thread of a process, in which its event loop runs."""
    return Path(f"/proc/{pid}/schedstat")
