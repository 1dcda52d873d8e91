"""How fast does a projector worker follow Kafka, with the store in its own process and behind HTTP?"""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from bench.kafka import BROKER_FOLDER, PARTITIONS, FilledTopic, filled_topic, log_url, rewind_group
from bench.question import ROUNDS, BenchQuestion, Figure, Report, figure
from bench.services import (
    HOST,
    in_own_process,
    open_store,
    run_once,
    running_service,
    store_server,
    temporary_folder,
    wait_until,
)
from bench.usage import cpu_s, disk_bytes, resident_mb
from runtime.services.http_probe import get
from runtime.services.ports import free_port
from store.generations import FIRST_GENERATION
from store.sql import read_sql

EVENTS = 800_000
LIMIT_S, LOOK_EVERY_S = 240.0, 0.5
CHDB_MARK, STORE_SERVER_MARK = 110_000, 80_000  # events per second
_LAG, _ROLLUP_LAG = b"crewkit_projector_lag_records", b"crewkit_projector_rollup_lag_records"


class Receipts(Struct, frozen=True):
    """Totals of all receipts. ``later`` counts the facts of all batches except the first.

    ``bytes`` is the size of all tables on disk; merges continue for a while and reduce it.
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
        """Facts per second, from the end of the first batch to the end of the last batch."""
        return self.later * 1000 / max(1, self.last_ms - self.first_ms)


class Projected(NamedTuple):
    """What one pass over the topic measured.

    Both rates begin at the receipts of the first batch. ``rate`` ends at those of the last batch, and
    ``rate_with_rollups`` when the rollups, which follow, are complete. The processor time of an event begins when the
    worker has its partitions, and ends with the rollups; ``start_s`` is what the worker used before.
    """

    rate: float
    rate_with_rollups: float
    batch_records: float
    cpu_us: float
    start_s: float
    memory_mb: float
    log_bytes: float  # per event, in Kafka's files
    store_bytes: float


FIGURES = {  # by the field of `Projected`
    "rate": ("events/s", "events/s"),
    "rate_with_rollups": ("with the rollups", "events/s"),
    "batch_records": ("records a batch", "records"),
    "cpu_us": ("worker processor time", "µs/event"),
    "start_s": ("worker processor time of the start", "s"),
    "memory_mb": ("worker memory", "MB"),
    "log_bytes": ("in the log", "B/event"),
    "store_bytes": ("in the store", "B/event"),
}


def read_receipts(store_url: str, generation: str = FIRST_GENERATION) -> Receipts:
    """Return the totals of a generation."""
    return Receipts(**open_store(store_url, generation).query(read_sql("bench.sql", "receipts")).first_item)


def project_into_folder(folder: Path, filled: FilledTopic, report: Report, **env: str) -> Projected:
    """Project everything into a new store inside the worker; ``env`` has more of its settings."""
    return _project(folder, filled, f"chdb://{tempfile.mkdtemp(dir=folder)}", report, **env)


def _project_into_server(folder: Path, filled: FilledTopic, report: Report) -> Projected:
    with store_server(folder) as url:
        return _project(folder, filled, url, report)


def _project(folder: Path, filled: FilledTopic, store_url: str, report: Report, **more: str) -> Projected:
    """Run one Faust worker over the topic, from its first record, and read the receipts.

    Raises `RuntimeError` if the store does not hold every record and every event exactly once.
    """
    env = {"LOG_URL": log_url(filled.topic), "STORE_URL": store_url, **more}
    rewind_group(filled.topic, f"{filled.topic.name}.crewkit.{FIRST_GENERATION}")
    run_once(folder, "provision", "--partitions", str(PARTITIONS), env=env)
    rolled_up_ms, start_s, processor_s, memory_mb = _work(folder, filled, env, report)
    receipts, events = in_own_process(read_receipts, store_url), filled.events
    if (receipts.records, receipts.events) != (filled.records, events):
        raise RuntimeError(f"the store holds {receipts}, the log {filled.records} records and {events} events")
    return Projected(
        rate=receipts.rate,
        rate_with_rollups=receipts.later * 1000 / (rolled_up_ms - receipts.first_ms),
        batch_records=receipts.records / receipts.batches,
        cpu_us=(processor_s - start_s) / events * 1e6,
        start_s=start_s,
        memory_mb=memory_mb,
        log_bytes=disk_bytes(folder / BROKER_FOLDER) / events,
        store_bytes=receipts.bytes / events,
    )


def _work(folder: Path, filled: FilledTopic, env: dict[str, str], report: Report) -> tuple[int, float, float, float]:
    """Run a worker until its rollups are complete.

    Returns that time in ms, the worker's processor seconds until it had its partitions, and its processor seconds and
    MB at the end.
    """
    port = free_port()

    def all_projected() -> bool:
        lags = _values(port, _LAG)  # only of partitions that are taken over
        report(f"projecting, {sum(lags):,.0f} of {filled.records:,} records behind in {len(lags)} partitions")
        time.sleep(LOOK_EVERY_S)
        return len(lags) == PARTITIONS and not sum(lags)

    with running_service(folder, "processors", "--instance", "0", env=env | {"METRICS_PORT": str(port)}) as worker:
        wait_until(lambda: bool(_values(port, _ROLLUP_LAG)), worker, folder, LIMIT_S)
        start_s = cpu_s(worker.pid)
        wait_until(all_projected, worker, folder, LIMIT_S)
        wait_until(lambda: not sum(_values(port, _ROLLUP_LAG)), worker, folder, LIMIT_S)
        return time.time_ns() // 1_000_000, start_s, cpu_s(worker.pid), resident_mb(worker.pid, peak=True)


def _values(port: int, metric: bytes) -> list[float]:
    """Return a metric of a worker, by partition; nothing before it has any partition."""
    lines = (get(HOST, port, "/metrics", timeout_s=5.0) or b"").splitlines()
    return [float(line.rsplit(b" ", 1)[1]) for line in lines if line.startswith(metric)]


def _measure(
    name: str,
    project: Callable[[Path, FilledTopic, Report], Projected],
    mark: float,
    report: Report,
    events: int = EVENTS,
    rounds: int = ROUNDS,
) -> list[Figure]:
    """Measure rounds over one topic, each with a new store."""
    with temporary_folder() as folder, filled_topic(folder, events, report) as filled:
        turns = [project(folder, filled, report) for _ in range(rounds)]
    marks = {"rate": mark}
    return [
        figure(f"{name} {what}", [getattr(turn, field) for turn in turns], unit, at_least=marks.get(field))
        for field, (what, unit) in FIGURES.items()
    ]


measure_chdb = partial(_measure, "projector_chdb", project_into_folder, CHDB_MARK)
measure_store_server = partial(_measure, "projector_store_server", _project_into_server, STORE_SERVER_MARK)
QUESTIONS = (
    BenchQuestion("projector_chdb", "Kafka → tables, the store in the worker's process", measure_chdb),
    BenchQuestion("projector_store_server", "Kafka → tables, the store behind HTTP", measure_store_server),
)
