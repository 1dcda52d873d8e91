"""A hidden session is a 404 that reveals nothing, neither through its store queries nor through its timing."""

from collections.abc import Mapping
from time import monotonic
from uuid import UUID, uuid4

import pytest

from query_api.visibility import INTERVAL_S, hide_timing
from schemas.ids import mint, new_thread
from store.generations import Generation
from store.reading.reader import Reader, Row
from tests.support.rigs.query_store import SECRETS, QueryApi, QueryStore, session

pytest_plugins = ["tests.support.rigs.query_fixtures"]

OF_A_SESSION = ("", "/events", "/hierarchy", "/analysis", "/compactions", "/spend?by=tool")
Asked = tuple[str, Mapping[str, object]]


class NotingReader:
    """A reader that records the store queries about an org."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.asked: list[Asked] = []

    async def live(self) -> Generation:
        return await self._reader.live()

    async def query(self, generation: Generation, name: str, params: Mapping[str, object]) -> list[Row]:
        if "org_id" in params:
            self.asked.append((name, dict(params)))
        return await self._reader.query(generation, name, params)

    async def control(self, name: str, params: Mapping[str, object]) -> list[Row]:
        return await self._reader.control(name, params)


class Prober:
    """A member of acme who tries ids."""

    def __init__(self, store: QueryStore) -> None:
        self.reader = NotingReader(store.reader)
        self.api = QueryApi(self.reader)

    async def try_(self, session_id: UUID, route: str) -> tuple[list[Asked], float]:
        """Return the store queries of a 404, and its duration in seconds."""
        self.reader.asked = []
        began = monotonic()
        reply = await self.api.get(f"sessions/{session_id}{route}", user="bob", role="member")
        took = monotonic() - began
        assert (reply.status_code, reply.json()["error"]) == (404, "There is nothing at this address.")
        return self.reader.asked, took


@pytest.fixture
def prober(query_store: QueryStore) -> Prober:
    """Provide sessions of another org and of another user, in one granule with bob's."""
    return Prober(query_store)


@pytest.mark.parametrize("route", OF_A_SESSION)
async def test_a_404_costs_the_store_the_same_whoever_has_the_id(
    route: str, query_store: QueryStore, prober: Prober
) -> None:
    """Ids of other orgs cause the same query as unknown ids; ids of other users cause as many queries."""
    foreign, others = session("other"), session(user_id="alice")
    query_store.put(foreign, others, session(user_id="bob"))
    minted_for_another = mint(SECRETS, "session", "other", new_thread(None), False, None)

    asked_foreign, _ = await prober.try_(foreign.session_id, route)
    asked_others, _ = await prober.try_(others.session_id, route)

    for never in (minted_for_another, uuid4(), UUID(int=uuid4().int ^ 1)):
        asked_never, _ = await prober.try_(never, route)
        assert asked_never == asked_foreign
    assert [name for name, _ in asked_others] == [name for name, _ in asked_foreign]
    assert not {str(foreign.session_id)} & {str(value) for _, params in asked_foreign for value in params.values()}


@pytest.mark.parametrize("route", OF_A_SESSION)
async def test_a_404_comes_at_the_end_of_an_interval(route: str, query_store: QueryStore, prober: Prober) -> None:
    """A quick 404 waits; a visible session does not."""
    foreign, others = session("other"), session(user_id="alice")
    query_store.put(foreign, others)

    for session_id in (foreign.session_id, others.session_id, uuid4()):
        assert (await prober.try_(session_id, route))[1] >= INTERVAL_S


async def test_a_hidden_time_is_a_multiple_of_the_interval() -> None:
    """A slower response is sent at the next multiple, not at once."""
    for spent in (0.0, 0.2, 0.99, 1.5, 2.3):
        began = monotonic() - spent * INTERVAL_S

        await hide_timing(began)

        assert monotonic() - began >= INTERVAL_S * (int(spent) + 1)
