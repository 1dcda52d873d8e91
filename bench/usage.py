"""What processes and folders use: processor time, memory, disk. It reads /proc."""

import contextlib
import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Return the processor seconds that a process has used, all threads together."""
    user, system = _stat(pid)[11:13]
    return (int(user) + int(system)) / _TICKS


def descendants_cpu_s() -> float:
    """Return the processor seconds of all processes that this one started, directly or not, ended children included."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            parents[int(folder.name)] = int(_stat(int(folder.name))[1])
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sum(int(ticks) for pid in found - {os.getpid()} for ticks in _stat(pid)[11:15]) / _TICKS


def resident_mb(pid: int, peak: bool = False) -> float:
    """Return the resident memory of a process, now or at its peak."""
    name = "VmHWM" if peak else "VmRSS"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no {name}")


def disk_bytes(folder: Path) -> int:
    """Return the disk space of all files in a folder, without the holes of sparse files such as Kafka's indexes."""
    files = (Path(path, name) for path, _, names in os.walk(folder) for name in names)
    return sum(file.stat().st_blocks * 512 for file in files if file.exists())


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on: the second may contain spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
