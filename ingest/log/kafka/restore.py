"""Appends records with their times to the partitions of a topic, and checks the offset that each gets.

A partition's records go out in batches of our own: aiokafka's `send` refuses a record with neither key nor value, and
the log may hold such garbage. The producer is idempotent, so what arrived before an interruption has no gaps.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from aiokafka.errors import InvalidTimestampError, MessageSizeTooLargeError

from ingest.log.archive.refusals import Refused
from ingest.log.kafka.connection import AWAY, Connection, close_producer, connect
from ingest.log.kafka.installation_record import of_record
from ingest.log.kafka.reader import KafkaLogReader
from ingest.log.kafka.topic import KafkaTopic, check_topic, look_at
from schemas.log.codec import erasure_in
from schemas.log.position import LogRecord, LogUnavailable, Position
from store.fail_points import fail_point

_IN_FLIGHT_BYTES_MAX = 32 << 20
_ANSWER_S = 60.0  # aiokafka's idempotent batches never expire
_TIME_SETTING, _TIME_OF_CLIENTS = "message.timestamp.type", "CreateTime"
_AGAIN = "run the command again: it continues where it stopped"


class _Batch(NamedTuple):
    builder: Any
    first: Position


class _Sent(NamedTuple):
    delivered: "asyncio.Future[Any]"
    first: Position
    size: int


class KafkaImport(KafkaLogReader):
    """`ingest.log.archive.restore.Target` for one topic, whose partition count is set."""

    def __init__(self, topic: KafkaTopic) -> None:
        super().__init__(topic)
        self._connection: Connection | None = None
        self._drafts: dict[int, _Batch] = {}
        self._sent: deque[_Sent] = deque()
        self._in_flight = 0
        self._ends: dict[int, int] = {}

    async def start(self) -> None:
        """Connect. Raises `Refused` if the topic gives records its own times, `BrokenLog` if the broker refuses us."""
        with _explained(self._topic):
            found = await look_at(self._topic)
            if found is not None and found.settings.get(_TIME_SETTING) != _TIME_OF_CLIENTS:
                raise Refused(
                    f"the topic {self._topic.name} would give each record a new time: run `kafka-configs.sh "
                    f"--bootstrap-server {self._topic.bootstrap} --alter --entity-type topics --entity-name "
                    f"{self._topic.name} --add-config {_TIME_SETTING}={_TIME_OF_CLIENTS}`"
                )
            self._connection = await connect(self._topic, check_topic)

    async def put(self, record: LogRecord) -> None:
        """Accept the next record of its partition, an erasure once writers find it; send a batch when one is full."""
        if (value := record.value) and erasure_in(record, self._topic.partitions):
            with _explained(self._topic):
                await self._producer.send_and_wait(of_record(self._topic).name, value, partition=0)
        self._ends[record.partition] = record.offset + 1
        if not self._append(record):
            await self._send(record.partition)
            self._append(record)

    async def finish(self) -> None:
        """Send the rest, and wait until all is acknowledged at its position."""
        for partition in [*self._drafts]:
            await self._send(partition)
        while self._sent:
            await self._acknowledged()
        ends = await self.ends()
        for partition, end in self._ends.items():
            if ends[partition] != end:
                raise _moved(Position(partition, end), ends[partition])

    async def stop(self) -> None:
        """Close both connections; what is not acknowledged may still arrive."""
        for sent in self._sent:
            sent.delivered.cancel()
        await super().stop()
        connection, self._connection = self._connection, None
        if connection is not None:
            await close_producer(connection.producer)

    def _append(self, record: LogRecord) -> bool:
        """Append to the batch of the partition; return whether it had room. A new batch always has."""
        at = Position(record.partition, record.offset)
        batch = self._drafts.get(record.partition) or _Batch(self._producer.create_batch(), at)
        self._drafts[record.partition] = batch
        return batch.builder.append(timestamp=record.timestamp_ms, key=record.key, value=record.value) is not None

    async def _send(self, partition: int) -> None:
        batch = self._drafts.pop(partition)
        batch.builder.close()
        size = batch.builder.size()
        while self._sent and self._in_flight + size > _IN_FLIGHT_BYTES_MAX:
            await self._acknowledged()
        with _explained(self._topic):
            delivered = await self._producer.send_batch(batch.builder, self._topic.name, partition=partition)
        self._sent.append(_Sent(delivered, batch.first, size))
        self._in_flight += size
        fail_point("log.imported")

    async def _acknowledged(self) -> None:
        """Wait for the oldest batch, and check its offset. A repeated batch may come back without one."""
        sent = self._sent.popleft()
        with _explained(self._topic):
            at = (await asyncio.wait_for(sent.delivered, _ANSWER_S)).offset
        self._in_flight -= sent.size
        if at >= 0 and at != sent.first.offset:
            raise _moved(sent.first, at)

    @property
    def _producer(self) -> Any:
        if self._connection is None:
            raise RuntimeError("call start() first")
        return self._connection.producer


@contextmanager
def _explained(topic: KafkaTopic) -> Iterator[None]:
    """Raise `Refused` for a record that the topic can't take, and `LogUnavailable` if no broker answers."""
    try:
        yield
    except MessageSizeTooLargeError as error:
        raise Refused(
            f"the topic {topic.name} refuses a record of this size: raise max.message.bytes, then {_AGAIN}"
        ) from error
    except InvalidTimestampError as error:
        raise Refused(
            f"the topic {topic.name} refuses the time of a record: remove message.timestamp.before.max.ms and "
            f"message.timestamp.after.max.ms from its settings, then {_AGAIN}"
        ) from error
    except AWAY as error:
        raise LogUnavailable(f"{topic.bootstrap} has not acknowledged everything ({error!r}); {_AGAIN}") from error


def _moved(wanted: Position, got: int) -> Refused:
    return Refused(
        f"the record of {wanted} got the offset {got}: another process writes to the topic. Stop it, and import into a "
        "new topic"
    )
