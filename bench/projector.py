"""A filled topic goes through a real Faust worker; shared by the questions that differ in the store alone."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from bench.harness import Result, Say, at_least, plain
from bench.kafka import kafka_topic, log_url
from bench.kafka_fill import Filled, committed, fill, records
from bench.payloads import stories
from bench.receipts import Receipts, read_receipts
from bench.services import cpu_s, resident_mb, run_once, service, wait_until
from deploy.devstack.supervisor.process import Process
from ingest.log.kafka import KafkaTopic
from schemas.log.topics import TOPIC

GROUP = f"{TOPIC}.g1"
EVENTS = 800_000
LIMIT_S = 240.0


def project(folder: Path, store_url: str, name: str, mark: float, say: Say) -> list[Result]:
    """Fill a topic, run one worker over it, and read the receipts.

    The rate is that between the receipts of the first and of the last batch: neither start nor end is in it.
    """
    with kafka_topic(folder) as topic:
        env = {"LOG_URL": log_url(topic), "STORE_URL": store_url}
        run_once(folder, "provision", "--partitions", "4", env=env)
        facts = records(stories(), EVENTS, round(time.time() * 1000))
        filled = asyncio.run(fill(topic, facts, say))
        with service(folder, "processors", "--instance", "0", env=env) as worker:
            used, memory = _watch(worker, topic, filled, folder, say)
    receipts = read_receipts(store_url)
    _check(receipts, filled)
    return [
        at_least(f"{name} events/s", receipts.rate, "events/s", mark),
        plain(f"{name} records a batch", receipts.records / receipts.batches, "records"),
        plain(f"{name} worker processor time", used / filled.events * 1e6, "µs/event"),
        plain(f"{name} worker memory", memory, "MB"),
    ]


def _watch(
    worker: Process, topic: KafkaTopic, filled: Filled, folder: Path, say: Callable[[str], None]
) -> tuple[float, float]:
    done = 0

    def all_acknowledged() -> bool:
        nonlocal done
        done = asyncio.run(committed(topic, GROUP))
        say(f"projecting, {done:,} of {filled.records:,} records acknowledged")
        time.sleep(1.0)
        return done >= filled.records

    wait_until(all_acknowledged, worker, folder, LIMIT_S)
    return cpu_s(worker.pid), resident_mb(worker.pid, peak=True)


def _check(receipts: Receipts, filled: Filled) -> None:
    """A rate counts only if everything is there, once."""
    if receipts.records != filled.records or receipts.events != filled.events:
        raise RuntimeError(f"the store holds {receipts}, the log {filled}")
