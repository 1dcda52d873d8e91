"""Freshness as readers report it, and waiting for a position."""

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ApiError
from query_api.freshness import (
    HELD_S,
    POLL_S,
    PROGRESS,
    Freshness,
    PartitionProgressRow,
    Source,
    parse_positions,
    snapshot_of,
)
from schemas.log.position import Position
from store.generations import Generation
from store.reading.errors import NotYetVisible
from store.reading.question import NoParams
from store.reading.reader import Row, answer

G1 = Generation("g1", 2)


class FakeReader:
    """A reader that returns only progress, which advances by one at each read from the third on."""

    def __init__(self) -> None:
        self.looks = 0

    async def live(self) -> Generation:
        return G1

    async def query(self, generation: Generation, name: str, params: Mapping[str, object]) -> list[Row]:
        self.looks += 1
        projected = max(0, self.looks - 2)
        return [
            {
                "log_partition": partition,
                "projected": projected,
                "log_end": 9,
                "complete_ms": self.looks,
                "age_ms": 0,
                "rolled_up": max(0, projected - 2),
                "rolled_up_ms": 0,
            }
            for partition in (0, 1)
        ]

    async def control(self, name: str, params: Mapping[str, object]) -> list[Row]:
        raise AssertionError(f"a snapshot does not need {name}")


class SlowReader(FakeReader):
    """The same, but the first read starts at once, and it answers while ``answers`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answers = asyncio.Event(), asyncio.Event()
        self.answers.set()

    async def query(self, generation: Generation, name: str, params: Mapping[str, object]) -> list[Row]:
        rows = await super().query(generation, name, params)
        self.asked.set()
        await self.answers.wait()
        return rows


rows = st.lists(
    st.builds(
        PartitionProgressRow,
        st.integers(0, 9),
        st.integers(0, 100),
        st.integers(0, 100),
        st.integers(1, 1 << 42),
        st.just(0),
        st.integers(0, 100),
        st.integers(0, 1 << 42),
    ),
    unique_by=lambda row: row.log_partition,
)


@given(rows, st.integers(0, 5))
def test_no_more_is_claimed_than_every_partition_says(progress: list[PartitionProgressRow], partitions: int) -> None:
    """`complete_through` is the earliest of all partitions, empty before all have reported; lag is never below 0."""
    seen = snapshot_of(Generation("g1", partitions), progress)

    assert all(seen.tables.complete_through <= row.complete_ms for row in progress)
    assert all(seen.rollups.complete_through <= row.rolled_up_ms for row in progress)
    assert len(progress) >= max(1, partitions) or seen.tables.complete_through == seen.rollups.complete_through == 0
    assert seen.tables.lag_records == sum(max(0, row.log_end - row.projected) for row in progress)
    assert seen.rollups.lag_records == sum(max(0, row.log_end - row.rolled_up) for row in progress)


async def test_readers_at_the_same_time_share_a_look() -> None:
    """A snapshot is reused while it is young, and concurrent readers share one query."""
    reader = FakeReader()
    freshness = Freshness(reader)

    snapshots = await asyncio.gather(*(freshness.snapshot() for _ in range(20)))

    assert len(set(map(id, snapshots))) == 1
    assert reader.looks == 1


@pytest.mark.parametrize(("source", "looks"), [("tables", 4), ("rollups", 6)])
async def test_all_who_wait_share_the_looks(source: Source, looks: int) -> None:
    """Waiting ends when all positions are visible; many callers that wait cause no more reads than one."""
    reader = FakeReader()
    freshness = Freshness(reader)
    positions = [Position(0, 0), Position(1, 1)]

    seen = await asyncio.gather(*(freshness.when_visible(positions, source) for _ in range(20)))

    assert all(snapshot.of(source).shows(positions) for snapshot in seen)
    assert reader.looks == looks


async def test_whoever_waits_looks_when_told_and_not_before() -> None:
    """With a projector in the process nobody polls, and a look from before the call does not count."""
    reader = FakeReader()
    freshness = Freshness(reader, poll_s=60.0)
    waiting = [asyncio.create_task(freshness.when_visible([Position(0, 1)], "tables")) for _ in range(3)]

    looks = []
    while not all(task.done() for task in waiting):
        await asyncio.sleep(0.02)
        looks.append(reader.looks)
        freshness.look_again()

    assert looks == [1, 2, 3, 4]


@pytest.mark.parametrize("position", [Position(0, 1_000), Position(2, 0)])
async def test_waiting_ends_in_any_case(position: Position) -> None:
    """A position that is not reached in time, or whose partition does not exist, is not visible yet."""
    with pytest.raises(NotYetVisible):
        await Freshness(FakeReader(), wait_s=0.1).when_visible([position], "tables")


def test_the_header_holds_one_or_several_positions() -> None:
    """Values are separated by commas, or come in several headers."""
    assert parse_positions(["0:17, 2:3", "1:0"]) == [Position(0, 17), Position(2, 3), Position(1, 0)]


@pytest.mark.parametrize("value", ["", "1", "1:", ":1", "a:1", "1:-1", "1:1,", "0:1;1:2", "1:99999999999999999999"])
def test_a_malformed_header_is_refused(value: str) -> None:
    """A value that is no position is a 422 that names the header."""
    with pytest.raises(ApiError) as refused:
        parse_positions([value])

    assert refused.value.status == 422
    assert "X-Wait-For-Position" in refused.value.details


async def test_an_answer_of_another_shape_is_our_fault_and_not_the_caller_s() -> None:
    """A mismatch of SQL and row struct is not a validation error of the request, which would be a 422."""

    class Odd(FakeReader):
        async def query(self, generation: Generation, name: str, params: Mapping[str, object]) -> list[Row]:
            return [{"log_partition": "zero"}]

    with pytest.raises(TypeError, match=r"progress\.sql"):
        await answer(Odd(), G1, PROGRESS, NoParams())


async def test_requests_share_a_held_snapshot_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """All callers that wait share one read, and the next one follows when its time is over."""
    now = 100.0
    monkeypatch.setattr("query_api.freshness.monotonic", lambda: now)
    freshness = Freshness(FakeReader())

    first = await asyncio.gather(*(freshness.held("/sessions?") for _ in range(5)))
    now += HELD_S - 0.01
    await freshness.snapshot(0)
    again = await freshness.held("/sessions?")
    now += POLL_S
    later = await freshness.held("/sessions?")

    assert all(each is first[0] for each in (*first, again))
    assert later.tables.complete_through > again.tables.complete_through


class DistantReader(FakeReader):
    """A store behind a slow network: each read takes longer than a snapshot is valid."""

    async def query(self, generation: Generation, name: str, params: Mapping[str, object]) -> list[Row]:
        await asyncio.sleep(HELD_S + 0.1)
        return await super().query(generation, name, params)


@pytest.mark.parametrize("asked", ["held", "snapshot"])
async def test_readers_of_a_slow_store_share_its_looks(asked: str) -> None:
    """Those that arrive during a read share the next one: no reader waits for more than two."""
    reader = DistantReader()
    freshness = Freshness(reader)

    async def ask(number: int) -> None:
        await asyncio.sleep(number * 0.02)
        await (freshness.held(f"/sessions?{number}") if asked == "held" else freshness.snapshot())

    await asyncio.gather(*(ask(number) for number in range(30)))

    assert reader.looks == 2


async def test_different_questions_let_go_at_different_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a dashboard's queries do not all reach the store at once."""
    now = 100.0
    monkeypatch.setattr("query_api.freshness.monotonic", lambda: now)
    freshness = Freshness(FakeReader())
    questions = [f"/sessions?page={number}" for number in range(20)]

    held = {}
    for question in questions:
        held[question] = await freshness.held(question)
        now += HELD_S / len(questions)
    now += 0.001
    renewed = [question for question in questions if await freshness.held(question) is not held[question]]

    assert 0 < len(renewed) < len(questions) / 2


async def test_nobody_is_shown_less_than_a_caller_who_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    """This includes a snapshot that was under way when a caller was shown more."""
    now = 100.0
    monkeypatch.setattr("query_api.freshness.monotonic", lambda: now)
    reader = SlowReader()
    freshness = Freshness(reader)
    before = await freshness.held("/sessions?")
    now += HELD_S + 0.01
    reader.asked.clear()
    reader.answers.clear()
    on_its_way = asyncio.ensure_future(freshness.held("/sessions?"))
    await reader.asked.wait()
    freshness.let_go()
    reader.answers.set()
    late = await on_its_way
    now += HELD_S / 2
    shown = await freshness.snapshot(0)

    for question in ("/sessions?", "/sessions?page=2"):
        assert await freshness.held(question) is shown
    assert shown.tables.complete_through > max(before.tables.complete_through, late.tables.complete_through)
