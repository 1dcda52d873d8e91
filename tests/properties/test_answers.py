"""Cached answers: which claims a reply may make, and whose data it contains."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from query_api.answers import ENTRY_BYTES, LIVES_S, Answers, key_of
from store.reading.question import Question


class OfOrg(Struct, frozen=True):
    """Whose rows are requested; a member sees those of one user."""

    org_id: str
    own_user_id: str | None


class SeenRow(Struct, frozen=True):
    """The contents of a table row: its owner, and what was written up to then."""

    org_id: str
    own_user_id: str | None
    generation: str
    content: int
    id: UUID = UUID(int=7)


QUESTION = Question("tests.seen", OfOrg, SeenRow)
ORGS, USERS, GENERATIONS = ("acme", "acme2"), (None, "alice", "bob"), ("g1", "g2")


class World:
    """Tables that grow, a report of how far they are, and a clock."""

    def __init__(self, bytes_max: int) -> None:
        self.now, self.writes, self.reported, self.asked = 0.0, 0, 0, 0
        self.history: list[tuple[float, int, int]] = []  # time, writes, content
        self.content = 0
        self.answers = Answers(bytes_max, clock=lambda: self.now)
        self.changed()

    def changed(self) -> None:
        self.history.append((self.now, self.writes, self.content))

    def write(self) -> None:
        self.writes += 1
        self.content += 1
        self.changed()

    def repair(self) -> None:
        """Change rows, but no offset."""
        self.content += 1000
        self.changed()

    async def read(self, generation: str, params: OfOrg) -> SeenRow:
        async def fresh() -> list[SeenRow]:
            self.asked += 1
            return [SeenRow(params.org_id, params.own_user_id, generation, self.content)]

        key = key_of(generation, {0: self.reported}, 0, QUESTION, params)
        (row,) = await self.answers.get(key, QUESTION, fresh)
        return row

    def allowed(self, claimed: int) -> set[int]:
        """Return the contents that an answer may show if it claims all writes up to ``claimed``."""
        shown = set()
        for number, (_, writes, content) in enumerate(self.history):
            replaced_at = self.history[number + 1][0] if number + 1 < len(self.history) else float("inf")
            if writes >= claimed and self.now - replaced_at < LIVES_S:
                shown.add(content)
        return shown


reads = st.tuples(st.sampled_from(GENERATIONS), st.builds(OfOrg, st.sampled_from(ORGS), st.sampled_from(USERS)))
steps = st.lists(st.one_of(st.sampled_from(["write", "report", "repair"]), st.floats(0.05, 0.7), reads), max_size=60)


@given(steps, st.sampled_from([0, 3 * (ENTRY_BYTES + 100), 1 << 20]))
def test_a_remembered_answer_is_one_that_could_be_given(taken: list[Any], bytes_max: int) -> None:
    """It has the caller's org, user and generation, everything claimed, and nothing replaced more than a second ago."""

    async def run() -> None:
        world = World(bytes_max)
        for step in taken:
            if step == "write":
                world.write()
            elif step == "report":
                world.reported = world.writes
            elif step == "repair":
                world.repair()
            elif isinstance(step, float):
                world.now += step
            else:
                generation, params = step
                row = await world.read(generation, params)
                assert (row.generation, row.org_id, row.own_user_id) == (generation, params.org_id, params.own_user_id)
                assert row.content in world.allowed(world.reported)
                assert world.answers.bytes <= bytes_max

    asyncio.run(run())


@given(st.lists(st.sampled_from(["write", "read"]), max_size=30))
def test_where_all_is_reported_remembered_and_fresh_are_equal(taken: list[str]) -> None:
    """Every write that is reported at once is in the next answer, however many answers are cached."""

    async def run() -> None:
        world = World(1 << 20)
        for step in taken:
            if step == "write":
                world.write()
                world.reported = world.writes
            else:
                row = await world.read("g1", OfOrg("acme", None))
                assert row == SeenRow("acme", None, "g1", world.content)

    asyncio.run(run())


def test_a_repair_is_hidden_for_less_than_a_second() -> None:
    """It changes rows without a new offset."""

    async def run() -> None:
        world, params = World(1 << 20), OfOrg("acme", None)
        before = await world.read("g1", params)
        world.repair()
        world.now += LIVES_S - 0.01
        assert await world.read("g1", params) == before
        world.now += 0.01
        assert (await world.read("g1", params)).content == 1000

    asyncio.run(run())


class Slow:
    """A store that answers when the test says so."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.begun = self.ended = 0
        self.go_on = asyncio.Event()
        self.error: Exception | None = None

    async def fresh(self) -> list[SeenRow]:
        self.begun += 1
        try:
            await self.go_on.wait()
        finally:
            self.ended += 1
        if self.error is not None:
            raise self.error
        return [SeenRow("acme", None, "g1", self.begun)]

    def ask(self, key: bytes | None = b"key") -> "asyncio.Task[list[SeenRow]]":
        ask: Callable[[], Awaitable[list[SeenRow]]] = self.fresh
        return asyncio.create_task(self.answers.get(key, QUESTION, ask))


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_equal_questions_are_asked_once_and_outlive_a_caller() -> None:
    """If callers leave, even the first one, the others still get the answer."""
    store = Slow()
    first, second, third = store.ask(), store.ask(), store.ask()
    await settle()
    first.cancel(), third.cancel()
    await settle()
    store.go_on.set()

    assert await second == [SeenRow("acme", None, "g1", 1)]
    assert await store.ask() == await second
    assert store.begun == 1


async def test_a_question_ends_with_its_last_caller() -> None:
    """It no longer takes a turn of the store, and the next caller asks again."""
    store = Slow()
    callers = [store.ask(), store.ask()]
    await settle()
    for caller in callers:
        caller.cancel()
    await settle()
    assert (store.begun, store.ended) == (1, 1)

    store.go_on.set()
    assert await store.ask() == [SeenRow("acme", None, "g1", 2)]


async def test_an_error_reaches_each_caller_and_is_not_remembered() -> None:
    """The next caller asks again."""
    store = Slow()
    store.error = RuntimeError("away")
    callers = [store.ask(), store.ask()]
    await settle()
    store.go_on.set()
    for caller in callers:
        with pytest.raises(RuntimeError, match="away"):
            await caller

    store.error = None
    assert await store.ask() == [SeenRow("acme", None, "g1", 2)]


async def test_without_a_key_nothing_is_shared() -> None:
    """Nothing is known to be visible, so each caller asks."""
    store = Slow()
    store.go_on.set()

    await asyncio.gather(store.ask(None), store.ask(None))

    assert store.begun == 2
    assert key_of("g1", {}, 0, QUESTION, OfOrg("acme", None)) is None
