"""The gate before the fold: pauses and rate limits, with a clock that advances only while the gate sleeps."""

import asyncio
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.flow.gate import LOOK_S, PART_S, Gate
from tests.support.builders import LogBuilder, created, hook, recorded, session_id
from tests.support.fakes.warehouse import FakeWarehouse
from tests.support.rigs.projection import pipeline_over

RECORDS = list(range(1_000))


class Case:
    """A gate and its clock; ``log`` has everything that passed, ``alive`` counts the signs of life."""

    def __init__(self, rate: float = 0.0) -> None:
        self.now, self.alive, self.slept_s = 50.0, 0, [0.0]
        self.log: list[int] = []
        self.gate = Gate(lambda: self.now, self._sleep)
        self.gate.rate = rate

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.slept_s.append(seconds)
        self.now += max(seconds, 1e-6)  # like a real clock, it never stands still

    def _live(self) -> None:
        self.alive += 1

    async def wait(self) -> None:
        """Wait as the pipeline does before a part."""
        await self.gate.wait_until_open(self._live)

    async def until(self, moment: float) -> None:
        """Let other tasks run until the clock shows that time."""
        for _ in range(100_000):
            if self.now >= moment:
                return
            await asyncio.sleep(0)
        raise AssertionError(f"it is {self.now}, and nothing waits")

    async def project(self, records: Sequence[int], facts_per_record: int = 1, busy: float = 0.0) -> None:
        """Let a batch pass, as the pipeline does; folding takes this share of a part's time."""
        for part in self.gate.cut(records):
            await self.wait()
            self.log.extend(part)
            if busy:
                self.now += busy * min(PART_S, len(part) * facts_per_record / self.gate.rate)
            self.gate.note_passed(len(part) * facts_per_record, len(part))


async def test_without_a_limit_a_batch_is_one_part_and_passes_at_once() -> None:
    """No time passes."""
    case = Case()

    assert list(case.gate.cut(RECORDS)) == [RECORDS]
    for _ in range(3):
        await case.project(RECORDS)
    assert case.now == 50.0
    assert list(case.gate.cut([])) == []


@given(
    st.floats(0.05, 60),
    st.lists(st.tuples(st.integers(1, 300), st.integers(1, 50)), min_size=1, max_size=8),
    st.floats(0, 0.9),
)
def test_a_rate_holds_over_batches_of_any_size(round_s: float, sizes: list[tuple[int, int]], busy: float) -> None:
    """Over ten seconds or more the rate is met within 1 %, although folding takes some of the time."""
    facts, rounds = sum(records * each for records, each in sizes), math.ceil(10 / round_s)
    case = Case(rate=facts / round_s)

    async def run() -> None:
        for records, each in sizes * rounds:
            await case.project([0] * records, each, busy)
        await case.wait()

    begun = case.now
    asyncio.run(run())

    assert case.now - begun == pytest.approx(rounds * round_s, rel=0.01)
    assert max(case.slept_s) <= LOOK_S


@pytest.mark.parametrize("facts_per_record", [1, 100, 1_000])
async def test_a_start_lets_no_large_part_pass(facts_per_record: int) -> None:
    """Before anything has passed, the gate does not know how many facts a record has."""
    case = Case(rate=1_000.0)

    for part in case.gate.cut(RECORDS):
        await case.wait()
        assert len(part) == 1 or len(part) * facts_per_record <= 1_000 * PART_S
        case.gate.note_passed(len(part) * facts_per_record, len(part))


@given(
    st.lists(st.integers(0, 400), max_size=6),
    st.lists(st.sampled_from([0.0, 1.0, 90.0, 5e4]), min_size=1, max_size=9),
    st.integers(1, 40),
)
def test_no_record_is_lost_or_moved(sizes: list[int], rates: list[float], facts_per_record: int) -> None:
    """The limit may change between two parts of a batch."""
    case, start, batches = Case(), 0, []
    for size in sizes:
        batches.append(list(range(start, start + size)))
        start += size

    async def run() -> None:
        changes = iter(rates * start)
        for batch in batches:
            for part in case.gate.cut(batch):
                assert part
                case.log.extend(part)
                case.gate.note_passed(len(part) * facts_per_record, len(part))
                case.gate.rate = next(changes)

    asyncio.run(run())

    assert case.log == list(range(start))


async def test_a_pause_holds_and_ends() -> None:
    """While it lasts the gate is closed and gives signs of life, so that no watchdog ends the process."""
    case = Case()
    case.gate.is_paused = True
    waiting = asyncio.ensure_future(case.project(RECORDS))
    await case.until(50 + 3600)
    assert not waiting.done()
    assert case.gate.is_closed
    assert case.log == []
    assert case.alive > 3600 / LOOK_S - 2

    case.gate.is_paused = False
    await waiting

    assert case.log == RECORDS
    assert not case.gate.is_closed


async def test_a_limit_that_ends_holds_nothing_back() -> None:
    """A record of many facts would have waited for hours; the limit ends once a replay has caught up."""
    case = Case(rate=1.0)
    await case.project([0], facts_per_record=10_000)
    waiting = asyncio.ensure_future(case.project(RECORDS))
    await case.until(60)
    assert not waiting.done()

    case.gate.rate = 0.0
    await waiting

    assert case.now < 61
    assert case.log == [0, *RECORDS]


async def test_a_higher_limit_holds_from_now_on() -> None:
    """A worker that takes partitions over gets their share of the limit at once."""
    case = Case(rate=1.0)
    await case.project([0], facts_per_record=1_000)

    case.gate.rate = 100.0
    await case.wait()

    assert case.now == pytest.approx(60, abs=2 * LOOK_S)


async def test_time_without_records_is_no_credit() -> None:
    """After an hour without records the limit holds as before."""
    case = Case(rate=1000.0)
    await case.project(RECORDS)
    case.now += 3600
    begun = case.now

    await case.project(RECORDS * 10)
    await case.wait()

    assert case.now - begun == pytest.approx(10, rel=0.05)


async def test_a_cancelled_wait_opens_the_gate() -> None:
    """Otherwise a watchdog would wait indefinitely."""
    case = Case()
    case.gate.is_paused = True
    waiting = asyncio.ensure_future(case.wait())
    await case.until(51)

    waiting.cancel()
    await asyncio.wait([waiting])

    assert not case.gate.is_closed


async def test_a_pipeline_is_busy_while_its_gate_is_closed() -> None:
    """The watchdog counts no time against a paused generation; afterwards it continues from where it was."""
    log = LogBuilder(partitions=1)
    session = session_id(1)
    log.add(created(session), recorded(session, hook("Stop")))
    pipeline = pipeline_over(FakeWarehouse(), log.records, partitions=1)
    pipeline.assign([0])
    pipeline.gate.is_paused = True
    projecting = asyncio.ensure_future(pipeline.project(log.records))
    await asyncio.sleep(0)

    assert pipeline.pace() == "busy"
    assert pipeline.written == {}

    pipeline.gate.is_paused = False
    await (await projecting)

    assert pipeline.pace() == "takes"
    assert pipeline.written == {0: len(log.records)}
