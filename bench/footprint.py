"""What does the embedded default cost while nobody uses it: processor, memory, disk? Takes as long as it says."""

import os
import time
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench.end_to_end import send_and_wait
from bench.harness import Question, Result, Say, at_most, plain
from bench.services import cpu_s, http_service, resident_mb, temporary_folder

EVENTS = 100_000
SETTLES_S, RESTS_S = 60, 600
LOOKS_EVERY_S = 10
CORE_MARK_PERCENT, GROWTH_MARK_MB = 5, 32


class Look(NamedTuple):
    """What the process holds, and the processor time that it has had."""

    cpu_s: float
    resident_mb: float
    disk_mb: float


def measure(say: Say) -> list[Result]:
    """Some work first, and a minute in which it is tidied up; then ten in which nothing happens."""
    with temporary_folder() as folder, http_service(folder, "up") as (process, target):
        uvloop.run(send_and_wait(target, EVENTS, say))
        _rest(SETTLES_S, say)
        before = _look(process.pid, folder)
        _rest(RESTS_S, say)
        after = _look(process.pid, folder)
    return [
        at_most("at_rest_up of one core", (after.cpu_s - before.cpu_s) / RESTS_S * 100, "%", CORE_MARK_PERCENT),
        at_most("at_rest_up memory grows by", after.resident_mb - before.resident_mb, "MB", GROWTH_MARK_MB),
        at_most("at_rest_up disk grows by", after.disk_mb - before.disk_mb, "MB", GROWTH_MARK_MB),
        plain("at_rest_up resident", after.resident_mb, "MB"),
        plain("at_rest_up disk", after.disk_mb, "MB"),
    ]


def _rest(seconds: int, say: Say) -> None:
    for passed in range(0, seconds, LOOKS_EVERY_S):
        say(f"{passed} of {seconds} s at rest")
        time.sleep(LOOKS_EVERY_S)


def _look(pid: int, folder: Path) -> Look:
    return Look(cpu_s(pid), resident_mb(pid), _disk_mb(folder))


def _disk_mb(folder: Path) -> float:
    """Files may come and go meanwhile."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            file = Path(path, name)
            total += file.stat().st_size if file.exists() else 0
    return total / 1e6


QUESTION = Question("at_rest_up", "what `up` uses while nobody uses it, for ten minutes", measure)
