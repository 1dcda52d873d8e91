"""Reads the topic by offset, without a consumer group: for the ends of partitions, and for gaps."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from ingest.log.broken import Trimmed
from ingest.log.kafka.connection import AWAY
from ingest.log.kafka.credentials import check_credentials
from ingest.log.kafka.topic import KafkaTopic
from schemas.deadline import within
from schemas.log.position import LogRecord, LogUnavailable, Position

T = TypeVar("T")

_ANSWER_S, _STOP_S = 5.0, 1.0
_FETCH_BYTES_MAX = 16 * 1_048_576
_POLL_MS, _POLL_RECORDS = 250, 100


class KafkaLogReader:
    """`schemas.log.position.LogReader` over one topic. One call at a time; a failed connection is replaced."""

    def __init__(self, topic: KafkaTopic) -> None:
        self._topic = topic
        self._partitions = [TopicPartition(topic.name, partition) for partition in range(topic.partitions)]
        self._consumer: AIOKafkaConsumer | None = None
        self._turn = asyncio.Lock()
        self._fetched: deque[LogRecord] = deque()  # and not returned yet
        self._ready_at: Position | None = None  # where the consumer goes on: it has fetched what follows, too

    async def starts(self) -> Sequence[int]:
        """Return the first offset of each partition: what is below was trimmed."""
        starts = await self._with_consumer(lambda consumer: consumer.beginning_offsets(self._partitions))
        return [starts[partition] for partition in self._partitions]

    async def ends(self) -> Sequence[int]:
        ends = await self._with_consumer(lambda consumer: consumer.end_offsets(self._partitions))
        return [ends[partition] for partition in self._partitions]

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        """Return records, see `schemas.log.position.LogReader`. Raises `Trimmed` if they begin below Kafka's start."""
        if partition >= self._topic.partitions:
            return []
        source = TopicPartition(self._topic.name, partition)

        async def ask(consumer: AIOKafkaConsumer) -> Sequence[LogRecord]:
            ends = await consumer.end_offsets([source])
            last = min(stop, ends[source])
            if start >= last:
                return []
            if self._ready_at != Position(partition, start):
                consumer.assign([source])
                consumer.seek(source, start)
                self._fetched.clear()
            try:
                return await self._collect(consumer, last, bytes_max)
            except OffsetOutOfRangeError as error:
                begins = (await consumer.beginning_offsets([source]))[source]
                if begins <= start:  # it has lost its end since it was asked for, or has not got it yet
                    raise LogUnavailable(f"{self._topic.name} has no record at {partition}:{start}") from error
                raise Trimmed(self._topic.name, Position(partition, start), begins) from error

        return await self._with_consumer(ask)

    async def stop(self) -> None:
        consumer, self._consumer, self._ready_at = self._consumer, None, None
        if consumer is not None:
            with contextlib.suppress(*AWAY):
                await within(_STOP_S, consumer.stop())

    async def _collect(self, consumer: AIOKafkaConsumer, stop: int, bytes_max: int) -> list[LogRecord]:
        """Return records below ``stop``. If there are more, a caller that reads on gets what was fetched with these.

        A fetch has the records of many reads, since they are compressed.
        """
        self._ready_at = None
        records, size = list[LogRecord](), 0
        while not records or size < bytes_max:
            if not self._fetched:
                found = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
                self._fetched += [_record(message) for messages in found.values() for message in messages]
                continue
            if self._fetched[0].offset >= stop:
                break
            records.append(self._fetched.popleft())
            size += len(records[-1].value or b"")
            if records[-1].offset == stop - 1:
                break
        if records and records[-1].offset < stop - 1:
            self._ready_at = Position(records[-1].partition, records[-1].offset + 1)
        else:  # what was fetched beyond it may be out of date by the time of another read
            consumer.unsubscribe()
            self._fetched.clear()
        return records

    async def _with_consumer(self, ask: Callable[[AIOKafkaConsumer], Awaitable[T]]) -> T:
        async with self._turn:
            try:
                return await within(_ANSWER_S, self._ask(ask))
            except BaseException as error:
                await self.stop()
                if isinstance(error, AWAY):
                    raise LogUnavailable(f"{self._topic.name} can't be read: {error!r}") from error
                raise

    async def _ask(self, ask: Callable[[AIOKafkaConsumer], Awaitable[T]]) -> T:
        return await ask(await self._connected())

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            # Without this, a refusal would look like an outage and be retried forever.
            await check_credentials(self._topic, all_brokers=False)
            self._consumer = AIOKafkaConsumer(
                bootstrap_servers=self._topic.bootstrap,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="none",
                max_partition_fetch_bytes=_FETCH_BYTES_MAX,
                fetch_max_bytes=_FETCH_BYTES_MAX,
                request_timeout_ms=4_000,
                retry_backoff_ms=100,
                **self._topic.security.client_options(),
            )
            await self._consumer.start()
        return self._consumer


def _record(message: ConsumerRecord) -> LogRecord:
    return LogRecord(message.partition, message.offset, message.key, message.value, message.timestamp)
