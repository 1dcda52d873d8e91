"""The parts of Faust that `processors.runners.faust_app` uses, driven by hand: deliveries, rebalances, commits.

The adapter is the real one. So is Faust's code that computes the offset to commit from acknowledgements: it commits
past a record that was never acknowledged (see `processors.runners.faust_app`).
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

from faust.transport.consumer import Consumer, IntervalTree
from faust.types import TP, ConsumerMessage
from msgspec import Struct

from processors.runners.batch_consumer import BatchConsumer
from schemas.log.position import LogRecord

TOPIC = "records"


class Assigned(Struct, frozen=True):
    """A partition of a topic."""

    topic: str
    partition: int


class FakeConsumer:
    """Faust's state of each partition, with the code of Faust and of the adapter that changes it."""

    _new_offset = Consumer._new_offset
    _should_commit = Consumer._should_commit
    _committable = Consumer._filter_committable_offsets
    ack = Consumer.ack
    deliver: Any = BatchConsumer._deliver  # bound to this class instead
    flow_active = True

    def __init__(self, app: Any) -> None:
        self.app, self._unacked_messages = app, set[ConsumerMessage]()
        self._acked: dict[TP, list[int]] = defaultdict(list)
        self._acked_index: dict[TP, set[int]] = defaultdict(set)
        self._gap: dict[TP, IntervalTree] = defaultdict(IntervalTree)
        self._read_offset: dict[TP, int | None] = defaultdict(lambda: None)
        self._committed_offset: dict[TP, int | None] = defaultdict(lambda: None)
        self._n_acked, self._waiting_for_ack = 0, None

    @property
    def transport(self) -> Any:
        return self.app.transport

    def track_message(self, message: ConsumerMessage) -> None:
        self._unacked_messages.add(message)

    def seek(self, partition: int, offset: int, committed: int | None = None) -> None:
        """Read from this offset on; with ``committed``, as after an assignment."""
        tp = TP(TOPIC, partition)
        self._read_offset[tp] = offset or None
        if committed is not None:
            self._committed_offset[tp] = committed or None

    def to_commit(self, partitions: Iterable[int]) -> dict[int, int]:
        """Return the offset to commit, by partition."""
        found = self._committable([TP(TOPIC, partition) for partition in partitions])
        return {tp.partition: offset for tp, offset in found.items()}

    def committed(self, offsets: dict[int, int]) -> None:
        """Note the offsets that the broker accepted."""
        self._committed_offset.update({TP(TOPIC, partition): offset for partition, offset in offsets.items()})

    def forget(self, partitions: Iterable[int]) -> None:
        """Drop the state of revoked partitions."""
        for by_partition in (self._acked, self._acked_index, self._gap, self._read_offset, self._committed_offset):
            for partition in partitions:
                by_partition.pop(TP(TOPIC, partition), None)


def message_of(record: LogRecord) -> ConsumerMessage:
    """Return a fetched record in Faust's form."""
    tp, seconds = TP(TOPIC, record.partition), record.timestamp_ms / 1000
    return ConsumerMessage(*tp, record.offset, seconds, 0, None, record.key, record.value, None, tp=tp)


class _Signal:
    def connect(self, receiver: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        self.send = receiver
        return receiver


class FakeApp:
    """The app with which `build_app` registers its transport and its receivers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._running: list[asyncio.Task[None]] = []
        self.conf = SimpleNamespace(broker_consumer=[])
        self.topics = SimpleNamespace(add=lambda _: None, acks_enabled_for=lambda _: True)
        self.flow_control = SimpleNamespace(acquire=_at_once)
        self.consumer, self.transport = FakeConsumer(self), SimpleNamespace()
        self.on_partitions_revoked, self.on_partitions_assigned = _Signal(), _Signal()
        self.crashed: BaseException | None = None

    def topic(self, name: str) -> str:
        return name

    def task(self, function: Any) -> Any:
        self._task = function
        return function

    def start(self) -> None:
        """Begin to receive, and run the background task."""
        self.restart_delivery()
        self.add_future(self._run(self._task()))

    def restart_delivery(self) -> None:
        """Lose what is not delivered yet, as in a rebalance: it is fetched again."""
        if self._running:
            self._running.pop(0).cancel()
        self.arrived: asyncio.Queue[Sequence[ConsumerMessage]] = asyncio.Queue()
        self._running.insert(0, self._loop.create_task(self._run(self._deliver(self.arrived))))

    def add_future(self, work: Coroutine[Any, Any, None]) -> None:
        self._running.append(self._loop.create_task(work))

    async def crash(self, error: BaseException) -> None:
        self.crashed = self.crashed or error

    def cancel(self) -> None:
        """Cancel everything at the end of an example."""
        for task in self._running:
            task.cancel()

    async def _deliver(self, arrived: asyncio.Queue[Sequence[ConsumerMessage]]) -> None:
        while True:
            await self.consumer.deliver(await arrived.get())

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            await self.crash(error)


async def _at_once() -> None:
    """Wait for nothing: the flow is never suspended."""
