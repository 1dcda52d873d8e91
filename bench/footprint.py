"""What does `up` use: memory after a million events, and processor, memory and disk when idle?"""

import time

from bench.end_to_end import send_until_visible
from bench.question import BenchQuestion, Figure, Report, figure
from bench.services import Service, installation
from bench.usage import cpu_s, disk_bytes, resident_mb

MEMORY_EVENTS, MEMORY_MARK_MB = 1_000_000, 1_200
REST_EVENTS = 100_000
SETTLE_S, REST_S, REPORT_EVERY_S = 60, 600, 10
CORE_MARK_PERCENT, GROWTH_MARK_MB = 5, 32


def _measure_memory(report: Report) -> list[Figure]:
    """Measure resident memory once every event is projected."""
    with installation("up") as service:
        send_until_visible(service.target, MEMORY_EVENTS, report)
        return [
            figure("memory_up resident", resident_mb(service.pid), "MB", at_most=MEMORY_MARK_MB),
            figure("memory_up highest", resident_mb(service.pid, peak=True), "MB"),
        ]


def _measure_at_rest(report: Report) -> list[Figure]:
    """Send some events, let merges settle for a minute, and measure ten idle minutes."""
    with installation("up") as service:
        send_until_visible(service.target, REST_EVENTS, report)
        _rest(SETTLE_S, report)
        before = _usage(service)
        _rest(REST_S, report)
        after = _usage(service)
    _, memory_now_mb, disk_now_mb = after
    used_s, memory_mb, disk_mb = (now - then for now, then in zip(after, before, strict=True))
    return [
        figure("at_rest_up of one core", used_s / REST_S * 100, "%", at_most=CORE_MARK_PERCENT),
        figure("at_rest_up memory grows by", memory_mb, "MB", at_most=GROWTH_MARK_MB),
        figure("at_rest_up disk grows by", disk_mb, "MB", at_most=GROWTH_MARK_MB),
        figure("at_rest_up resident", memory_now_mb, "MB"),
        figure("at_rest_up disk", disk_now_mb, "MB"),
    ]


def _usage(service: Service) -> tuple[float, float, float]:
    """Return processor seconds since the start, MB of memory, and MB of disk."""
    return cpu_s(service.pid), resident_mb(service.pid), disk_bytes(service.folder) / 1e6


def _rest(seconds: int, report: Report) -> None:
    for passed in range(0, seconds, REPORT_EVERY_S):
        report(f"{passed} of {seconds} s at rest")
        time.sleep(REPORT_EVERY_S)


QUESTIONS = (
    BenchQuestion("memory_up", "resident memory of `up` after 1,000,000 events", _measure_memory),
    BenchQuestion("at_rest_up", "what `up` uses when idle, for ten minutes", _measure_at_rest, only_by_name=True),
)
