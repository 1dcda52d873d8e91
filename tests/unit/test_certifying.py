"""When erasures are certified: after a sweep and a clean check of every generation, and only below what was read."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generations.certifying import AGAIN_AFTER_S, Certifier, SpreadReads, is_check_due, partitions_found_again
from ingest.log.tiered import Copy
from processors.marks.progress import PartitionLag
from processors.sweeping import Sweeper
from processors.warehouse import SweptMarks
from query_api.erasure.checks import ErasureCheckRow, Left, LeftInLog, certified_below
from schemas.log.position import LogRecord, LogUnavailable
from store.errors import StoreUnavailable
from store.generations import Generation, KnownGeneration
from store.reading.reader import Reader
from tests.support.builders import ORG, LogBuilder, created, records_erased, session_id

GONE = session_id(0)
NOTHING = Left({}, [], [])
DAY_US = int(AGAIN_AFTER_S * 1e6)
offsets = st.integers(0, 5)


def row(*clean_below: int, generation: str = "g1", began_us: int = 10, left: Left = NOTHING) -> ErasureCheckRow:
    report = msgspec.json.encode(left).decode()
    return ErasureCheckRow(generation, began_us, began_us // 1000, [*clean_below], [*clean_below], report)


def known(name: str, **more: bool) -> KnownGeneration:
    return KnownGeneration(Generation(name, 2), **more)


@given(
    swept=st.dictionaries(st.integers(0, 2), offsets),
    found=st.dictionaries(st.integers(0, 2), offsets),
    parts=st.booleans(),
)
def test_an_erasure_is_clean_only_if_it_is_swept_and_nothing_of_it_or_an_earlier_one_is_left(
    swept: dict[int, int], found: dict[int, int], parts: bool
) -> None:
    """A part with deleted rows may hold rows of any session."""
    clean = Left({}, ["tasks.all_1_1_0"] if parts else [], [], found).clean_below(swept, 3)

    for partition, offset in ((partition, offset) for partition in range(3) for offset in range(6)):
        is_swept, is_left = offset < swept.get(partition, 0), found.get(partition, 9) <= offset
        assert (offset < clean[partition]) == (is_swept and not is_left and not parts)


def test_every_generation_that_exists_must_be_clean() -> None:
    """One that lags, or was never checked, holds the certificate back; one that is dropped does not."""
    g1, g2 = row(9, 4), row(7, 6, generation="g2")

    def below(generations: list[KnownGeneration], *checks: ErasureCheckRow) -> list[int]:
        return [certified_below(generations, checks, partition) for partition in range(3)]

    assert below([known("g1")], g1) == [9, 4, 0]
    assert below([known("g1"), known("g2")], g1, g2) == [7, 4, 0]
    assert below([known("g1"), known("g2")], g1) == [0, 0, 0]
    assert below([known("g1"), known("g2", is_dropped=True)], g1) == [9, 4, 0]
    assert below([], g1) == [0, 0, 0]


@pytest.mark.parametrize(
    ("swept", "last", "is_due"),
    [
        (SweptMarks({}, 0, 50), None, False),
        (SweptMarks({0: 3}, 5, 50), None, True),
        (SweptMarks({0: 3}, 5, 50), row(3), False),
        (SweptMarks({0: 3}, 5, DAY_US * 9), row(3), False),
        (SweptMarks({0: 3, 1: 1}, 5, 50), row(3, 0), False),
        (SweptMarks({0: 3, 1: 1}, 20, 50), row(3, 0), True),
        (SweptMarks({0: 3, 1: 1}, 5, DAY_US), row(3, 0), False),
        (SweptMarks({0: 3, 1: 1}, 5, DAY_US + 11), row(3, 0), True),
    ],
)
def test_a_check_is_due_after_a_sweep_and_then_once_a_day(
    swept: SweptMarks, last: ErasureCheckRow | None, is_due: bool
) -> None:
    """None is due while everything that is swept is certified."""
    assert is_check_due(swept, last) == is_due


@pytest.mark.parametrize(
    ("left", "certified_once", "at_us", "found"),
    [
        (Left({}, [], [], {0: 2}), 2, 5, 0),
        (Left({}, [], [], {0: 1}), 2, 5, 1),
        (Left({}, [], [], {0: 2}, {0: 2}), 2, 5, 1),
        (Left({}, [], [], {0: 3}, {0: 3}), 2, 5, 0),
        (Left({}, [], [], {0: 2}, {0: 2}), 2, 20, 0),
        (Left({}, ["tasks.all_1_1_0"], []), 2, 5, 0),
    ],
)
def test_rows_of_swept_sessions_and_anything_certified_should_not_be_found(
    left: Left, certified_once: int, at_us: int, found: int
) -> None:
    """Records of a swept erasure may be in a topic; rows that a later sweep removed were to be expected."""
    last = msgspec.structs.replace(row(0, left=left), certified_once=[certified_once])

    assert len(partitions_found_again(SweptMarks({0: 3}, at_us, 50), last)) == found


class Rig:
    """A store, a log and a control database in memory, with one erased session, in place of all that a check reads."""

    def __init__(self) -> None:
        self.now_us, self.is_erased_s = 1_000, 0.0
        self.rows: list[ErasureCheckRow] = []
        self.swept_below, self.swept_at, self.sweeps = dict[int, int](), 0, 0
        self.left: dict[str, list[Any]] = {}
        log = LogBuilder(1)
        log.add(created(GONE), records_erased(0, GONE, partitions=1))
        self.record, self.erasure = log.records
        self.reads = list[int]()
        self.written = {0: 1}
        self.lag_s: float | None = 0.0
        self.while_reading: Callable[[], None] = lambda: None

    def certifier(self, rewrites_log: bool = True) -> Certifier:
        sweeper = cast(Sweeper, SimpleNamespace(turn=asyncio.Lock(), sweep_if_due=self.sweep_if_due, sweep=self.sweep))
        sweeper.rewrites_log = rewrites_log
        projector = SimpleNamespace(pipeline=self, progress=self, warehouse=self, sweeper=sweeper)

        async def starts() -> list[int]:
            return [0]

        return Certifier(
            cast(Any, projector), cast(Reader, self), Generation("g1", 1), [Copy("log", cast(Any, self), starts)]
        )

    async def sweep_if_due(self) -> None:
        if self.is_erased_s > 86_400 and not self.swept_below:
            await self.sweep(None)

    async def sweep(self, _report: object) -> None:
        self.now_us += 1
        self.sweeps += 1
        self.left, self.swept_below, self.swept_at = {}, {0: 2}, self.now_us

    def swept(self) -> SweptMarks:
        self.now_us += 1
        return SweptMarks(self.swept_below, self.swept_at, self.now_us)

    def left_of_erased(self) -> dict[str, list[Any]]:
        return self.left

    def first_erasures(self, _partition: int) -> dict[Any, int]:
        return {(ORG, GONE): 1}

    def parts_with_deleted(self) -> frozenset[tuple[str, str]]:
        return frozenset()

    def uncertified_s(self, clean_below: list[int]) -> float:
        return 0.0 if clean_below == [2] else self.is_erased_s

    def lags(self) -> list[PartitionLag]:
        return [PartitionLag(0, 0, self.lag_s)]

    async def ends(self) -> list[int]:
        return [2]

    async def read(self, _partition: int, start: int, _stop: int, bytes_max: int) -> list[LogRecord]:
        self.reads.append(bytes_max)
        self.while_reading()
        return [(self.record, self.erasure)[start]]

    async def control(self, name: str, params: Any) -> list[dict[str, Any]]:
        if name == "query_api.erasure.checks":
            once = [max(below) for below in zip(*(row.clean_below for row in self.rows), strict=True)]
            last = self.rows[-1:]
            return [msgspec.structs.asdict(msgspec.structs.replace(row, certified_once=once)) for row in last]
        below, began_us = params["clean_below"], params["began_us"]
        self.rows.append(ErasureCheckRow(params["generation"], began_us, 0, below, below, params["report"]))
        return []


async def test_erasures_are_swept_and_checked_by_themselves_until_nothing_is_left() -> None:
    """Nothing happens before a day is over; then once a day as long as a record is left, and never again after that."""
    rig = Rig()
    certifier, history = rig.certifier(), []
    for age_s, now_us in ((9, 2_000), (86_401, 3_000), (86_500, 4_000), (172_901, DAY_US + 9_000)):
        rig.is_erased_s, rig.now_us = age_s, now_us
        await certifier.look()
        history.append((rig.sweeps, [check.clean_below for check in rig.rows]))
    rig.record = rig.record._replace(value=b"no record")
    for day in (2, 3, 4):
        rig.now_us = day * DAY_US + 90_000
        await certifier.look()
        history.append((rig.sweeps, [check.clean_below for check in rig.rows]))

    left = [[1], [1]]
    assert history == [(0, []), (1, [[1]]), (1, [[1]]), (2, left), *[(3, [*left, [2]])] * 3]
    report = msgspec.json.decode(rig.rows[0].report, type=Left)
    assert report.logs == [LeftInLog("log", 1, "0:0", ((0, 2),))]


async def test_a_check_that_finds_something_later_reopens_what_was_certified() -> None:
    """Its rows are swept again a day later, also where a sweep does not rewrite the log."""
    rig = Rig()
    rig.record, rig.is_erased_s = rig.record._replace(value=b"no record"), 90_000
    certifier, seen = rig.certifier(rewrites_log=False), []
    await certifier.look()
    seen.append(certifier.seen)
    rig.left = {"tasks": [(ORG, GONE)]}
    await certifier.check(lambda *_: None)
    await certifier.look()
    seen.append(certifier.seen)
    rig.now_us += DAY_US + 1
    await certifier.look()
    seen.append(certifier.seen)

    assert [check.clean_below for check in rig.rows] == [[2], [1], [2]]
    assert rig.sweeps == 2
    assert seen == [(0.0, 0), (90_000, 1), (0.0, 0)]


async def test_what_is_swept_while_a_check_reads_is_left_to_the_next() -> None:
    """A worker that was suspended may believe that it sweeps, too."""
    rig = Rig()
    rig.record, rig.swept_below = rig.record._replace(value=b"no record"), {0: 1}

    def sweep() -> None:
        rig.swept_below = {0: 2}

    rig.while_reading = sweep
    await rig.certifier().check(lambda *_: None)

    assert [check.clean_below for check in rig.rows] == [[1]]


async def test_a_generation_is_checked_once_it_has_caught_up() -> None:
    """Until then it is swept, but each check would read the whole log for a few more erasures."""
    rig = Rig()
    rig.is_erased_s, rig.lag_s, certifier = 90_000, None, rig.certifier()
    await certifier.look()
    before, rig.lag_s = len(rig.rows), 3.0
    await certifier.look()

    assert (rig.sweeps, before, len(rig.rows)) == (1, 0, 1)


async def test_a_topic_is_checked_again_without_another_sweep() -> None:
    """Only a keeper removes records from it."""
    rig = Rig()
    rig.is_erased_s, certifier = 90_000, rig.certifier(rewrites_log=False)
    for _ in range(3):
        await certifier.look()
        rig.now_us += DAY_US + 1

    assert (rig.sweeps, len(rig.rows)) == (1, 3)


async def test_a_check_by_itself_reads_small_pieces_and_pauses() -> None:
    """So the projection in the same process goes on; a check on request reads as fast as it can."""
    rig = Rig()
    rig.is_erased_s, certifier = 90_000, rig.certifier()
    await certifier.look()
    by_itself, rig.reads = rig.reads, []
    await certifier.check(lambda *_: None)

    assert (max(by_itself), min(rig.reads)) == (256 << 10, 4 << 20)


async def test_reads_are_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause before a piece is as long as the last one took, up to a second."""
    slept, clock = [], iter([0.0, 0.0, 0.0, 0.3, 0.3, 9.0, 9.0])

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))

    monkeypatch.setattr("generations.certifying.time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr("generations.certifying.asyncio", SimpleNamespace(sleep=sleep))
    reads = SpreadReads(cast(Any, Rig()))
    for _ in range(3):
        await reads.read(0, 0, 2, 1)

    assert slept == [0.0, 0.3, 1.0]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ZeroDivisionError(), [60, 3_660, 7_260]),
        (LogUnavailable(), [60, 3_660, 7_260]),
        (StoreUnavailable(), [*range(60, 9_001, 60)]),
    ],
)
async def test_a_projector_goes_on_if_a_look_fails(
    error: Exception, expected: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tries again in an hour, or in a minute if the store was away; a projector without partition 0 does nothing."""
    now, looks = [0.0], list[float]()
    certifier = Rig().certifier()

    async def look() -> None:
        looks.append(now[0])
        raise error

    async def sleep(seconds: float) -> None:
        now[0] += seconds
        if now[0] > 9_000:
            raise EOFError

    monkeypatch.setattr(certifier, "look", look)
    monkeypatch.setattr("generations.certifying.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr("generations.certifying.asyncio", SimpleNamespace(sleep=sleep))
    for written in ({0: 1}, {1: 1}):
        now[0], certifier._pipeline.written, certifier.seen = 0.0, written, (1.0, 0)
        with pytest.raises(EOFError):
            await certifier.run()

    assert looks == expected
    assert certifier.seen is None
