"""How fast does a projector worker follow Kafka, with the store in its own process and behind HTTP?"""

import asyncio
import contextlib
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from msgspec import Struct

from bench.harness import BenchQuestion, Figure, Report, of_rounds
from bench.kafka import (
    BROKER_FOLDER,
    Filled,
    broker_topic,
    committed_records,
    fill_topic,
    log_url,
    make_records,
    rewind_group,
)
from bench.payloads import make_scripts
from bench.rounds import ROUNDS
from bench.services import (
    HOST,
    cpu_s,
    disk_bytes,
    in_own_process,
    open_store,
    resident_mb,
    run_once,
    running_service,
    temporary_folder,
    wait_until,
)
from devstack.supervisor.process import Process
from ingest.log.kafka import KafkaTopic
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port
from schemas.log.topics import TOPIC
from store.generations import FIRST_GENERATION

GROUP = f"{TOPIC}.crewkit.g1"
EVENTS = 800_000
LIMIT_S = 240.0
CHDB_MARK, STORE_SERVER_MARK = 110_000, 80_000  # events a second
_SQL = """
SELECT
    count() AS records,
    toUnixTimestamp64Milli(min(stored_at)) AS first_ms,
    toUnixTimestamp64Milli(max(stored_at)) AS last_ms,
    sumIf(facts, stored_at > (SELECT min(stored_at) FROM receipts)) AS later,
    uniqExact(stored_at) AS batches,
    (SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()) AS bytes,
    (SELECT count() FROM facts FINAL WHERE kind = 'events_recorded') AS events
FROM receipts FINAL
"""


class Receipts(Struct, frozen=True):
    """Totals of all receipts. ``later`` counts the facts of all batches except the first.

    ``bytes`` are those of every table on disk; merges go on for a while and make them fewer.
    """

    records: int
    first_ms: int
    last_ms: int
    later: int
    batches: int
    bytes: int
    events: int

    @property
    def rate(self) -> float:
        """Facts a second, from the end of the first batch to the end of the last batch."""
        return self.later * 1000 / max(1, self.last_ms - self.first_ms)


class FilledTopic(NamedTuple):
    """A topic, and how much is in it."""

    topic: KafkaTopic
    content: Filled


class Projected(NamedTuple):
    """What one pass over the topic measured.

    The rates are from the receipts of the first batch: to those of the last one, and to when the rollups, which follow,
    hold all of it. Start and shutdown are excluded from both, and included in the processor time.
    """

    rate: float
    rate_with_rollups: float
    cpu_us: float
    batch_records: float
    memory_mb: float
    log_bytes: float  # an event, in Kafka's files
    store_bytes: float


def read_receipts(store_url: str, generation: str = FIRST_GENERATION) -> Receipts:
    """Return the totals of a generation."""
    return Receipts(**open_store(store_url, generation).query(_SQL).first_item)


def measure_chdb(report: Report, events: int = EVENTS, rounds: int = ROUNDS) -> list[Figure]:
    """Measure the worker alone; the store is a folder."""
    with temporary_folder() as folder, filled_topic(folder, events, report) as filled:
        turns = [project_into_folder(folder, filled, report) for _ in range(rounds)]
    return _figures("projector_chdb", turns, CHDB_MARK)


def measure_store_server(report: Report, events: int = EVENTS, rounds: int = ROUNDS) -> list[Figure]:
    """Measure the worker and the store server, one process each."""
    with temporary_folder() as folder, filled_topic(folder, events, report) as filled:
        turns = [_project_into_server(folder, filled, report) for _ in range(rounds)]
    return _figures("projector_store_server", turns, STORE_SERVER_MARK)


def _figures(name: str, turns: Sequence[Projected], mark: float) -> list[Figure]:
    return [
        of_rounds(f"{name} events/s", [turn.rate for turn in turns], "events/s", mark),
        of_rounds(f"{name} with the rollups", [turn.rate_with_rollups for turn in turns], "events/s"),
        of_rounds(f"{name} records a batch", [turn.batch_records for turn in turns], "records"),
        of_rounds(f"{name} worker processor time", [turn.cpu_us for turn in turns], "µs/event"),
        of_rounds(f"{name} worker memory", [turn.memory_mb for turn in turns], "MB"),
        of_rounds(f"{name} in the log", [turn.log_bytes for turn in turns], "B/event"),
        of_rounds(f"{name} in the store", [turn.store_bytes for turn in turns], "B/event"),
    ]


@contextlib.contextmanager
def filled_topic(folder: Path, events: int, report: Report) -> Iterator[FilledTopic]:
    """Run a broker whose topic holds ``events`` events in records of 100."""
    with broker_topic(folder) as topic:
        records = make_records(make_scripts(), events, round(time.time() * 1000))
        yield FilledTopic(topic, asyncio.run(fill_topic(topic, records, report)))


def project_into_folder(folder: Path, filled: FilledTopic, report: Report) -> Projected:
    """Project everything into a new store inside the worker."""
    return _project(folder, filled, f"chdb://{tempfile.mkdtemp(dir=folder)}", report)


def _project_into_server(folder: Path, filled: FilledTopic, report: Report) -> Projected:
    with store_server(folder) as (_, url):
        return _project(folder, filled, url, report)


@contextlib.contextmanager
def store_server(folder: Path) -> Iterator[tuple[Process, str]]:
    """Run a store server with a new store; yields it and its URL when it answers."""
    port, data = free_port(), Path(tempfile.mkdtemp(dir=folder))
    url = f"clickhouse://bench:{secrets.token_urlsafe(16)}@{HOST}:{port}"
    options = ("--host", HOST, "--port", str(port))
    with running_service(data, "store-server", *options, env={"STORE_URL": url}) as server:
        wait_until(lambda: answers_200(HOST, port, "/ping"), server, data)
        yield server, url


def _project(folder: Path, filled: FilledTopic, store_url: str, report: Report) -> Projected:
    """Run one Faust worker over the topic, from its first record, and read the receipts.

    Raises:
        RuntimeError: the store does not hold every record and every event exactly once.
    """
    env = {"LOG_URL": log_url(filled.topic), "STORE_URL": store_url}
    rewind_group(filled.topic, GROUP)
    run_once(folder, "provision", "--partitions", "4", env=env)
    port = free_port()
    command = ("processors", "--instance", "0")
    with running_service(folder, *command, env=env | {"METRICS_PORT": str(port)}) as worker:
        _wait_until_projected(worker, filled, folder, report)
        wait_until(lambda: rollup_lag(port) == 0, worker, folder, LIMIT_S)
        rolled_up_ms = time.time_ns() // 1_000_000
        processor_s, memory_mb = cpu_s(worker.pid), resident_mb(worker.pid, peak=True)
    receipts = in_own_process(read_receipts, store_url)
    if (receipts.records, receipts.events) != filled.content:
        raise RuntimeError(f"the store holds {receipts}, the log {filled.content}")
    return Projected(
        rate=receipts.rate,
        rate_with_rollups=receipts.later * 1000 / (rolled_up_ms - receipts.first_ms),
        cpu_us=processor_s / filled.content.events * 1e6,
        batch_records=receipts.records / receipts.batches,
        memory_mb=memory_mb,
        log_bytes=disk_bytes(folder / BROKER_FOLDER) / filled.content.events,
        store_bytes=receipts.bytes / filled.content.events,
    )


def rollup_lag(port: int) -> float:
    """Return how many records a worker's rollups are behind, as its metrics say."""
    return metric(port, "crewkit_projector_rollup_lag_records")


def metric(port: int, name: str) -> float:
    """Return the sum of a metric of a worker over its labels. Raises `OSError` if it does not answer."""
    with urlopen(f"http://{HOST}:{port}/metrics", timeout=5.0) as page:
        lines = page.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))


def _wait_until_projected(worker: Process, filled: FilledTopic, folder: Path, report: Report) -> None:
    def all_acknowledged() -> bool:
        done = asyncio.run(committed_records(filled.topic, GROUP))
        report(f"projecting, {done:,} of {filled.content.records:,} records acknowledged")
        time.sleep(0.5)
        return done >= filled.content.records

    wait_until(all_acknowledged, worker, folder, LIMIT_S)


QUESTIONS = (
    BenchQuestion("projector_chdb", "Kafka → tables, the store in the worker's process", measure_chdb),
    BenchQuestion("projector_store_server", "Kafka → tables, the store behind HTTP", measure_store_server),
)
