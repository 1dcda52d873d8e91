"""Fair turns: a few turns shared by many orgs."""

import asyncio
import threading
from contextlib import suppress
from typing import Any

import pytest

from store.generations import Generation
from store.reading.fairness import ABOUT_S, FairTurns
from store.reading.reader import Allowed, ClickHouseReader
from tests.support.waiting import eventually

MANY = 60


class Visitors:
    """Callers that keep their turns until released, and the order in which they got them."""

    def __init__(self, turns: FairTurns) -> None:
        self._turns = turns
        self.served: list[str] = []

    def come(self, asker: str, number: int = 1) -> "list[asyncio.Future[None]]":
        """Start this many callers, which wait for a turn."""
        return [asyncio.ensure_future(self._wait(asker)) for _ in range(number)]

    async def _wait(self, asker: str) -> None:
        await self._turns.take(asker)
        self.served.append(asker)


async def settle() -> None:
    """Let all tasks run as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_no_org_has_all_turns() -> None:
    """One turn is left for the next org, which gets it at once."""
    turns = FairTurns(4, of_one=3)
    visitors = Visitors(turns)
    visitors.come("busy", MANY)
    await settle()
    assert visitors.served == ["busy"] * 3

    visitors.come("other")
    await settle()
    assert visitors.served[3:] == ["other"]


async def test_the_service_itself_finds_a_turn_whatever_orgs_want() -> None:
    """Orgs together leave it one turn, even while it has one already."""
    turns = FairTurns(5, of_one=3, reserved=1)
    visitors = Visitors(turns)
    for org in ("a", "b", "c"):
        visitors.come(org, MANY)
    await settle()
    assert len(visitors.served) == 4

    visitors.come("")
    await settle()
    assert visitors.served[4:] == [""]

    turns.give_back(visitors.served[0])
    await settle()
    assert len(visitors.served) == 5
    visitors.come("")
    await settle()
    assert visitors.served[5:] == [""]


async def test_orgs_come_one_after_the_other_however_much_each_wants() -> None:
    """The org with the fewest turns in use is next; among equal orgs, the one whose last turn is longest ago."""
    turns = FairTurns(1, of_one=1)
    visitors = Visitors(turns)
    for asker, number in (("busy", MANY), ("a", 2), ("b", 1)):
        visitors.come(asker, number)
    await settle()
    for _ in range(5):
        turns.give_back(visitors.served[-1])
        await settle()

    assert visitors.served == ["busy", "a", "b", "busy", "a", "busy"]


async def test_the_fewest_under_way_come_first() -> None:
    """An org with a turn waits behind an org without one, even if it asked first."""
    turns = FairTurns(3, of_one=2)
    visitors = Visitors(turns)
    visitors.come("busy", MANY)
    await settle()
    visitors.come("a")
    await settle()
    visitors.come("b")
    await settle()
    turns.give_back("busy")
    await settle()

    assert visitors.served == ["busy", "busy", "a", "b"]


async def test_each_org_has_one_turn_while_another_is_about() -> None:
    """Turns share the processors. An org that asked a moment ago waits for one query of another, not for three."""
    now = 100.0
    turns = FairTurns(4, of_one=3, clock=lambda: now)
    visitors = Visitors(turns)
    visitors.come("other")
    await settle()
    turns.give_back("other")

    visitors.come("busy", MANY)
    await settle()
    assert visitors.served[1:] == ["busy"]

    now += ABOUT_S + 0.1
    turns.give_back("busy")
    await settle()
    assert visitors.served[1:] == ["busy"] * 4

    visitors.come("other", 2)
    await settle()
    assert visitors.served[5:] == ["other"]
    turns.give_back("busy")
    await settle()
    assert visitors.served[5:] == ["other"]
    turns.give_back("other")
    await settle()
    assert visitors.served[5:] == ["other", "other"]


async def test_who_gives_up_while_waiting_leaves_no_trace() -> None:
    """A caller that is cancelled in the queue, or as it receives the turn, passes the turn on."""
    turns = FairTurns(1, of_one=1)
    visitors = Visitors(turns)
    visitors.come("first")
    await settle()
    early, late, last = visitors.come("early")[0], visitors.come("late")[0], visitors.come("last")[0]
    await settle()
    early.cancel()
    turns.give_back("first")
    late.cancel()  # it has received its turn, but hasn't run since
    await settle()

    assert visitors.served == ["first", "last"]
    assert (early.cancelled(), late.cancelled(), last.done()) == (True, True, True)


class StuckClient:
    """A client that answers its queries when the test releases them."""

    def __init__(self, asked: list[str], go_on: threading.Event) -> None:
        self._asked, self._go_on, self.database = asked, go_on, ""

    def query(self, _sql: str, params: dict[str, Any], **_options: object) -> Any:
        self._asked.append(params["org_id"])
        assert self._go_on.wait(20)
        return self

    def named_results(self) -> list[dict[str, Any]]:
        return []

    def close(self) -> None:
        pass


async def test_an_abandoned_question_keeps_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread is still busy, so another org's query runs on a free thread and does not queue behind it."""
    asked: list[str] = []
    go_on = threading.Event()
    reader = ClickHouseReader(lambda: StuckClient(asked, go_on), pool_size=2)  # type: ignore[arg-type,return-value]
    reader._allowed = Allowed({}, frozenset())  # its user's profile is known
    monkeypatch.setattr("store.reading.reader.statement_without", lambda name, _absent: name)
    try:
        ask = lambda org: asyncio.ensure_future(reader.query(Generation("g1", 1), "q", {"org_id": org}))  # noqa: E731
        given_up, waiting = ask("busy"), ask("busy")
        await eventually_asked(asked, ["busy"])
        given_up.cancel()
        with suppress(asyncio.CancelledError):
            await given_up
        other = ask("other")
        await eventually_asked(asked, ["busy", "other"])
        go_on.set()

        assert (await waiting, await other, asked) == ([], [], ["busy", "other", "busy"])
    finally:
        go_on.set()
        reader.close()


async def eventually_asked(asked: list[str], expected: list[str]) -> None:
    """Wait until these orgs' queries run, and check that no other query follows."""
    await asyncio.to_thread(eventually, lambda: len(asked) >= len(expected))
    await asyncio.sleep(0.05)
    assert asked == expected


async def test_turns_in_use_and_callers_that_wait_are_counted() -> None:
    """A cancelled waiting caller no longer counts once its place is skipped."""
    turns = FairTurns(2, of_one=2)
    await turns.take("a")
    await turns.take("a")
    waiting = [asyncio.ensure_future(turns.take(who)) for who in ("a", "b", "b")]
    await asyncio.sleep(0)
    before = turns.in_use, turns.waiting
    turns.give_back("a")
    await asyncio.sleep(0)

    assert (before, turns.in_use, turns.waiting) == ((2, 3), 2, 2)
    for caller in waiting:
        caller.cancel()
    await asyncio.wait(waiting)
