"""Appends to Kafka, with a deadline, a byte budget, and a supervisor that replaces a failed producer."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from ingest.deadlines import Deadlines
from ingest.log.broken import BrokenLog, OnBroken, stop_the_process
from ingest.log.kafka.connection import AWAY, Connection, close_producer, connect
from ingest.log.kafka.installation_record import of_record
from ingest.log.kafka.reader import KafkaLogReader
from ingest.log.kafka.token_command import TokenFailed
from ingest.log.kafka.topic import FindTopic, KafkaTopic, check_topic
from ingest.log.port import APPEND_DEADLINE_S, BYTES_IN_FLIGHT_MAX, ByteBudget
from ingest.log.tiered import TopicReader
from schemas.deadline import within
from schemas.log.position import LogRecord, LogUnavailable, Position
from schemas.log.topics import partition_of
from store.fail_points import fail_point

logger = structlog.get_logger()
_RETRY_S = 1.0
_FIRST_CONNECT_S = 5.0
_READY_S = 1.0
_OFFSET_MAX = (1 << 63) - 1
_NOTES_BYTES = 8 << 20  # at a time


class KafkaEventLog:
    """`EventLog` over one topic. It starts even without a reachable broker, and recovers by itself."""

    def __init__(
        self,
        topic: KafkaTopic,
        *,
        bytes_max: int = BYTES_IN_FLIGHT_MAX,
        deadline_s: float = APPEND_DEADLINE_S,
        on_broken: OnBroken = stop_the_process,
        find: FindTopic = check_topic,
        make_reader: Callable[[KafkaTopic], TopicReader] = KafkaLogReader,
    ) -> None:
        """``on_broken`` is called if the topic turns out to be wrong after the start.

        ``find`` checks and completes ``topic`` for each new connection. ``make_reader`` gets the complete topic.
        """
        self._topic, self._find = topic, find
        self._budget = ByteBudget(bytes_max)
        self._deadline_s, self._deadlines = deadline_s, Deadlines()
        self._on_broken, self._make_reader = on_broken, make_reader
        self._reader: TopicReader | None = None
        self._noted: KafkaLogReader | None = None
        self._connection: Connection | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self.replacements = 0

    @property
    def bytes_in_flight(self) -> int:
        return self._budget.in_flight

    @property
    def partitions(self) -> int:
        if self._connection is None:
            raise LogUnavailable("no broker answers")
        return self._connection.topic.partitions

    async def start(self) -> None:
        """Connect. Raises `BrokenLog` if the broker refuses this client, or the topic is not as it must be."""
        self._loop = asyncio.get_running_loop()
        try:
            self._connection = await within(_FIRST_CONNECT_S, connect(self._topic, self._find))
        except TokenFailed as error:
            raise BrokenLog(str(error)) from error  # at the start a mistake is more likely than an outage
        except AWAY:
            self._connection = None  # the supervisor retries
        self._supervisor = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """Send the waiting records, for 5 s at most, and disconnect."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait({self._supervisor})
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await close_producer(connection.producer)
        for reader in (self._reader, self._noted):
            if reader is not None:
                await reader.stop()

    async def ready(self) -> bool:
        if self._connection is None:
            return False
        try:
            updated = self._connection.producer.client.force_metadata_update()
            return bool(await asyncio.wait_for(updated, _READY_S))
        except AWAY:
            return False

    async def append(self, key: bytes, value: bytes) -> Position:
        """Append to the partition of ``key``. After the deadline the record may still arrive."""
        connection = self._connection
        if connection is None:
            raise LogUnavailable("no broker answers")
        self._budget.take(len(value))
        partition = partition_of(key, connection.topic.partitions)
        try:
            async with self._deadlines.after(self._deadline_s):
                offset = await self._send(connection, partition, key, value)
        except AWAY as error:
            raise LogUnavailable(f"not acknowledged: {error!r}") from error
        if offset < 0:
            raise LogUnavailable("stored, but its position is unknown")  # a duplicate that the broker has forgotten
        return Position(partition, offset)

    async def note_erasure(self, value: bytes) -> None:
        """Append it to the topic of the installation record, after the record: who writes here reads that topic."""
        connection = self._connection
        if connection is None:
            raise LogUnavailable("no broker answers")
        place = of_record(connection.topic).name
        try:
            async with self._deadlines.after(self._deadline_s):
                await connection.producer.send_and_wait(place, value, partition=0)
        except AWAY as error:
            connection.replace()
            raise LogUnavailable(f"not acknowledged: {error!r}") from error

    async def erasures(self, start: int) -> tuple[Sequence[bytes], int]:
        if self._noted is None:
            if self._connection is None:
                raise LogUnavailable("no broker answers")
            self._noted = KafkaLogReader(of_record(self._connection.topic))
        start = max(start, 1)  # after the record
        found = await self._noted.read(0, start, _OFFSET_MAX, _NOTES_BYTES)
        return [record.value or b"" for record in found], found[-1].offset + 1 if found else start

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        if self._reader is None:
            if self._connection is None:
                raise LogUnavailable("no broker answers")
            self._reader = self._make_reader(self._connection.topic)
        try:
            return await self._reader.read(partition, start, stop, bytes_max)
        except BrokenLog as error:  # of an archive, which appends can do without
            logger.error("archive_unreadable", error=str(error))
            raise LogUnavailable(str(error)) from error

    async def _send(self, connection: Connection, partition: int, key: bytes, value: bytes) -> int:
        try:
            sent = await connection.producer.send(self._topic.name, value, key, partition)
            fail_point("ingest.sent")
        except BaseException:
            self._budget.give_back(len(value))
            raise
        # The caller may give up; the budget holds the bytes until the producer releases them.
        arrived: asyncio.Future[int] = self._loop.create_future()
        sent.add_done_callback(lambda done: self._settle(connection, done, len(value), arrived))
        return await arrived

    def _settle(self, connection: Connection, sent: Any, size: int, arrived: "asyncio.Future[int]") -> None:
        self._budget.give_back(size)
        error = sent.exception()
        if error is not None:
            connection.replace()
        if arrived.done():
            return
        if error is None:
            arrived.set_result(sent.result().offset)
        else:
            arrived.set_exception(error)

    async def _supervise(self) -> None:
        while True:
            if self._connection is None:
                await self._reconnect()
            else:
                await self._connection.until_unfit()
                unfit, self._connection = self._connection, None
                self.replacements += 1
                await asyncio.gather(self._reconnect(), close_producer(unfit.producer))

    async def _reconnect(self) -> None:
        """Retry until there is a connection."""
        while self._connection is None:
            try:
                self._connection = await connect(self._topic, self._find)
            except BrokenLog as error:
                self._on_broken(error)
                await asyncio.sleep(_RETRY_S)
            except AWAY:
                await asyncio.sleep(_RETRY_S)
