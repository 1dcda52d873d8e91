"""The fake of Faust commits the same offsets as Faust on a real broker, including wrong ones."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import ConsumerMessage

from schemas.log.position import LogRecord
from tests.support.fakes.faust import FakeApp, FakeConsumer, message_of


async def _take(_: ConsumerMessage) -> None: ...


def _consumer(fetched: list[int], acknowledged: list[int], committed: int = 0, take: Any = _take) -> FakeConsumer:
    with asyncio.Runner() as runner:
        app = FakeApp(runner.get_loop())
        app.transport = SimpleNamespace(take=take)
        app.consumer.seek(0, committed, committed)
        messages = [message_of(LogRecord(0, offset, b"", b"", 0)) for offset in fetched]
        runner.run(app.consumer.deliver(messages))
    for message in messages:
        if message.offset in acknowledged:
            app.consumer.ack(message)
    return app.consumer


def test_a_complete_prefix_is_committed() -> None:
    """The committed offset is that of the first record without an acknowledgement."""
    assert _consumer([0, 1, 2, 3], [0, 1, 3]).to_commit([0]) == {0: 2}


def test_with_nothing_committed_yet_a_head_that_was_not_acknowledged_is_committed_over() -> None:
    """So the pipeline may acknowledge only a prefix."""
    assert _consumer([0, 1, 2, 3, 4, 5, 6], [5, 6]).to_commit([0]) == {0: 7}


def test_a_single_record_at_the_head_is_committed_over() -> None:
    """With a committed offset it happens too: record 2800 is lost."""
    assert _consumer([2800, 2801, 2802], [2801, 2802], committed=2800).to_commit([0]) == {0: 2803}


@pytest.mark.parametrize("start", [0, 7])
def test_a_trimmed_part_of_any_length_is_committed_over(start: int) -> None:
    """A worker comes back after the topic was trimmed: two records that it had read, then a trillion are gone."""
    behind = start + 10**12
    fetched = [start, start + 1, behind, behind + 1]

    assert _consumer(fetched, fetched, committed=start).to_commit([0]) == {0: behind + 2}


def test_a_jump_behind_the_first_record_of_all_is_committed_over() -> None:
    """The offset that was read last is 0, which is no missing one."""
    consumer = _consumer([0], [0])
    consumer.committed(consumer.to_commit([0]))
    behind = message_of(LogRecord(0, 10**12, b"", b"", 0))

    asyncio.run(consumer.deliver([behind]))
    consumer.ack(behind)

    assert consumer.to_commit([0]) == {0: 10**12 + 1}


def test_a_jump_alone_commits_nothing() -> None:
    """What is behind it must be acknowledged first: the hole is filled before."""
    assert _consumer([7, 8, 10**12], [7, 8], committed=7).to_commit([0]) == {}


def test_what_was_read_before_is_not_delivered_again() -> None:
    """After a jump back, Faust may return records that wait in the backlog; the first to read is delivered."""
    taken: list[int] = []

    async def take(message: ConsumerMessage) -> None:
        taken.append(message.offset)

    _consumer([7, 8, 9, 10], [], committed=9, take=take)

    assert taken == [9, 10]


def test_nothing_is_delivered_once_a_rebalance_has_begun() -> None:
    """It begins while a record waits for room; what was not delivered is read again from the committed offset."""
    taken: list[int] = []

    async def take(message: ConsumerMessage) -> None:
        taken.append(message.offset)
        consumer.flow_active = message.offset < 1

    with asyncio.Runner() as runner:
        app = FakeApp(runner.get_loop())
        app.transport, consumer = SimpleNamespace(take=take), app.consumer
        runner.run(consumer.deliver([message_of(LogRecord(0, offset, b"", b"", 0)) for offset in range(4)]))

    assert taken == [0, 1]
