"""How does the projector compare with a bare prototype, and with ClickHouse's own Kafka engine?

All three read the same topic into an engine in their own process, in turns. Ours counts with and without the rollups:
they are made once all is projected, and the baselines have none.
"""

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.baselines import kafka_engine, prototype_projector
from bench.baselines.environments import NotInstallable, python_with
from bench.harness import FAILED, BenchQuestion, Figure, Report, of_rounds
from bench.kafka import rewind_group
from bench.projector import FilledTopic, Projected, filled_topic, project_into_folder
from bench.prototype import projected_by_prototype, prototype_projecting
from bench.rounds import Turn, compare, figures_of, in_turns
from bench.services import cpu_s, temporary_folder, wait_until
from runtime.services.ports import free_port

EVENTS = 600_000
LIMIT_S = 240.0
NAME = "projector_vs_baselines"
OF_PROTOTYPE, OF_ENGINE = "projector_vs_prototype", "projector_vs_clickhouse_kafka_engine"
PROTOTYPE_WANTED, ENGINE_WANTED = 1.1, 1.0


class _EngineDone(Struct):
    events: int
    first_events: int
    seconds: float
    processor_s: float


def _project_by_prototype(folder: Path, filled: FilledTopic) -> Turn:
    rewind_group(filled.topic, prototype_projector.GROUP)
    data = Path(tempfile.mkdtemp(dir=folder))
    with prototype_projecting(data, filled.topic) as running:
        wait_until(lambda: projected_by_prototype(data).events >= filled.content.events, running, data, LIMIT_S)
        return Turn(projected_by_prototype(data).rate, cpu_s(running.pid) / filled.content.events * 1e6)


def _project_by_engine(python: Path, folder: Path, filled: FilledTopic) -> Turn:
    data = tempfile.mkdtemp(dir=folder)
    words = [filled.topic.bootstrap, filled.topic.name, f"engine-{free_port()}", data, str(filled.content.events)]
    file = str(kafka_engine.__file__)
    done = subprocess.run([str(python), file, *words], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if not done.stdout.strip():
        raise RuntimeError(f"the Kafka engine ended with {done.returncode}: {done.stderr[-1500:]}")
    found = msgspec.json.decode(done.stdout.splitlines()[-1], type=_EngineDone)
    return Turn((found.events - found.first_events) / found.seconds, found.processor_s / found.events * 1e6)


def _measure(report: Report) -> list[Figure]:
    """Measure ours and both baselines in turns over one topic; without the engine's package, the prototype alone."""
    with_rollups: list[float] = []
    with temporary_folder() as folder, filled_topic(folder, EVENTS, report) as filled:

        def ours() -> Turn:
            found: Projected = project_into_folder(folder, filled, report)
            with_rollups.append(found.rate_with_rollups)
            return Turn(found.rate, found.cpu_us)

        sides: dict[str, Callable[[], Turn]] = {
            "ours": ours,
            "prototype": lambda: _project_by_prototype(folder, filled),
        }
        missing: list[Figure] = []
        try:
            python = python_with(kafka_engine.ENGINE, report)
            sides["Kafka engine"] = lambda: _project_by_engine(python, folder, filled)
        except NotInstallable as error:
            missing = [Figure(OF_ENGINE, 0.0, FAILED, against=str(error), good=False)]
        turns = in_turns(sides, report)
    figures = [
        *(figure for side, found in turns.items() for figure in figures_of(f"{NAME} {side}", found)),
        of_rounds(f"{NAME} ours with the rollups", with_rollups, "events/s"),
        *compare(OF_PROTOTYPE, turns["ours"], turns["prototype"], "a bare prototype", PROTOTYPE_WANTED),
    ]
    if not missing:
        of = "ClickHouse's Kafka engine"
        figures += compare(OF_ENGINE, turns["ours"], turns["Kafka engine"], of, ENGINE_WANTED)
    return [*figures, *missing]


QUESTIONS = (BenchQuestion(NAME, "Kafka → tables: ours, a bare prototype, ClickHouse's Kafka engine", _measure),)
