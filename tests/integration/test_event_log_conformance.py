"""The contract of every event log: the fake, the SQLite file and Kafka pass the same suite."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, Protocol
from uuid import UUID

import pytest

from ingest.log.kafka import KafkaEventLog, KafkaLogReader, KafkaTopic
from ingest.log.kafka.creation import ensure_topic
from ingest.log.kafka.installation_record import of_record, write_record
from ingest.log.port import EventLog
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from schemas.installation import OwnSecrets
from schemas.log.position import LogReader, LogUnavailable, Position
from schemas.log.topics import erasures_id, partition_of, record_key
from tests.support.fakes.log import FakeEventLog

KEYS = [record_key(UUID(int=number << 64 | 0x4000 << 64 | 1 << 63)) for number in range(1, 9)]
MANY = 1 << 30


class Both(NamedTuple):
    """A log and its reader."""

    log: EventLog
    reader: LogReader
    partitions: int


class MakeTopic(Protocol):
    async def __call__(self, partitions: int = 1) -> str: ...


async def _fake(_request: pytest.FixtureRequest, _tmp_path: Path) -> Both:
    log = FakeEventLog(partitions=4)
    return Both(log, log, 4)


async def _sqlite(_request: pytest.FixtureRequest, tmp_path: Path) -> Both:
    log = SqliteEventLog(tmp_path / "log.sqlite")
    return Both(log, log, 1)


async def _kafka(request: pytest.FixtureRequest, _tmp_path: Path) -> Both:
    make_topic: MakeTopic = request.getfixturevalue("fresh_topic")
    topic = KafkaTopic(request.getfixturevalue("kafka"), await make_topic(partitions=4), 4)
    await ensure_topic(of_record(topic))
    await write_record(topic, OwnSecrets("a fingerprint", "a folder"))
    return Both(KafkaEventLog(topic), KafkaLogReader(topic), 4)


MAKERS: dict[str, Callable[[pytest.FixtureRequest, Path], Awaitable[Both]]] = {
    "fake": _fake,
    "sqlite": _sqlite,
    "kafka": _kafka,
}


@pytest.fixture(params=["fake", "sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
async def both(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Both]:
    made = await MAKERS[request.param](request, tmp_path)
    await made.log.start()
    yield made
    await made.log.stop()
    if isinstance(made.reader, KafkaLogReader):
        await made.reader.stop()


async def test_offsets_are_dense_from_zero_in_the_order_of_the_appends(both: Both) -> None:
    """Successive appends of one key get offsets 0, 1, 2, … of its partition."""
    partition = partition_of(KEYS[0], both.partitions)

    positions = [await both.log.append(KEYS[0], b"%d" % number) for number in range(5)]

    assert positions == [Position(partition, offset) for offset in range(5)]
    assert [record.value for record in await both.reader.read(partition, 0, 5, MANY)] == [b"0", b"1", b"2", b"3", b"4"]


async def test_every_key_has_its_partition(both: Both) -> None:
    """A record is in the partition to which its key hashes."""
    positions = {key: await both.log.append(key, b"x") for key in KEYS}

    for key, position in positions.items():
        (record,) = await both.reader.read(position.partition, position.offset, position.offset + 1, MANY)
        assert position.partition == partition_of(key, both.partitions)
        assert (record.partition, record.offset, record.key) == (*position, key)


async def test_concurrent_appends_each_have_their_own_place(both: Both) -> None:
    """200 concurrent appends get 200 dense positions, and each position has the right record."""
    values = {b"%d" % number: KEYS[number % len(KEYS)] for number in range(200)}

    positions = await asyncio.gather(*(both.log.append(key, value) for value, key in values.items()))

    stored = {}
    for partition, end in enumerate(await both.reader.ends()):
        for record in await both.reader.read(partition, 0, end, MANY) if end else []:
            stored[Position(record.partition, record.offset)] = record.value
    assert stored == dict(zip(positions, values, strict=True))


async def test_ends_are_the_next_offsets(both: Both) -> None:
    """The end of each partition is the number of its records."""
    before = list(await both.reader.ends())
    position = await both.log.append(KEYS[0], b"x")
    after = await both.reader.ends()

    assert before == [0] * both.partitions
    assert after[position.partition] == 1
    assert sum(after) == 1


async def test_a_read_is_a_window(both: Both) -> None:
    """A read returns ``[start, stop)``: nothing beyond the end, and nothing for an empty window."""
    partition = partition_of(KEYS[0], both.partitions)
    for number in range(6):
        await both.log.append(KEYS[0], b"%d" % number)

    assert [record.offset for record in await both.reader.read(partition, 2, 4, MANY)] == [2, 3]
    assert [record.offset for record in await both.reader.read(partition, 4, 99, MANY)] == [4, 5]
    assert list(await both.reader.read(partition, 6, 99, MANY)) == []
    assert list(await both.reader.read(partition, 3, 3, MANY)) == []


async def test_a_read_stops_near_its_limit_of_bytes_but_never_empty(both: Both) -> None:
    """Room for less than one record returns one; room for two and a half returns three."""
    partition = partition_of(KEYS[0], both.partitions)
    for _ in range(5):
        await both.log.append(KEYS[0], b"x" * 1000)

    assert len(await both.reader.read(partition, 0, 5, 1)) == 1
    assert len(await both.reader.read(partition, 0, 5, 2500)) == 3


async def test_bytes_come_back_as_they_went_in(both: Both) -> None:
    """This holds for every byte value, and for a record above 1 MiB."""
    values = [bytes(range(256)), b"x" * (1_048_576 + 4096)]

    for value in values:
        position = await both.log.append(KEYS[0], value)
        (record,) = await both.reader.read(position.partition, position.offset, position.offset + 1, MANY)
        assert record.value == value


async def test_a_log_that_runs_is_ready(both: Both) -> None:
    """Readiness needs no append."""
    assert await both.log.ready()


async def test_a_log_that_stopped_says_so() -> None:
    """Appending to a log that is not open raises the error of an unavailable log, not an unknown one."""
    unreachable = KafkaTopic("127.0.0.1:1", "nowhere", 1)
    for log in (SqliteEventLog(Path("unused")), KafkaEventLog(unreachable)):
        assert not await log.ready()
        with pytest.raises(LogUnavailable):
            await log.append(KEYS[0], b"x")


async def test_erasures_are_found_in_their_order_and_each_once(both: Both) -> None:
    """From a place on there is what was noted since; records of sessions are none of them."""
    values = [b"first", b"second", b"third"]
    await both.log.append(KEYS[0], b"x")
    assert await both.log.erasures(0) == ([], (await both.log.erasures(0))[1])

    for value in values[:2]:
        await _erase(both, value)
    found, place = await both.log.erasures(0)
    await _erase(both, values[2])

    assert found == values[:2]
    assert (await both.log.erasures(place))[0] == values[2:]
    assert (await both.log.erasures(0))[0] == values


async def _erase(both: Both, value: bytes) -> None:
    await both.log.append(record_key(erasures_id(0, both.partitions)), value)
    await both.log.note_erasure(value)
