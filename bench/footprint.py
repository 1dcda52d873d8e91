"""What does `up` use: at a start, after a million events, and when idle?

A start is measured from the command to the first answer and until it is ready. `AGAINST=/path/to/a/checkout` measures
the starts of that version in turns with ours, with the packages of this environment.
"""

import os
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.end_to_end import send_until_visible
from bench.question import BenchQuestion, Figure, Report, figure, in_turns
from bench.services import HOST, Service, http_service, installation, running_service, temporary_folder, wait_until
from bench.usage import cpu_s, descendants_cpu_s, disk_bytes, resident_mb
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port

OURS, AGAINST = Path(__file__).parents[1], os.environ.get("AGAINST")
START_EVENTS, STARTS, START_POLL_S = 500_000, 5, 0.02
MEMORY_EVENTS, MEMORY_MARK_MB = 1_000_000, 1_200
REST_EVENTS = 100_000
SETTLE_S, REST_S, REPORT_EVERY_S = 60, 600, 10
CORE_MARK_PERCENT, GROWTH_MARK_MB = 5, 32


class Start(NamedTuple):
    """Seconds to the first answer and to readiness, and the processor seconds of all processes until then."""

    answer_s: float
    ready_s: float
    processor_s: float


def _start(checkout: Path, filled: Path | None) -> Start:
    """Start `up` of a checkout on a filled folder or a new one, and stop it when it is ready."""
    env = {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": ""}
    with nullcontext(filled) if filled else temporary_folder() as folder:
        port, used, began = free_port(), descendants_cpu_s(), time.monotonic()
        with running_service(folder, "up", "--port", str(port), env=env) as running:
            wait_until(lambda: answers_200(HOST, port, "/livez"), running, folder, poll_s=START_POLL_S)
            answered = time.monotonic()
            wait_until(lambda: answers_200(HOST, port, "/readyz"), running, folder, poll_s=START_POLL_S)
            return Start(answered - began, time.monotonic() - began, descendants_cpu_s() - used)


def _measure_filled(report: Report) -> list[Figure]:
    """Start `up` on a folder whose events are all projected."""
    with temporary_folder() as folder:
        with http_service(folder, "up") as service:
            send_until_visible(service.target, START_EVENTS, report)
        return _measure_starts("start_up_filled", folder, report)


def _measure_starts(name: str, filled: Path | None, report: Report) -> list[Figure]:
    """Measure rounds, after one start that leaves the files in memory and the rules in their cache."""
    _start(OURS, filled)
    versions = {"": OURS} | ({" against": Path(AGAINST)} if AGAINST else {})
    sides = {version: partial(_start, checkout, filled) for version, checkout in versions.items()}
    starts = in_turns(sides, report, STARTS)
    return [
        figure(f"{name}{version} {what}", [getattr(each, field) for each in found], "s")
        for version, found in starts.items()
        for field, what in (("answer_s", "first answer"), ("ready_s", "ready"), ("processor_s", "processor time"))
    ]


def _measure_memory(report: Report) -> list[Figure]:
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
    BenchQuestion("start_up", "a start of `up` on a new folder", partial(_measure_starts, "start_up", None)),
    BenchQuestion("start_up_filled", "a start of `up` with 500,000 events", _measure_filled, only_by_name=True),
)
