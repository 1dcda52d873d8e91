"""One idempotent producer, from its start to its end. After its first failure it is replaced."""

import asyncio
import contextlib
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from ingest.log.kafka.credentials import check_credentials
from ingest.log.kafka.installation_record import of_record
from ingest.log.kafka.rights import WRITES
from ingest.log.kafka.topic import FindTopic, KafkaTopic
from schemas.deadline import within

STOP_S = 5.0  # `stop()` can hang forever if the broker is unreachable
CONNECT_S = 10.0
_CLOSE_S = 1.0
_BATCH_BYTES = 1_048_576
_REQUEST_BYTES_MAX = 2 * 1_048_576
AWAY = (KafkaError, OSError, TimeoutError)


class Connection:
    """A started producer, and whether it has to be replaced."""

    def __init__(self, producer: AIOKafkaProducer, topic: KafkaTopic) -> None:
        """``topic`` comes from `FindTopic`, with its partition count."""
        self.producer, self.topic = producer, topic
        self._unfit = asyncio.Event()
        producer.client.cluster.add_listener(self._look)

    def _look(self, cluster: Any) -> None:
        """Replace the connection if the metadata show more partitions; the next connect fails and says why."""
        partitions = cluster.partitions_for_topic(self.topic.name)
        if partitions is not None and len(partitions) != self.topic.partitions:
            self.replace()

    def replace(self) -> None:
        """Mark the connection as unfit: an idempotent producer can't recover, say from wrong sequence numbers."""
        self._unfit.set()

    async def until_unfit(self) -> None:
        """Return when the producer has failed or its sender has died."""
        unfit = asyncio.create_task(self._unfit.wait())
        await asyncio.wait({unfit, self.producer._sender.sender_task}, return_when=asyncio.FIRST_COMPLETED)  # noqa: SLF001 (aiokafka has no public sign of a dead sender)
        unfit.cancel()


async def connect(configured: KafkaTopic, find: FindTopic) -> Connection:
    """Start a producer for the topic that ``find`` returns. Raises as `check_topic` and `check_credentials`."""
    producer = AIOKafkaProducer(
        bootstrap_servers=configured.bootstrap,
        enable_idempotence=True,
        acks="all",
        # Compression runs on the event loop. In a thread, it left the loop 17 % less work but cost the process 8 %
        # more, and two cores with broker and load took 4 to 8 % fewer events. A second process is simpler.
        compression_type="zstd",
        linger_ms=5,
        max_batch_size=_BATCH_BYTES,
        max_request_size=_REQUEST_BYTES_MAX,
        request_timeout_ms=5_000,
        metadata_max_age_ms=30_000,
        **configured.security.client_options(),
    )
    try:
        topic = await within(CONNECT_S, _start(producer, configured, find))
    except BaseException:
        await close_producer(producer)
        raise
    return Connection(producer, topic)


async def _start(producer: AIOKafkaProducer, configured: KafkaTopic, find: FindTopic) -> KafkaTopic:
    await check_credentials(configured, WRITES)
    await check_credentials(of_record(configured), WRITES, all_brokers=False)  # for notes of erasures
    topic = await find(configured)
    await producer.start()
    await producer.partitions_for(topic.name)
    return topic


async def close_producer(producer: Any) -> None:
    """Send the waiting records, and fail those that can't be sent in 5 s: no caller waits, and no memory leaks."""
    try:
        await within(STOP_S, producer.stop())
    except AWAY:
        with contextlib.suppress(*AWAY):
            await within(_CLOSE_S, producer.client.close())
        if (task := producer._sender.sender_task) is not None:  # noqa: SLF001 (stop() did not)
            task.cancel()
    finally:  # with a dead sender stop() returns, and its callers would wait forever
        accumulator = producer._message_accumulator  # noqa: SLF001 (aiokafka has no public way to give up)
        held = [*accumulator._pending_batches, *(batch for queue in accumulator._batches.values() for batch in queue)]  # noqa: SLF001 (as above)
        accumulator.fail_all(KafkaError("the producer was replaced"))
        for batch in held:
            waiter = batch._drain_waiter  # noqa: SLF001 (as above)
            if waiter.done() and not waiter.cancelled():
                waiter.exception()  # retrieved, else asyncio reports an exception that was never retrieved
