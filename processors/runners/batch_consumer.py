"""Takes records from Faust's consumer in batches, ahead of its streams, which make two tasks of each record.

Assignment, rebalances, seeks, acknowledgements and commits remain Faust's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import faust
from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP, ConsumerMessage

POLL_S = 1.0
Take = Callable[[ConsumerMessage], Awaitable[None]]


class BatchTransport(Transport):  # type: ignore[misc]  # faust has no types
    """A connection to Kafka that gives each message to ``take``, in the order of its partition, and to no stream.

    The taker of a message acknowledges it with ``app.consumer.ack``. ``take`` may wait: nothing else is read until
    then.
    """

    def __init__(self, app: faust.App, take: Take) -> None:
        super().__init__(app.conf.broker_consumer, app)
        self.take = take


class BatchConsumer(Consumer):  # type: ignore[misc]
    """The consumer of a `BatchTransport`."""

    async def _drain_messages(self, fetcher: Any) -> None:
        """Read until the consumer or its fetcher, whose only work this is, stops."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                messages = [message async for _, message in self.getmany(timeout=POLL_S)]
                if messages:
                    # A rebalance ends a wait. Faust then goes back to the committed offsets.
                    await self.wait_first(self._deliver(messages), self.suspend_flow.wait())
        except (*self.consumer_stopped_errors, asyncio.CancelledError):
            if not self.app.should_stop:  # else the fetcher would take a stop during a rebalance for a crash
                raise

    async def _deliver(self, messages: Sequence[ConsumerMessage]) -> None:
        await self.app.flow_control.acquire()
        take = cast(BatchTransport, self.transport).take
        for message in messages:
            if not self.flow_active:  # a rebalance began while this waited: all are read again
                return
            tp, offset = message.tp, message.offset
            last = self._read_offset[tp]
            if last is not None and offset < last:  # read before
                continue
            if last is not None and offset - last > 1:
                # The topic was trimmed in between. Else nothing behind the jump could be committed, and Faust's own way
                # keeps a number for each offset. What was read before the jump is written before what is behind it.
                self._committed_offset[tp] = offset
            self.track_message(message)
            await take(message)
            self._read_offset[tp] = offset

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Log a fetch that stands still, but no slow stream: there is none, and the projector's watchdog ends it."""
        self.verify_recovery_event_path(now, tp)


BatchTransport.Consumer = BatchConsumer
