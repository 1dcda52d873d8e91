"""Does a second worker make an event dearer? Both follow one large org, whose rollups they share.

10,000 sessions that begin within one hour, of 40 users, and of several projects, agents and models, arrive at a steady
rate: while a worker catches up it makes no rollups. The processor time is that of the workers and of the store server,
from the first record until the rollups have followed.
"""

import asyncio
import contextlib
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random

import msgspec

from bench.harness import BenchQuestion, Figure, Report, of_rounds_at_most
from bench.kafka import broker_topic, committed_records, fill_topic, log_url, parse_events
from bench.payloads import make_creations, make_scripts
from bench.population import ORG
from bench.projector import GROUP, metric, rollup_lag, store_server
from bench.rounds import Turn, figures_of, in_turns
from bench.services import cpu_s, run_once, running_service, temporary_folder, wait_until
from devstack.supervisor.process import Process
from ingest.intake.context import CommandContext
from ingest.intake.sessions.create import decide
from ingest.log.kafka import KafkaTopic
from runtime.services.ports import free_port
from schemas.http.requests import CreateSession
from schemas.ids import IdSecrets
from schemas.log.records import Actor, AnyRecord, Event, EventsRecorded

SESSIONS, USERS = 10_000, 40
RECORDS_A_SESSION, RECORD_EVENTS = 2, 10
RECORDS_A_SECOND = 750.0
COST_MARK = 1.15
LIMIT_S = 300.0
ASSIGNED = "crewkit_projector_assigned_partitions"


def make_org_records(now_ms: int, seed: int = 7) -> Iterator[AnyRecord]:
    """Yield the creations of all sessions, then their events, sessions in random order."""
    rng = Random(seed)  # noqa: S311 (made-up load)
    keys = IdSecrets((secrets.token_bytes(32),), secrets.token_bytes(32))
    actors = [Actor(f"user-{number:02}", "member") for number in range(USERS)]
    contexts, sessions = [CommandContext(ORG, actor, now_ms, keys, uuid.uuid4) for actor in actors], []
    for _, body in zip(range(SESSIONS), make_creations(), strict=False):
        context = rng.choice(contexts)
        created = decide(msgspec.json.decode(body, type=CreateSession), context)
        sessions.append((context, created.session_id))
        yield created
    bodies = cycle([parse_events(body) for script in make_scripts(RECORD_EVENTS) for body in script])
    for _ in range(RECORDS_A_SESSION):
        for context, session_id in rng.sample(sessions, len(sessions)):
            events = tuple(Event(uuid.uuid4(), *fields) for fields in next(bodies))
            yield EventsRecorded(**context.head_of(session_id), events=events)


def _run(count: int, report: Report) -> Turn:
    """Let so many workers follow, and return events a second and the processor time of an event."""
    with (
        temporary_folder() as folder,
        broker_topic(folder) as topic,
        store_server(folder) as (server, url),
    ):
        env = {"LOG_URL": log_url(topic), "STORE_URL": url}
        run_once(folder, "provision", "--partitions", str(topic.partitions), env=env)
        with _workers(count, folder, env) as workers:
            _wait_until_assigned(workers, topic, folder)
            before, begun = _cpu_s(server, workers), time.monotonic()
            records = make_org_records(time.time_ns() // 1_000_000)
            filled = asyncio.run(fill_topic(topic, records, report, RECORDS_A_SECOND))

            def followed() -> bool:
                done = asyncio.run(committed_records(topic, GROUP)) >= filled.records
                return done and all(rollup_lag(port) == 0 for port in workers)

            wait_until(followed, server, folder, LIMIT_S)
            seconds, used = time.monotonic() - begun, _cpu_s(server, workers) - before
    return Turn(filled.events / seconds, used / filled.events * 1e6)


@contextlib.contextmanager
def _workers(count: int, folder: Path, env: dict[str, str]) -> Iterator[dict[int, Process]]:
    """Run workers; yields them by the port of their metrics."""
    with contextlib.ExitStack() as stack:
        workers = {}
        for instance in range(count):
            port = free_port()
            command = ("processors", "--instance", str(instance))
            workers[port] = stack.enter_context(
                running_service(folder, *command, env=env | {"METRICS_PORT": str(port)})
            )
        yield workers


def _wait_until_assigned(workers: dict[int, Process], topic: KafkaTopic, folder: Path) -> None:
    def shared() -> bool:
        try:
            return [metric(port, ASSIGNED) for port in workers] == [topic.partitions / len(workers)] * len(workers)
        except OSError:  # it does not serve its metrics yet
            return False

    for running in workers.values():
        wait_until(shared, running, folder, LIMIT_S)


def _cpu_s(server: Process, workers: dict[int, Process]) -> float:
    return sum(cpu_s(running.pid) for running in (server, *workers.values()))


def _measure(report: Report) -> list[Figure]:
    """Measure one worker and two in turns."""
    sides: dict[str, Callable[[], Turn]] = {"one": partial(_run, 1, report), "two": partial(_run, 2, report)}
    turns = in_turns(sides, report)
    ratios = [two.cpu_us / one.cpu_us for one, two in zip(turns["one"], turns["two"], strict=True)]
    return [
        *(figure for side, found in turns.items() for figure in figures_of(f"two_workers {side}", found)),
        of_rounds_at_most("two_workers", ratios, "times the cost of one", COST_MARK),
    ]


QUESTIONS = (
    BenchQuestion("two_workers", "processor time of an event on one large org, two workers against one", _measure),
)
