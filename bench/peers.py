"""How does `up` compare with Arize Phoenix, the nearest peer that can be installed from PyPI?

Both get the same events: `up` as hook events, Phoenix as OTLP spans over HTTP, one for each event. Both run on defaults
with a new folder and take turns, each until every event can be read.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from bench.baselines.environments import python_with
from bench.baselines.phoenix import PACKAGE, count_spans, running_phoenix, send_spans
from bench.end_to_end import send_until_visible
from bench.figures import Figure, figure
from bench.harness import BenchQuestion, Report
from bench.rounds import Turn, compare, figures_of, in_turns
from bench.services import installation, wait_until
from bench.usage import cpu_s, disk_bytes, resident_mb

UP_EVENTS, UP_WARM_UP_EVENTS = 100_000, 20_000
PHOENIX_EVENTS, PHOENIX_WARM_UP_EVENTS = 4_000, 500
WANTED = 1.0
LIMIT_S, POLL_S = 300.0, 0.1


class Measured(NamedTuple):
    """What one turn measured: its speed, bytes per event on disk, and memory in MB."""

    turn: Turn
    disk: float
    memory_mb: float


def _run_up(report: Report) -> Measured:
    with installation("up") as service:
        send_until_visible(service.target, UP_WARM_UP_EVENTS, report)
        before = disk_bytes(service.folder)
        turn = send_until_visible(service.target, UP_EVENTS, report, UP_WARM_UP_EVENTS).turn
        return Measured(turn, (disk_bytes(service.folder) - before) / UP_EVENTS, resident_mb(service.pid))


def _run_phoenix(python: Path, report: Report) -> Measured:
    with running_phoenix(python) as (running, folder, port):

        def send_and_wait(events: int) -> None:
            wanted = count_spans(folder) + events
            send_spans(port, events)
            report(f"waiting for {wanted:,} spans")
            wait_until(lambda: count_spans(folder) >= wanted, running, folder, LIMIT_S, POLL_S)

        send_and_wait(PHOENIX_WARM_UP_EVENTS)
        before, cpu, begun = disk_bytes(folder), cpu_s(running.pid), perf_counter()
        send_and_wait(PHOENIX_EVENTS)
        seconds, used = perf_counter() - begun, cpu_s(running.pid) - cpu
        disk = (disk_bytes(folder) - before) / PHOENIX_EVENTS
        return Measured(Turn(PHOENIX_EVENTS / seconds, used / PHOENIX_EVENTS * 1e6), disk, resident_mb(running.pid))


def _measure(report: Report) -> list[Figure]:
    """Measure both in turns. Raises `NotInstallable`."""
    python = python_with(PACKAGE, report)
    found = in_turns({"up": partial(_run_up, report), "phoenix": partial(_run_phoenix, python, report)}, report)
    turns = {side: [each.turn for each in measured] for side, measured in found.items()}
    return [
        *(one for side, measured in found.items() for one in _figures(f"peers {side}", measured)),
        *compare("up_vs_phoenix", turns["up"], turns["phoenix"], "Arize Phoenix", WANTED),
    ]


def _figures(name: str, measured: Sequence[Measured]) -> list[Figure]:
    return [
        *figures_of(name, [each.turn for each in measured]),
        figure(f"{name} disk", [each.disk for each in measured], "B/event"),
        figure(f"{name} memory", [each.memory_mb for each in measured], "MB"),
    ]


QUESTIONS = (BenchQuestion("peers", "`up` and Arize Phoenix, until visible", _measure, only_by_name=True),)
