"""How does the projector compare with a bare prototype, and with ClickHouse's own Kafka engine?

All three read the same topic into an engine in their own process, in turns. Ours has rollups, which it makes once
everything is projected, so its rate is shown without and with them.
"""

import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.baselines import kafka_engine, prototype_projector
from bench.baselines.environments import NotInstallable, python_with
from bench.figures import Figure, figure
from bench.harness import FAILED, BenchQuestion, Report
from bench.kafka import FilledTopic, rewind_group
from bench.projector import filled_topic, project_into_folder
from bench.prototype import projected_by_prototype, prototype_projecting
from bench.rounds import Turn, compare, figures_of_sides, in_turns
from bench.services import temporary_folder, wait_until
from bench.usage import cpu_s
from runtime.services.ports import free_port

EVENTS = 600_000
LIMIT_S = 240.0
NAME = "projector_vs_baselines"
OURS, PROTOTYPE, ENGINE = "ours", "prototype", "Kafka engine"
OF_PROTOTYPE, OF_ENGINE = "projector_vs_prototype", "projector_vs_clickhouse_kafka_engine"
PROTOTYPE_WANTED, ENGINE_WANTED = 1.1, 1.0
Side = Callable[[Path, FilledTopic], Turn]


class _EngineDone(Struct):
    events: int
    first_events: int
    seconds: float
    processor_s: float


def _project_by_prototype(folder: Path, filled: FilledTopic) -> Turn:
    rewind_group(filled.topic, prototype_projector.GROUP)
    data = Path(tempfile.mkdtemp(dir=folder))
    with prototype_projecting(data, filled.topic) as running:
        wait_until(lambda: projected_by_prototype(data).events >= filled.events, running, data, LIMIT_S)
        return Turn(projected_by_prototype(data).rate, cpu_s(running.pid) / filled.events * 1e6)


def _project_by_engine(python: Path, folder: Path, filled: FilledTopic) -> Turn:
    data = tempfile.mkdtemp(dir=folder)
    words = [filled.topic.bootstrap, filled.topic.name, f"engine-{free_port()}", data, str(filled.events)]
    command = [str(python), str(kafka_engine.__file__), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if not done.stdout.strip():
        raise RuntimeError(f"the Kafka engine ended with {done.returncode}: {done.stderr[-1500:]}")
    found = msgspec.json.decode(done.stdout.splitlines()[-1], type=_EngineDone)
    return Turn((found.events - found.first_events) / found.seconds, found.processor_s / found.events * 1e6)


def _measure(report: Report) -> list[Figure]:
    """Measure ours and both baselines in turns over one topic, without the engine if it can't be installed."""
    with_rollups: list[float] = []

    def ours(folder: Path, filled: FilledTopic) -> Turn:
        found = project_into_folder(folder, filled, report)
        with_rollups.append(found.rate_with_rollups)
        return Turn(found.rate, found.cpu_us)

    sides: dict[str, Side] = {OURS: ours, PROTOTYPE: _project_by_prototype}
    try:
        sides[ENGINE] = partial(_project_by_engine, python_with(kafka_engine.ENGINE, report))
        missing = []
    except NotInstallable as error:
        missing = [Figure(OF_ENGINE, 0.0, FAILED, against=str(error), good=False)]
    with temporary_folder() as folder, filled_topic(folder, EVENTS, report) as filled:
        turns = in_turns({name: partial(side, folder, filled) for name, side in sides.items()}, report)
    figures = [
        *figures_of_sides(NAME, turns),
        figure(f"{NAME} ours with the rollups", with_rollups, "events/s"),
        *compare(OF_PROTOTYPE, turns[OURS], turns[PROTOTYPE], "a bare prototype", PROTOTYPE_WANTED),
    ]
    if ENGINE in turns:
        figures += compare(OF_ENGINE, turns[OURS], turns[ENGINE], "ClickHouse's Kafka engine", ENGINE_WANTED)
    return [*figures, *missing]


QUESTIONS = (BenchQuestion(NAME, "Kafka → tables: ours, a bare prototype, ClickHouse's Kafka engine", _measure),)
