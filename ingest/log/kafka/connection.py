"""One idempotent producer, from its start to its end. A producer that failed once is never trusted again."""

import asyncio
import contextlib
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from ingest.log.kafka.acls import WRITES
from ingest.log.kafka.credentials import check_credentials
from ingest.log.kafka.topic import FindTopic, KafkaTopic

STOP_S = 5.0  # `stop()` can hang for ever while the broker is away
CONNECT_S = 10.0
_CLOSE_S = 1.0
_BATCH_BYTES = 1_048_576
_REQUEST_BYTES_MAX = 2 * 1_048_576
AWAY = (KafkaError, OSError, TimeoutError)


class Connection:
    """A started producer, and whether it has to be replaced."""

    def __init__(self, producer: AIOKafkaProducer, topic: KafkaTopic) -> None:
        """``topic`` is the one that was found, with its partition count."""
        self.producer, self.topic = producer, topic
        self._unfit = asyncio.Event()
        producer.client.cluster.add_listener(self._look)

    def _look(self, cluster: Any) -> None:
        """A topic that has grown is seen when metadata come in; the next connection is refused, and says why."""
        partitions = cluster.partitions_for_topic(self.topic.name)
        if partitions is not None and len(partitions) != self.topic.partitions:
            self.replace()

    def replace(self) -> None:
        """Something failed that an idempotent producer does not recover from, such as its sequence numbers."""
        self._unfit.set()

    async def until_unfit(self) -> None:
        """Return when the producer failed or its sender has died."""
        unfit = asyncio.create_task(self._unfit.wait())
        await asyncio.wait({unfit, self.producer._sender.sender_task}, return_when=asyncio.FIRST_COMPLETED)  # noqa: SLF001 (nothing public tells that the sender died)
        unfit.cancel()

    async def reachable(self) -> bool:
        """Whether a broker answers now."""
        return bool(await self.producer.client.force_metadata_update())

    async def close(self) -> None:
        """Send what waits; what can't be sent in 5 s is given up."""
        await close_producer(self.producer)


async def connect(told: KafkaTopic, find: FindTopic) -> Connection:
    """A new producer, to the topic that ``find`` finds.

    Raises:
        BrokenLog: where the topic is not as it has to be, or the broker refuses us.
        KafkaError, OSError, TimeoutError: where the broker is away.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=told.bootstrap,
        enable_idempotence=True,
        acks="all",
        compression_type="zstd",
        linger_ms=5,
        max_batch_size=_BATCH_BYTES,
        max_request_size=_REQUEST_BYTES_MAX,
        request_timeout_ms=5_000,
        metadata_max_age_ms=30_000,
        **told.security.client_options(),
    )
    try:
        async with asyncio.timeout(CONNECT_S):
            await check_credentials(told, WRITES)
            topic = await find(told)
            await producer.start()
            await producer.partitions_for(topic.name)
    except BaseException:
        await close_producer(producer)
        raise
    return Connection(producer, topic)


async def close_producer(producer: Any) -> None:
    """Stop it if that can be done; else fail what it holds, so that nobody and no memory waits for it."""
    try:
        await asyncio.wait_for(producer.stop(), STOP_S)
    except AWAY:
        with contextlib.suppress(*AWAY):
            await asyncio.wait_for(producer.client.close(), _CLOSE_S)
        if (task := producer._sender.sender_task) is not None:  # noqa: SLF001 (stop() did not)
            task.cancel()
    finally:  # with a dead sender stop() returns, and leaves behind whoever waits
        _give_up(producer._message_accumulator)  # noqa: SLF001 (nothing public gives up)


def _give_up(accumulator: Any) -> None:
    held = [*accumulator._pending_batches, *(batch for queue in accumulator._batches.values() for batch in queue)]  # noqa: SLF001 (as above)
    accumulator.fail_all(KafkaError("the producer was replaced"))
    for batch in held:
        waiter = batch._drain_waiter  # noqa: SLF001 (as above)
        if waiter.done() and not waiter.cancelled():
            waiter.exception()  # seen, so that asyncio does not report it as forgotten
