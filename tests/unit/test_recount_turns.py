"""Recounts and the operator's reads of whole tables, one at a time."""

import asyncio
from collections.abc import Mapping

import pytest

from audit.routes import BUSY
from audit.turns import OPERATOR_WAIT_S, RequestTurn, Turns
from edge.errors import ApiError
from processors.fold.fold import FOLD_VERSION
from store.generations import Generation
from store.reading.reader import Row
from tests.support.rigs.query_store import QueryApi

SCANS = ("audit.clients", "audit.dead_letters", "audit.receipts_end", "audit.recount_days")


async def test_recounts_run_one_after_the_other() -> None:
    """This holds for any number of simultaneous requests."""
    turns = Turns(1, BUSY)
    under_way: list[int] = []

    async def recount() -> None:
        async with RequestTurn(turns).within(60):
            under_way.append(1)
            assert len(under_way) == 1
            await asyncio.sleep(0)
            under_way.pop()

    await asyncio.gather(*(recount() for _ in range(20)))


async def test_who_waits_too_long_may_ask_again() -> None:
    """It gets a 503 with Retry-After; the running recount is not disturbed, and the next one follows."""
    turns = Turns(1, BUSY)
    async with RequestTurn(turns).within(0):
        with pytest.raises(ApiError) as refused:
            await RequestTurn(turns).within(0).__aenter__()

    assert (refused.value.status, refused.value.code) == (503, "overloaded")
    assert refused.value.headers == {"Retry-After": "5"}
    async with RequestTurn(turns).within(0):
        pass


async def test_a_recount_that_fails_gives_its_turn_back() -> None:
    """The next recount does not have to wait."""
    turns = Turns(1, BUSY)
    with pytest.raises(ZeroDivisionError):
        async with RequestTurn(turns).within(0):
            raise ZeroDivisionError

    async with RequestTurn(turns).within(0):
        pass


async def test_waiting_counts_from_the_arrival_of_the_request() -> None:
    """A request that spent its time before it began to wait is refused at once, unless a turn is free."""
    turns = Turns(1, BUSY)
    late = RequestTurn(turns, asyncio.get_running_loop().time() - OPERATOR_WAIT_S)
    async with RequestTurn(turns).within(0):
        with pytest.raises(ApiError, match="send the same request again"):
            await late.within(OPERATOR_WAIT_S).__aenter__()

    async with late.within(OPERATOR_WAIT_S):
        pass


class BusyStore:
    """A `Reader` whose scans take until they are ``released``."""

    def __init__(self) -> None:
        self.released, self.scanning = asyncio.Event(), asyncio.Event()
        self.scans = self.at_once = self.most_at_once = 0

    async def live(self) -> Generation:
        return Generation("g1", 1, FOLD_VERSION)

    async def query(self, generation: Generation, name: str, params: Mapping[str, object]) -> list[Row]:
        if name in SCANS:
            await self._scan()
        return []

    async def control(self, name: str, params: Mapping[str, object]) -> list[Row]:
        return []

    async def _scan(self) -> None:
        self.scans, self.at_once = self.scans + 1, self.at_once + 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.scanning.set()
        await self.released.wait()
        self.at_once -= 1


@pytest.mark.parametrize("path", ["clients", "coverage", "dead-letters", "dead-letters/0:1", "recount"])
async def test_the_store_scans_for_one_request_of_an_operator(path: str) -> None:
    """The others wait without a query in the store, so that orgs find free readers."""
    store = BusyStore()
    api = QueryApi(store)
    asked = [asyncio.create_task(api.get(path, org="operator", role="operator")) for _ in range(4)]
    await store.scanning.wait()
    for _ in range(50):
        await asyncio.sleep(0)  # so that each of them gets as far as it can
    store.released.set()
    replies = await asyncio.gather(*asked)

    assert store.most_at_once == 1
    assert store.scans >= len(replies)
    assert {reply.status_code for reply in replies} <= {200, 404}


async def test_an_operators_read_is_refused_while_an_org_recounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """They share the turn. A read that does not get it within 8 s may be sent again."""
    assert OPERATOR_WAIT_S == 8
    monkeypatch.setattr("audit.clients.OPERATOR_WAIT_S", 0.0)
    store = BusyStore()
    api = QueryApi(store)
    recount = asyncio.create_task(api.get("ops/recount"))
    await store.scanning.wait()

    refused = await api.get("clients", org="operator", role="operator")

    assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (503, "overloaded", "5")
    store.released.set()
    assert (await recount).status_code == 200
