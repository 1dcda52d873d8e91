"""How do the write side, the projector and whole installations compare with the baselines of `bench/baselines/`?

In each comparison the sides take turns with the same events. The write side and the bare route append to one broker,
each to its own topic. Projectors read one topic into an engine in their own process; ours also makes rollups once
everything is projected, so its rate is shown without and with them. End to end, each turn starts one side with empty
data, warms it up and stops it again, so that they do not compete for the machine.
"""

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import msgspec
import uvloop

from bench.api import Target
from bench.baselines import kafka_engine, prototype_ingest, prototype_projector
from bench.baselines.environments import NotInstallable, python_with
from bench.baselines.prototype_projector import Done
from bench.end_to_end import send_until_visible
from bench.ingest import ingest_into_kafka, send_events
from bench.kafka import FilledTopic, broker_topic, create_topic, filled_topic, rewind_group
from bench.load import Generator
from bench.population import ORGS
from bench.projector import project_into_folder
from bench.question import FAILED, BenchQuestion, Figure, Report, Turn, Wanted, compare, figure, figures_of, in_turns
from bench.services import HOST, Service, installation, process, temporary_folder, wait_until
from bench.usage import cpu_s, descendants_cpu_s
from devstack.supervisor.process import Process
from ingest.log.kafka import KafkaTopic
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port

INGEST_EVENTS = {100: 200_000, 10: 60_000, 1: 10_000}  # a turn, by events per request
INGEST_WANTED = {100: Wanted(cpu=0.7), 10: Wanted(cpu=0.95), 1: Wanted(cpu=1.0)}
WARM_UP_SHARE = 0.2
PROJECTOR_EVENTS = 600_000
PROTOTYPE_WANTED, ENGINE_WANTED = Wanted(cpu=0.6, rate=0.9), Wanted(rate=0.55)
OF_ENGINE = "projector_vs_clickhouse_kafka_engine"
EVENTS, WARM_UP_EVENTS = 250_000, 50_000
END_TO_END_WANTED = {
    "stack": ("end_to_end_vs_prototype", Wanted(cpu=0.5)),
    "up": ("up_vs_prototype", Wanted(cpu=0.7)),
}
LIMIT_S = 240.0
Sides = Mapping[str, Callable[[], Turn]]


@contextlib.contextmanager
def _prototype_ingesting(folder: Path, topic: KafkaTopic) -> Iterator[Service]:
    """Run the prototype's write side; yields when it answers. It needs no token."""
    port = free_port()
    command = [sys.executable, "-P", "-m", prototype_ingest.__name__, topic.bootstrap, topic.name, str(port)]
    with process(command, folder / "prototype-ingest.log") as running:
        wait_until(lambda: answers_200(HOST, port, "/livez"), running, folder)
        yield Service(running, folder, Target(HOST, port, dict.fromkeys(ORGS, "none")))


def _prototype_projecting(folder: Path, topic: KafkaTopic) -> contextlib.AbstractContextManager[Process]:
    """Run the prototype's projector with a new store in ``folder``."""
    command = [sys.executable, "-P", "-m", prototype_projector.__name__, topic.bootstrap, topic.name, str(folder)]
    return process(command, folder / "prototype-projector.log")


def _wait_for_prototype(projector: Process, folder: Path, events: int) -> Done:
    """Wait until the prototype's projector has stored this many events; return how far it has come."""

    def done() -> Done:
        file = folder / "progress.json"
        return msgspec.json.decode(file.read_bytes(), type=Done) if file.exists() else Done()

    wait_until(lambda: done().events >= events, projector, folder, LIMIT_S)
    return done()


def _turns(name: str, sides: Sides, report: Report) -> tuple[Mapping[str, list[Turn]], list[Figure]]:
    """Return the turns of each side, and their throughput and processor time."""
    turns = in_turns(sides, report)
    return turns, [one for side, found in turns.items() for one in figures_of(f"{name} {side}", found)]


def _measure_ingest(report: Report) -> list[Figure]:
    with ingest_into_kafka() as (ours, topic):
        other = asyncio.run(create_topic(topic, "prototype"))
        with _prototype_ingesting(ours.folder, other) as prototype:
            services = {"ours": ours, "prototype": prototype}
            return [one for batch in INGEST_EVENTS for one in _measure_size(batch, services, report)]


def _measure_size(batch: int, services: Mapping[str, Service], report: Report) -> list[Figure]:
    def measure(service: Service, events: int) -> Turn:
        return send_events(service, events, report, batch).turn

    name, events = f"ingest_vs_prototype_{batch}", INGEST_EVENTS[batch]
    for service in services.values():
        measure(service, round(events * WARM_UP_SHARE))
    turns, figures = _turns(name, {side: partial(measure, each, events) for side, each in services.items()}, report)
    return [*figures, *compare(name, turns["ours"], turns["prototype"], "a bare route", INGEST_WANTED[batch])]


def _measure_projector(report: Report) -> list[Figure]:
    """Measure ours and both baselines over one topic, without the engine if it can't be installed."""
    name, with_rollups, missing = "projector_vs_baselines", list[float](), list[Figure]()

    def ours(folder: Path, filled: FilledTopic) -> Turn:
        found = project_into_folder(folder, filled, report)
        with_rollups.append(found.rate_with_rollups)
        return Turn(found.rate, found.cpu_us, found.start_s)

    project: dict[str, Callable[[Path, FilledTopic], Turn]] = {"ours": ours, "prototype": _project_by_prototype}
    try:
        project["Kafka engine"] = partial(_project_by_engine, python_with(kafka_engine.ENGINE, report))
    except NotInstallable as error:
        missing = [Figure(OF_ENGINE, 0.0, FAILED, against=str(error), good=False)]
    with temporary_folder() as folder, filled_topic(folder, PROJECTOR_EVENTS, report) as filled:
        turns, figures = _turns(name, {side: partial(run, folder, filled) for side, run in project.items()}, report)
    figures += [
        figure(f"{name} ours with the rollups", with_rollups, "events/s"),
        *compare("projector_vs_prototype", turns["ours"], turns["prototype"], "a bare prototype", PROTOTYPE_WANTED),
    ]
    if not missing:
        engine = turns["Kafka engine"]
        figures += compare(OF_ENGINE, turns["ours"], engine, "ClickHouse's Kafka engine", ENGINE_WANTED)
    return [*figures, *missing]


def _project_by_prototype(folder: Path, filled: FilledTopic) -> Turn:
    rewind_group(filled.topic, prototype_projector.GROUP)
    data = Path(tempfile.mkdtemp(dir=folder))
    with _prototype_projecting(data, filled.topic) as running:
        done = _wait_for_prototype(running, data, filled.events)
        return Turn(done.rate, (cpu_s(running.pid) - done.start_s) / filled.events * 1e6, done.start_s)


def _project_by_engine(python: Path, folder: Path, filled: FilledTopic) -> Turn:
    data = tempfile.mkdtemp(dir=folder)
    words = [filled.topic.bootstrap, filled.topic.name, f"engine-{free_port()}", data, str(filled.events)]
    command = [str(python), str(kafka_engine.__file__), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if not done.stdout.strip():
        raise RuntimeError(f"the Kafka engine ended with {done.returncode}: {done.stderr[-1500:]}")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Turn)


def _measure_end_to_end(report: Report) -> list[Figure]:
    """Measure `stack`, `up` and the prototype, from the first request until everything can be read."""
    sides = {
        "stack": partial(_run_ours, "stack", report),
        "prototype": partial(_run_prototype, report),
        "up": partial(_run_ours, "up", report),
    }
    turns, figures = _turns("end_to_end_vs_prototype", sides, report)
    for side, (name, wanted) in END_TO_END_WANTED.items():
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
        _prototype_ingesting(folder, topic) as service,
        _prototype_projecting(folder, topic) as projector,
    ):
        uvloop.run(Generator(service.target, WARM_UP_EVENTS).run(report=report))
        _wait_for_prototype(projector, folder, WARM_UP_EVENTS)
        generator = Generator(service.target, EVENTS)
        uvloop.run(generator.create_sessions())
        begun_at, processor_s = time.time(), descendants_cpu_s()
        uvloop.run(generator.run(report=report))
        done = _wait_for_prototype(projector, folder, WARM_UP_EVENTS + EVENTS)
        return Turn(EVENTS / (done.last_at - begun_at), (descendants_cpu_s() - processor_s) / EVENTS * 1e6)


QUESTIONS = (
    BenchQuestion(
        "projector_vs_baselines",
        "Kafka → tables: ours, a bare prototype, ClickHouse's Kafka engine",
        _measure_projector,
    ),
    BenchQuestion(
        "ingest_vs_prototype", "HTTP → Kafka: ours and a bare route, 100, 10 and 1 events a request", _measure_ingest
    ),
    BenchQuestion("end_to_end_vs_prototype", "until visible: `stack`, `up` and a bare prototype", _measure_end_to_end),
)
