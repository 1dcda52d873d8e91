"""How do `stack` and `up` compare with a bare prototype, from the first request until everything can be read?

Each turn starts one of the three with empty data, warms it up, and stops it again, so that they do not compete for the
machine.
"""

import time
from collections.abc import Callable
from functools import partial

import uvloop

from bench.end_to_end import send_until_visible
from bench.figures import Figure
from bench.harness import BenchQuestion, Report
from bench.kafka import broker_topic
from bench.load import Generator
from bench.prototype import projected_by_prototype, prototype_ingesting, prototype_projecting
from bench.rounds import Turn, compare, figures_of_sides, in_turns
from bench.services import installation, temporary_folder, wait_until
from bench.usage import descendants_cpu_s

NAME = "end_to_end_vs_prototype"
EVENTS, WARM_UP_EVENTS = 250_000, 50_000
WANTED = {"stack": (NAME, 0.7), "up": ("up_vs_prototype", 0.6)}
LIMIT_S = 180.0


def _measure(report: Report) -> list[Figure]:
    """Measure the three in turns."""
    sides: dict[str, Callable[[], Turn]] = {
        "stack": partial(_run_ours, "stack", report),
        "prototype": partial(_run_prototype, report),
        "up": partial(_run_ours, "up", report),
    }
    turns = in_turns(sides, report)
    figures = figures_of_sides(NAME, turns)
    for side, (name, wanted) in WANTED.items():
        figures += compare(name, turns[side], turns["prototype"], "a bare prototype", wanted)
    return figures


def _run_ours(command: str, report: Report) -> Turn:
    with installation(command) as service:
        send_until_visible(service.target, WARM_UP_EVENTS, report)
        return send_until_visible(service.target, EVENTS, report, WARM_UP_EVENTS).turn


def _run_prototype(report: Report) -> Turn:
    """Run the prototype; its events can be read as soon as the insert returns."""
    with (
        temporary_folder() as folder,
        broker_topic(folder) as topic,
        prototype_ingesting(folder, topic) as service,
        prototype_projecting(folder, topic) as projector,
    ):

        def wait_for(events: int) -> None:
            wait_until(lambda: projected_by_prototype(folder).events >= events, projector, folder, LIMIT_S)

        uvloop.run(Generator(service.target, WARM_UP_EVENTS).run(report=report))
        wait_for(WARM_UP_EVENTS)
        begun: list[float] = []
        generator = Generator(service.target, EVENTS)
        generator.on_begin = lambda: begun.extend((time.time(), descendants_cpu_s()))
        uvloop.run(generator.run(report=report))
        wait_for(WARM_UP_EVENTS + EVENTS)
        begun_at, processor_s = begun
        seconds = projected_by_prototype(folder).last_at - begun_at
        return Turn(EVENTS / seconds, (descendants_cpu_s() - processor_s) / EVENTS * 1e6)


QUESTIONS = (BenchQuestion(NAME, "until visible: `stack`, `up` and a bare prototype", _measure),)
