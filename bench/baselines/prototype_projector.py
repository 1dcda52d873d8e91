"""The projector of a bare prototype: read, decode, insert raw rows, acknowledge.

It has no fold, receipts, rollups, duplicate detection or dead letters, and an insert does not wait for the disk.
`python -m bench.baselines.prototype_projector BOOTSTRAP TOPIC FOLDER` runs it; FOLDER/progress.json shows its progress.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import clickhouse_connect
import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer
from msgspec import Raw, Struct

from ingest.log.atomic_write import write_whole

GROUP, RECORDS = "prototype", 800  # records per batch
SQL = Path(__file__).with_suffix(".sql")
COLUMNS = ("org_id", "session_id", "received_at", "timestamp", "event_type", "seq", "data")


class HookEvent(Struct):
    """An event as clients send it, or the part of ours that is stored: our records hold its time as a number."""

    event_type: str
    timestamp: int | str
    data: Raw
    seq: int | None = None


class Record(Struct):
    """The part of a record that is stored; the creation of a session has no events."""

    org_id: str
    session_id: UUID
    received_at: int
    events: list[HookEvent] = []


class Done(Struct):
    """How many events are in the table, and the Unix times of the first and the latest batch.

    ``start_s`` is the processor time of the process until it began to read.
    """

    start_s: float = 0.0
    events: int = 0
    first_events: int = 0
    first_at: float = 0.0
    last_at: float = 0.0

    def add(self, events: int) -> None:
        """Count a stored batch."""
        now = time.time()
        self.events, self.last_at = self.events + events, now
        if not self.first_events:
            self.first_events, self.first_at = events, now

    @property
    def rate(self) -> float:
        """Events per second, from the end of the first batch to the end of the last one."""
        return (self.events - self.first_events) / max(1e-3, self.last_at - self.first_at)


def rows_of(records: list[Record]) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each event."""
    for record in records:
        head = record.org_id, record.session_id, _instant(record.received_at)
        for event in record.events:
            yield *head, _instant(event.timestamp), event.event_type, event.seq, bytes(event.data)


def _instant(value: int | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value / 1000, UTC)


async def follow(bootstrap: str, topic: str, folder: Path) -> None:
    """Project until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    client = clickhouse_connect.get_client(interface="chdb", path=str(folder / "store"))
    for statement in SQL.read_text().split(";\n"):
        client.command(statement)
    decode = msgspec.json.Decoder(Record).decode
    options = {"enable_auto_commit": False, "auto_offset_reset": "earliest", "max_partition_fetch_bytes": 4 << 20}
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=GROUP, **options) as consumer:
        done = Done(time.process_time())
        while not stopping.is_set():
            batch = await consumer.getmany(timeout_ms=100, max_records=RECORDS)
            rows = list(rows_of([decode(message.value) for part in batch.values() for message in part]))
            if rows:
                await asyncio.to_thread(client.insert, "facts", rows, column_names=COLUMNS)
                await consumer.commit()
                done.add(len(rows))
                write_whole(folder / "progress.json", msgspec.json.encode(done).decode())


if __name__ == "__main__":
    uvloop.run(follow(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
