"""How fast does a projector worker follow Kafka, with the store in its own process and behind HTTP?"""

import asyncio
import secrets
import time
from pathlib import Path

from msgspec import Struct

from bench.harness import BenchQuestion, Figure, Report, at_least, without_mark
from bench.kafka import Filled, broker_topic, committed_records, fill_topic, log_url, make_records
from bench.payloads import make_scripts
from bench.services import (
    HOST,
    cpu_s,
    in_own_process,
    open_store,
    resident_mb,
    run_once,
    running_service,
    temporary_folder,
    wait_until,
)
from deploy.devstack.stack import answers_200
from deploy.devstack.supervisor.process import Process
from ingest.log.kafka import KafkaTopic
from kernel.ports import free_port
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
    (SELECT count() FROM facts FINAL WHERE kind = 'events_recorded') AS events
FROM receipts FINAL
"""


class Receipts(Struct, frozen=True):
    """Totals of all receipts. ``later`` counts the facts of all batches except the first."""

    records: int
    first_ms: int
    last_ms: int
    later: int
    batches: int
    events: int

    @property
    def rate(self) -> float:
        """Facts a second, from the end of the first batch to the end of the last batch."""
        return self.later * 1000 / max(1, self.last_ms - self.first_ms)


def read_receipts(store_url: str, generation: str = FIRST_GENERATION) -> Receipts:
    """Return the totals of a generation."""
    return Receipts(**open_store(store_url, generation).query(_SQL).first_item)


def measure_chdb(report: Report, events: int = EVENTS) -> list[Figure]:
    """Measure the worker alone; the store is a folder."""
    with temporary_folder() as folder:
        return _measure(folder, f"chdb://{folder / 'store'}", "projector_chdb", CHDB_MARK, events, report)


def measure_store_server(report: Report, events: int = EVENTS) -> list[Figure]:
    """Measure the worker and the store server, one process each."""
    port = free_port()
    url = f"clickhouse://bench:{secrets.token_urlsafe(16)}@{HOST}:{port}"
    options = ("--host", HOST, "--port", str(port))
    with (
        temporary_folder() as folder,
        running_service(folder, "store-server", *options, env={"STORE_URL": url}) as server,
    ):
        wait_until(lambda: answers_200(HOST, port, "/ping"), server, folder)
        return _measure(folder, url, "projector_store_server", STORE_SERVER_MARK, events, report)


def _measure(folder: Path, store_url: str, name: str, mark: float, events: int, report: Report) -> list[Figure]:
    """Fill a topic, run one Faust worker over it, and read the receipts.

    The rate is that between the receipts of the first and of the last batch; it excludes start and shutdown.
    """
    with broker_topic(folder) as topic:
        env = {"LOG_URL": log_url(topic), "STORE_URL": store_url}
        run_once(folder, "provision", "--partitions", "4", env=env)
        records = make_records(make_scripts(), events, round(time.time() * 1000))
        filled = asyncio.run(fill_topic(topic, records, report))
        with running_service(folder, "processors", "--instance", "0", env=env) as worker:
            _wait_until_projected(worker, topic, filled, folder, report)
            processor_s, memory_mb = cpu_s(worker.pid), resident_mb(worker.pid, peak=True)
    receipts = in_own_process(read_receipts, store_url)
    if (receipts.records, receipts.events) != filled:  # every record and every event is stored exactly once
        raise RuntimeError(f"the store holds {receipts}, the log {filled}")
    return [
        at_least(f"{name} events/s", receipts.rate, "events/s", mark),
        without_mark(f"{name} records a batch", receipts.records / receipts.batches, "records"),
        without_mark(f"{name} worker processor time", processor_s / filled.events * 1e6, "µs/event"),
        without_mark(f"{name} worker memory", memory_mb, "MB"),
    ]


def _wait_until_projected(worker: Process, topic: KafkaTopic, filled: Filled, folder: Path, report: Report) -> None:
    def all_acknowledged() -> bool:
        done = asyncio.run(committed_records(topic, GROUP))
        report(f"projecting, {done:,} of {filled.records:,} records acknowledged")
        time.sleep(1.0)
        return done >= filled.records

    wait_until(all_acknowledged, worker, folder, LIMIT_S)


QUESTIONS = (
    BenchQuestion("projector_chdb", "Kafka → tables, the store in the worker's process", measure_chdb),
    BenchQuestion("projector_store_server", "Kafka → tables, the store behind HTTP", measure_store_server),
)
