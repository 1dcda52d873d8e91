"""The parts of Faust that `processors.runners.faust_app` uses, driven by hand: streams, rebalances, commits.

The adapter is the real one. So is Faust's code that computes the offset to commit from acknowledgements, including its
gaps: it commits past a record that was never acknowledged (see `processors.runners.faust_app`).
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from typing import Any

from faust.transport.consumer import Consumer, IntervalTree
from msgspec import Struct

from schemas.log.position import LogRecord


class Message(Struct, frozen=True):
    """A message in Faust's form; ``timestamp`` in seconds."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: float


class Event(Struct, frozen=True):
    """A message with a method that acknowledges it."""

    message: Message
    consumer: "FakeConsumer"

    def ack(self) -> None:
        self.consumer.ack(self.message.partition, self.message.offset)


class Assigned(Struct, frozen=True):
    """A partition of a topic."""

    topic: str
    partition: int


class FakeConsumer:
    """Faust's state of a partition, as in `faust.transport.consumer.Consumer`."""

    _new_offset = Consumer._new_offset
    _should_commit = Consumer._should_commit
    to_commit = Consumer._filter_committable_offsets

    def __init__(self) -> None:
        self._acked: dict[int, list[int]] = defaultdict(list)
        self._acked_index: dict[int, set[int]] = defaultdict(set)
        self._gap: dict[int, IntervalTree] = defaultdict(IntervalTree)
        self._read_offset: dict[int, int | None] = defaultdict(lambda: None)
        self._committed_offset: dict[int, int | None] = defaultdict(lambda: None)

    def seek(self, partition: int, offset: int, committed: int | None = None) -> None:
        """Read from this offset on; with ``committed``, as after an assignment."""
        self._read_offset[partition] = offset or None
        if committed is not None:
            self._committed_offset[partition] = committed or None

    def receive(self, record: LogRecord) -> Event:
        """Receive a fetched record. Like Faust, count skipped records before it as acknowledged."""
        read, at = self._read_offset[record.partition], record.offset
        if read and at - read > 1:
            committed = self._committed_offset[record.partition]
            begin = read + 1 if committed is None else max(read + 1, committed + 1)
            if begin <= at:
                self._gap[record.partition].addi(begin, at + 1)
                self._gap[record.partition].merge_overlaps()
        self._read_offset[record.partition] = at
        return Event(Message(record.partition, at, record.key, record.value, record.timestamp_ms / 1000), self)

    def ack(self, partition: int, offset: int) -> None:
        """Acknowledge an offset, as `Consumer.ack` does."""
        committed = self._committed_offset[partition]
        if (committed is None or offset >= committed) and offset not in self._acked_index[partition]:
            self._acked_index[partition].add(offset)
            self._acked[partition].append(offset)

    def committed(self, offsets: dict[int, int]) -> None:
        """Note the offsets that the broker accepted."""
        self._committed_offset.update(offsets)

    def forget(self, partitions: Iterable[int]) -> None:
        """Drop the state of revoked partitions."""
        for by_partition in (self._acked, self._acked_index, self._gap, self._read_offset, self._committed_offset):
            for partition in partitions:
                by_partition.pop(partition, None)


class FakeStream:
    """Yields the events that were put into it."""

    enable_acks = True

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[Event] = asyncio.Queue()

    async def events(self) -> AsyncIterator[Event]:
        """Acknowledge each event after the loop body, unless ``enable_acks`` is off when the event is requested."""
        while True:
            acks = self.enable_acks
            event = await self.arrived.get()
            try:
                yield event
            finally:
                if acks:
                    event.ack()


class _Signal:
    def connect(self, receiver: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        self.send = receiver
        return receiver


class FakeApp:
    """The app with which `build_app` registers its agent and its receivers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._running: list[asyncio.Task[None]] = []
        self.stream = FakeStream()
        self.on_partitions_revoked, self.on_partitions_assigned = _Signal(), _Signal()
        self.crashed: BaseException | None = None

    def topic(self, name: str, **_: Any) -> str:
        return name

    def agent(self, *_: Any, **__: Any) -> Callable[[Any], Any]:
        def keep(function: Any) -> Any:
            self._function = function
            return function

        return keep

    def task(self, function: Any) -> Any:
        self._task = function
        return function

    def start(self) -> None:
        """Run the agent, and its background task."""
        self.add_future(self._run(self._function(self.stream)))
        self.add_future(self._run(self._task()))

    def add_future(self, work: Coroutine[Any, Any, None]) -> None:
        self._running.append(self._loop.create_task(work))

    async def crash(self, error: BaseException) -> None:
        self.crashed = self.crashed or error

    def cancel(self) -> None:
        """Cancel everything at the end of an example."""
        for task in self._running:
            task.cancel()

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            await self.crash(error)
