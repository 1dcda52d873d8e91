"""What does `up` use: memory after a million events, and processor, memory and disk at rest?"""

import time
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench.end_to_end import send_and_wait
from bench.harness import BenchQuestion, Figure, Report, at_most, without_mark
from bench.services import cpu_s, disk_bytes, http_service, resident_mb, temporary_folder

MEMORY_EVENTS, MEMORY_MARK_MB = 1_000_000, 1_200
REST_EVENTS = 100_000
SETTLE_S, REST_S, REPORT_EVERY_S = 60, 600, 10
CORE_MARK_PERCENT, GROWTH_MARK_MB = 5, 32


class Usage(NamedTuple):
    """What the process uses at a moment; ``cpu_s`` since its start."""

    cpu_s: float
    resident_mb: float
    disk_mb: float

    @classmethod
    def of(cls, pid: int, folder: Path) -> "Usage":
        """Read it from /proc and from the data folder."""
        return cls(cpu_s(pid), resident_mb(pid), disk_bytes(folder) / 1e6)


def _measure_memory(report: Report) -> list[Figure]:
    """Measure resident memory once every event is projected."""
    with temporary_folder() as folder, http_service(folder, "up") as (process, target):
        uvloop.run(send_and_wait(target, MEMORY_EVENTS, report))
        return [
            at_most("memory_up resident", resident_mb(process.pid), "MB", MEMORY_MARK_MB),
            without_mark("memory_up highest", resident_mb(process.pid, peak=True), "MB"),
        ]


def _measure_at_rest(report: Report) -> list[Figure]:
    """Send some events, let merges settle for a minute, and measure ten idle minutes."""
    with temporary_folder() as folder, http_service(folder, "up") as (process, target):
        uvloop.run(send_and_wait(target, REST_EVENTS, report))
        _rest(SETTLE_S, report)
        before = Usage.of(process.pid, folder)
        _rest(REST_S, report)
        after = Usage.of(process.pid, folder)
    return [
        at_most("at_rest_up of one core", (after.cpu_s - before.cpu_s) / REST_S * 100, "%", CORE_MARK_PERCENT),
        at_most("at_rest_up memory grows by", after.resident_mb - before.resident_mb, "MB", GROWTH_MARK_MB),
        at_most("at_rest_up disk grows by", after.disk_mb - before.disk_mb, "MB", GROWTH_MARK_MB),
        without_mark("at_rest_up resident", after.resident_mb, "MB"),
        without_mark("at_rest_up disk", after.disk_mb, "MB"),
    ]


def _rest(seconds: int, report: Report) -> None:
    for passed in range(0, seconds, REPORT_EVERY_S):
        report(f"{passed} of {seconds} s at rest")
        time.sleep(REPORT_EVERY_S)


QUESTIONS = (
    BenchQuestion("memory_up", "resident memory of `up` after 1,000,000 events", _measure_memory),
    BenchQuestion("at_rest_up", "what `up` uses when idle, for ten minutes", _measure_at_rest, only_by_name=True),
)
