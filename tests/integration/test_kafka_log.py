"""The Kafka log when the broker or the topic is not as expected."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from devstack.kafka_jars.broker import Broker
from ingest.log.broken import BrokenLog
from ingest.log.kafka import KafkaEventLog, KafkaLogReader, KafkaTopic
from runtime.services.ports import free_port
from schemas.log.position import LogUnavailable, Position
from schemas.log.topics import partition_of
from tests.support.rigs.kafka import create_topic, start_again

pytestmark = pytest.mark.kafka
FreshTopic = Callable[..., Awaitable[str]]
KEY = b"k" * 16


async def append_until_taken(log: KafkaEventLog, value: bytes, within_s: float = 60) -> Position:
    """Send the same record again, as a client does, until it is acknowledged."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return await log.append(KEY, value)
        except LogUnavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)


async def test_a_missing_topic_is_refused(kafka: str) -> None:
    """The message says how to create it."""
    log = KafkaEventLog(KafkaTopic(kafka, "missing-topic", 4))

    with pytest.raises(BrokenLog, match="provision"):
        await log.start()


async def test_another_number_of_partitions_is_refused(kafka: str, fresh_topic: FreshTopic) -> None:
    """The message has both numbers."""
    log = KafkaEventLog(KafkaTopic(kafka, await fresh_topic(partitions=2), 4))

    with pytest.raises(BrokenLog, match=r"2 partitions.* 4"):
        await log.start()


async def test_a_topic_that_takes_too_small_messages_is_refused(kafka: str, fresh_topic: FreshTopic) -> None:
    """Otherwise an event of 1 MiB could never be appended."""
    topic = await fresh_topic(**{"max.message.bytes": "1000000"})

    with pytest.raises(BrokenLog, match=r"max\.message\.bytes"):
        await KafkaEventLog(KafkaTopic(kafka, topic, 1)).start()


async def test_what_waits_is_bounded_in_bytes(kafka: str, fresh_topic: FreshTopic) -> None:
    """An append beyond the budget is refused at once; after a delivery there is room again."""
    log = KafkaEventLog(KafkaTopic(kafka, await fresh_topic(), 1), bytes_max=1_000_000)
    await log.start()
    outcomes = await asyncio.gather(*(log.append(KEY, b"x" * 400_000) for _ in range(5)), return_exceptions=True)
    later = await log.append(KEY, b"x" * 400_000)
    await log.stop()

    assert [type(outcome) for outcome in outcomes[2:]] == [LogUnavailable] * 3
    assert later.offset == 2


async def test_a_reader_of_a_broker_that_is_away_says_so_within_seconds() -> None:
    """The reader does not hang."""
    reader = KafkaLogReader(KafkaTopic(f"127.0.0.1:{free_port()}", "t", 1))
    began = time.monotonic()

    with pytest.raises(LogUnavailable):
        await reader.ends()
    with pytest.raises(LogUnavailable):
        await reader.read(0, 0, 1, 1)

    assert time.monotonic() - began < 12


async def test_it_starts_without_a_broker_and_recovers_by_itself(kafka_broker: Broker) -> None:
    """Appends fail at once while the broker is down, and succeed without a restart when it is back."""
    topic = KafkaTopic(kafka_broker.bootstrap, await create_topic(kafka_broker.bootstrap), 1)
    kafka_broker.kill()
    log, reader = KafkaEventLog(topic), KafkaLogReader(topic)
    await log.start()
    ready_without = await log.ready()
    with pytest.raises(LogUnavailable):
        await log.append(KEY, b"x")
    with pytest.raises(LogUnavailable):
        await reader.ends()

    await start_again(kafka_broker)
    position = await append_until_taken(log, b"x")
    ready_with = await log.ready()
    records = await reader.read(0, 0, 1, 1)
    await log.stop()
    await reader.stop()

    assert (ready_without, ready_with) == (False, True)
    assert position.offset == 0
    assert [record.value for record in records] == [b"x"]


async def test_a_killed_broker_costs_nothing_that_was_acknowledged(kafka_broker: Broker) -> None:
    """Appends continue through a kill and a restart, each within its deadline; no acknowledged record is lost."""
    topic = KafkaTopic(kafka_broker.bootstrap, await create_topic(kafka_broker.bootstrap), 1)
    log, reader = KafkaEventLog(topic, deadline_s=2), KafkaLogReader(topic)
    await log.start()
    acknowledged: dict[int, bytes] = {}
    slowest = 0.0
    stop = asyncio.Event()

    async def write(worker: int) -> None:
        nonlocal slowest
        number = 0
        while not stop.is_set():
            value, began = b"%d-%d" % (worker, number), time.monotonic()
            try:
                acknowledged[(await log.append(KEY, value)).offset] = value
            except LogUnavailable:
                await asyncio.sleep(0.05)
            slowest = max(slowest, time.monotonic() - began)
            number += 1

    writers = [asyncio.create_task(write(worker)) for worker in range(8)]
    await asyncio.sleep(1)
    kafka_broker.kill()
    await asyncio.sleep(3)
    await start_again(kafka_broker)
    last = await append_until_taken(log, b"last")
    stop.set()
    await asyncio.gather(*writers)
    (end,) = await reader.ends()
    stored = {record.offset: record.value for record in await reader.read(0, 0, end, 1 << 30)}
    await log.stop()
    await reader.stop()

    assert slowest < 3
    assert sorted(stored) == list(range(end))
    assert {offset: stored[offset] for offset in acknowledged} == acknowledged
    assert last.offset < end


async def test_stopping_while_the_broker_is_away_does_not_hang(kafka_broker: Broker) -> None:
    """Pending records are given up, and their callers get an error."""
    topic = KafkaTopic(kafka_broker.bootstrap, await create_topic(kafka_broker.bootstrap), 1)
    log = KafkaEventLog(topic, deadline_s=60)
    await log.start()
    await log.append(KEY, b"x")
    kafka_broker.kill()
    waiting = asyncio.create_task(log.append(KEY, b"y"))
    await asyncio.sleep(0.1)
    began = time.monotonic()
    await log.stop()

    assert time.monotonic() - began < 9
    with pytest.raises(LogUnavailable):
        await asyncio.wait_for(waiting, 5)


async def test_a_producer_that_failed_is_replaced(kafka: str, fresh_topic: FreshTopic) -> None:
    """After a dead sender or lost sequence numbers, the next appends succeed with another producer."""
    log = KafkaEventLog(KafkaTopic(kafka, await fresh_topic(), 1))
    await log.start()
    first = log._connection
    assert first is not None
    first.producer._sender.sender_task.cancel()
    one = await append_until_taken(log, b"1")
    second = log._connection
    assert second is not None
    second.producer._txn_manager._sequence_numbers.clear()
    second.producer._txn_manager.increment_sequence_number((log._topic.name, 0), 77)
    two = await append_until_taken(log, b"2")
    third = log._connection
    await log.stop()

    assert third is not None
    assert len({id(first), id(second), id(third)}) == 3
    assert (one.offset, two.offset) == (0, 1)


async def test_a_reader_returns_each_record_once_wherever_it_goes_on(kafka: str, fresh_topic: FreshTopic) -> None:
    """It keeps what a fetch had beyond a read for the next one, unless that is elsewhere."""
    topic = KafkaTopic(kafka, await fresh_topic(partitions=2), 2)
    log, reader = KafkaEventLog(topic), KafkaLogReader(topic)
    await log.start()
    keys = {partition_of(bytes([n]) * 16, 2): bytes([n]) * 16 for n in range(8)}
    for n in range(150):
        await asyncio.gather(*(log.append(key, b"%d" % n) for key in keys.values()))

    async def values(partition: int, start: int, stop: int, bytes_max: int) -> list[int]:
        return [int(record.value or b"") for record in await reader.read(partition, start, stop, bytes_max)]

    found: dict[int, list[int]] = {0: [], 1: []}
    while len(found[0]) + len(found[1]) < 300:
        for partition, read in found.items():
            for _ in range(3):
                read += await values(partition, len(read), 150, 30)
    jumps = [await values(0, start, start + 3, 1 << 20) for start in (0, 3, 100, 101, 2)]
    skipped = [await values(1, start, 150, 1) for start in (50, 52, 54)]
    before = await values(1, 100, 150, 20)
    await log.append(keys[1], b"150")
    after = await values(1, before[-1] + 1, 200, 1 << 20)
    await asyncio.gather(log.stop(), reader.stop())

    assert found == {0: [*range(150)], 1: [*range(150)]}
    assert jumps == [[n, n + 1, n + 2] for n in (0, 3, 100, 101, 2)]
    assert skipped == [[50], [52], [54]]
    assert [*before, *after] == [*range(100, 151)]
