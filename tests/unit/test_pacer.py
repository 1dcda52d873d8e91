"""When a batch begins: a full one at once, another after a pause and within its budget."""

import asyncio
from collections.abc import Awaitable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.flow import pacer as module
from processors.flow.backlog import Backlog
from processors.flow.pacer import AHEAD, PAUSE_S_MAX, SHARING_FACTS, Pacer


def paced(batches: Sequence[int], every_s: float, took_s: float = 0.0, wait_s: float = 1.0) -> list[float]:
    """Return when batches of that many events began, if the next events came ``every_s`` after the last."""
    now = [0.0]
    pacer, began = Pacer(wait_s, lambda: now[0]), []
    for number, facts in enumerate(batches):
        now[0] = max(now[0], number * every_s)
        now[0] += max(0.0, pacer.left_s())
        began.append(now[0])
        now[0] += took_s
        pacer.note_written(facts, took_s)
    return began


async def at_once(is_full: Awaitable[object]) -> None:
    """Let any batch begin."""
    await Pacer(0.0).wait_to_begin(is_full, asyncio.sleep(0))


async def never(is_full: Awaitable[object]) -> None:
    """Let only a full batch begin."""
    await Pacer().wait_to_begin(is_full, asyncio.Event().wait())


def test_the_first_batches_begin_at_once() -> None:
    """What a user does by hand is visible at once."""
    assert paced([1] * AHEAD, every_s=0.01) == pytest.approx([n * 0.01 for n in range(AHEAD)])


def test_in_the_long_run_a_batch_of_one_event_takes_its_time() -> None:
    """However many could begin, the number of parts per second and table is limited."""
    began = paced([1] * 200, every_s=0.0)

    share = SHARING_FACTS / (SHARING_FACTS + 1)
    assert began[-1] == pytest.approx((200 - AHEAD) * share, abs=1.0)
    assert began[-1] - began[-2] == pytest.approx(share)


@given(rate=st.floats(1, 10_000), wait_s=st.floats(0.1, 10))
@settings(deadline=None)
def test_more_events_make_fewer_parts_an_event(rate: float, wait_s: float) -> None:
    """Events come steadily, and a batch takes all waiting ones: batches grow in number with the root of the rate."""
    now, done, parts = 0.0, 0.0, 0
    pacer = Pacer(wait_s, lambda: now)
    while parts < 400:
        now = max(now + max(0.0, pacer.left_s()), (done + 1) / rate)
        facts = int(now * rate - done)
        pacer.note_written(facts, 0.0)
        done, parts = done + facts, parts + 1

    most = (rate / (wait_s * SHARING_FACTS)) ** 0.5 + 1 / wait_s
    assert (parts - AHEAD) / now <= 1.2 * most + 1e-6


def test_a_batch_leaves_time_to_others() -> None:
    """The shortest recent batch says what a batch costs; one long write is no reason to wait."""
    assert paced([1_000] * 3, every_s=0.0, took_s=0.2, wait_s=0.0) == pytest.approx([0.0, 0.4, 0.8])

    now = [0.0]
    pacer = Pacer(0.0, lambda: now[0])
    for took_s in (0.2, 5.0):
        now[0] += took_s
        pacer.note_written(1_000, took_s)
        assert pacer.left_s() == pytest.approx(0.2)
    for _ in range(module.LATEST):
        pacer.note_written(1_000, 5.0)
    assert pacer.left_s() == pytest.approx(PAUSE_S_MAX)


@pytest.mark.parametrize("workers", [1.0, 2.0, 2.5])
def test_several_workers_make_no_more_batches_than_one(workers: float) -> None:
    """If there are n workers, each batch begins n times as late after the previous one."""
    pacer = Pacer(0.0, lambda: 0.0)
    pacer.note_written(1_000, 0.1, workers)

    assert 0.1 + pacer.left_s() == pytest.approx(workers * (0.1 + 0.1))


async def test_a_batch_waits_for_the_write_before_it() -> None:
    """Then comes its pause; a full one begins in the middle of the write."""
    pacer, drained, full = Pacer(0.0), asyncio.Event(), asyncio.Event()
    small = asyncio.create_task(pacer.wait_to_begin(asyncio.Event().wait(), drained.wait()))
    other = asyncio.create_task(pacer.wait_to_begin(full.wait(), drained.wait()))

    full.set()
    await asyncio.wait_for(other, 5)
    assert not small.done()
    pacer.note_written(1, 0.0)
    drained.set()
    await asyncio.wait_for(small, 5)


async def test_what_ends_the_wait_for_more_is_raised() -> None:
    """It is not lost in a task, and neither is the error that stopped the previous write."""

    async def fails() -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await Pacer().wait_to_begin(fails(), asyncio.Event().wait())
    with pytest.raises(OSError, match="gone"):
        await Pacer().wait_to_begin(asyncio.Event().wait(), fails())


async def test_a_backlog_is_taken_whole_and_in_order() -> None:
    """This includes records added while it waited for its turn."""
    backlog, drained = Backlog[int](100, 1 << 20), asyncio.Event()
    await backlog.put(1, 10)
    taking = asyncio.create_task(backlog.take(lambda is_full: Pacer(0.0).wait_to_begin(is_full, drained.wait())))
    await asyncio.sleep(0)
    await backlog.put(2, 10)
    assert not taking.done()

    drained.set()

    assert await asyncio.wait_for(taking, 5) == [1, 2]


async def test_a_full_backlog_is_taken_while_a_batch_is_written() -> None:
    """Full by records, and full by bytes."""
    backlog = Backlog[int](2, 100)
    for sizes in ([1, 1], [100]):
        for size in sizes:
            await backlog.put(size, size)
        assert await asyncio.wait_for(backlog.take(never), 5) == sizes


@pytest.mark.parametrize(("records_max", "bytes_max", "fits"), [(3, 1 << 20, 3), (100, 25, 3)])
async def test_a_full_backlog_lets_nothing_in(records_max: int, bytes_max: int, fits: int) -> None:
    """So Faust and its consumer stop fetching; the record that exceeds the bytes is still accepted."""
    backlog = Backlog[int](records_max, bytes_max)

    async def fill() -> None:
        for number in range(10):
            await backlog.put(number, 10)

    filling = asyncio.create_task(fill())
    await asyncio.sleep(0.01)
    taken = await backlog.take(at_once)
    assert taken == list(range(fits))
    for _ in range(20):
        if filling.done():
            break
        taken += await backlog.take(at_once)
        await asyncio.sleep(0)
    assert taken + ([] if len(taken) == 10 else await backlog.take(at_once)) == list(range(10))
