"""Freshness, waiting, generation switches and outages, over HTTP on the real engine."""

import asyncio
import json
from time import monotonic

import httpx
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from query_api.freshness import PartitionProgressRow
from schemas.times import instant
from store.address import StoreAddress
from store.errors import StoreUnavailable
from store.generations import Generation
from store.reading import statements
from store.reading.question import LIVE_GENERATION, LiveGenerationRow, NoParams
from store.reading.reader import ClickHouseReader, answer_from_control, open_reader
from tests.support.clients.in_process import in_process
from tests.support.rigs.query_store import NOON, QueryApi, QueryStore, session

pytest_plugins = ["tests.support.rigs.query_fixtures"]

WAIT = "X-Wait-For-Position"


async def test_a_read_says_up_to_when_it_is_complete(query_store: QueryStore, query_api: QueryApi) -> None:
    """Every read, also a 404, has the earliest `complete_through` of all partitions."""
    row = session()
    query_store.put(row)
    query_store.progress(0, 10, 10, NOON)
    query_store.progress(1, 3, 9, NOON - 5_000)

    for path in (f"sessions/{row.session_id}", "sessions", "sessions/not-there"):
        assert (await query_api.get(path)).headers["X-Complete-Through"] == instant(NOON - 5_000)


async def test_a_read_names_its_generation(query_store: QueryStore, query_api: QueryApi) -> None:
    """Every response after the snapshot names the generation: successes, 304 and errors; refusals before it do not."""
    row = session()
    query_store.put(row)
    path = f"sessions/{row.session_id}"
    tag = {"If-None-Match": (await query_api.get(path)).headers["ETag"]}

    named = {
        reply.status_code: reply.headers.get("X-Generation")
        for reply in (
            await query_api.get(path),
            await query_api.get(path, headers=tag),
            await query_api.get("sessions/not-there"),
            await query_api.get(path, {"as_of": "9:9"}),
            await query_api.get("sessions/analytics/by-user", role="member"),
        )
    }

    assert named == {200: "g1", 304: "g1", 404: "g1", 422: "g1", 403: None}


async def test_a_claim_is_older_than_its_data(query_store: QueryStore, query_api: QueryApi) -> None:
    """Records projected after the snapshot may be in the reply, but are not claimed."""
    await query_api.get("sessions")
    query_store.put(session())
    query_store.progress(0, 11, 11, NOON + 1)

    reply = await query_api.get("sessions")

    assert len(reply.json()["data"]) == 1
    assert reply.headers["X-Complete-Through"] in (instant(NOON), instant(NOON + 1))


async def test_a_reader_sees_its_own_write(query_store: QueryStore, query_api: QueryApi) -> None:
    """A read that waits for a position answers, with the write, once it is projected."""
    waiting = asyncio.create_task(query_api.get("sessions", headers={WAIT: "0:9, 0:10"}))
    await asyncio.sleep(0.1)  # the test shows that nothing happens meanwhile
    assert not waiting.done()
    query_store.put(session())
    query_store.progress(0, 11, 11, NOON + 1)

    reply = await waiting

    assert reply.status_code == 200
    assert len(reply.json()["data"]) == 1
    assert reply.headers["X-Complete-Through"] == instant(NOON + 1)


@pytest.mark.parametrize("position", ["0:10", "7:0", "0:3,7:0"])
async def test_waiting_ends_with_503(position: str, query_store: QueryStore) -> None:
    """A position that is not projected in time, or never will be, is a 503 that may be sent again."""
    reply = await QueryApi(query_store.reader, wait_s=0.1).get("sessions", headers={WAIT: position})

    assert (reply.status_code, reply.json()["code"], reply.headers["Retry-After"]) == (503, "not_yet_visible", "1")


@pytest.mark.parametrize("position", ["x", "1", "0:1,", "0:-1", "0:99999999999999999999"])
async def test_a_malformed_position_is_refused(position: str, query_api: QueryApi) -> None:
    """A malformed list of positions is a 422 that names the header."""
    reply = await query_api.get("sessions", headers={WAIT: position})

    assert (reply.status_code, list(reply.json()["details"])) == (422, [WAIT])


async def test_readers_follow_a_switch(query_store: QueryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a switch readers answer from the other generation, with other tags."""
    monkeypatch.setattr(query_store.reader, "_live_for_s", 0)
    row = session()
    query_store.put(row)
    before = await QueryApi(query_store.reader).get(f"sessions/{row.session_id}")
    query_store.add_generation("g2")
    query_store.put(row, generation="g2")
    query_store.progress(0, 12, 12, NOON + 2, generation="g2")
    query_store.switch("g2")

    after = await QueryApi(query_store.reader).get(f"sessions/{row.session_id}")

    assert after.headers["X-Complete-Through"] == instant(NOON + 2)
    assert (before.headers["X-Generation"], after.headers["X-Generation"]) == ("g1", "g2")
    assert after.json() == before.json()
    assert after.headers["ETag"] != before.headers["ETag"]


async def test_one_request_is_answered_by_one_generation(query_store: QueryStore) -> None:
    """Queries go to the generation of the snapshot, even if another one has become live."""
    before = await query_store.reader.live()
    query_store.put(session())
    query_store.add_generation("g2")
    query_store.switch("g2")

    found = await query_store.reader.query(before, "query_api.progress", {})

    assert [row["projected"] for row in found] == [10]


async def test_nothing_is_claimed_before_all_partitions_are_heard(query_store: QueryStore, query_api: QueryApi) -> None:
    """While a partition has not reported, a read claims no completeness."""
    query_store.add_generation("g2", partitions=3)
    query_store.progress(0, 5, 5, NOON, generation="g2")
    query_store.switch("g2")

    reply = await query_api.get("sessions")

    assert reply.headers["X-Complete-Through"] == instant(0)


class BrokenClient:
    """Fails each query in one way."""

    database = ""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.closed = False

    def query(self, *_args: object, **_options: object) -> None:
        raise self._error

    def close(self) -> None:
        self.closed = True


OUTAGES = [
    OperationalError("connection refused"),
    DatabaseError("Timeout exceeded", code=159),
    DatabaseError("Memory limit exceeded", code=241),
    DatabaseError("Database q_g9 does not exist", code=81),
    DatabaseError("the engine is gone"),
    ConnectionResetError("reset by peer"),
    TimeoutError("timed out"),
]


@pytest.mark.parametrize("error", OUTAGES, ids=str)
async def test_every_outage_is_a_503(error: Exception) -> None:
    """For each kind of store failure reads are a 503 that may be sent again, and readiness fails."""
    made: list[BrokenClient] = []

    def make() -> Client:
        made.append(BrokenClient(error))
        return made[-1]

    api = QueryApi(ClickHouseReader(make))

    for path in ("sessions", "sessions/analytics/summary", "sessions/00000000-0000-4000-8000-000000000000"):
        reply = await api.get(path)
        assert (reply.status_code, reply.json()["code"]) == (503, "store_unavailable")
        assert int(reply.headers["Retry-After"]) >= 1
        assert str(error) not in reply.text
    assert all(client.closed for client in made)
    assert (await _readyz(api)).status_code == 503


async def test_a_server_that_is_not_there_is_an_outage() -> None:
    """A refused connection is an outage at the first query, not when the reader is made."""
    reader = open_reader(StoreAddress({"host": "127.0.0.1", "port": 1, "username": "user", "password": "pass"}))

    with pytest.raises(StoreUnavailable):
        await reader.live()
    reader.close()


async def test_a_closed_reader_is_an_outage(query_store: QueryStore) -> None:
    """Queries after `close` count as an outage, not a crash."""
    api = QueryApi(query_store.reader)
    query_store.reader.close()

    assert (await api.get("sessions")).status_code == 503


async def test_an_empty_store_is_an_outage(query_store: QueryStore) -> None:
    """A store that was never provisioned, or has no live generation, is not ready."""
    reader = ClickHouseReader(query_store.connect, "no_such_base")

    with pytest.raises(StoreUnavailable):
        await reader.live()
    reader.close()


async def test_a_question_that_is_wrong_is_no_outage(query_store: QueryStore) -> None:
    """An error in our SQL is not reported as an outage, and the client stays usable."""
    with pytest.raises(DatabaseError):
        await query_store.reader.query(
            Generation("g1", 1), "query_api.sessions.by_id", {"org_id": "acme", "session_ids": ["x"]}
        )

    assert (await query_store.reader.live()).name == "g1"


async def test_a_store_that_is_there_is_ready(query_api: QueryApi) -> None:
    """A live generation that answers makes the reader ready."""
    assert (await _readyz(query_api)).status_code == 200


async def test_a_question_to_the_control_database(query_store: QueryStore) -> None:
    """It is answered from the control database, which is the same for every generation, and its rows are checked."""
    query_store.add_generation("g2", partitions=3)
    query_store.switch("g2")

    found = await answer_from_control(query_store.reader, LIVE_GENERATION, NoParams())

    assert found == [LiveGenerationRow("g2", 3, 0)]
    with pytest.raises(TypeError, match="gives other rows than PartitionProgressRow"):
        await answer_from_control(query_store.reader, LIVE_GENERATION._replace(row=PartitionProgressRow), NoParams())


async def test_a_question_has_limits(query_store: QueryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store stops a query that takes too long, and that is an outage."""
    slow = "SELECT sleepEachRow(0.01) FROM numbers(1000) SETTINGS max_block_size = 1"
    monkeypatch.setattr(statements, "read_sql", lambda *_: slow)
    began = monotonic()

    with query_store.limited(max_execution_time=0.2), pytest.raises(StoreUnavailable):
        await query_store.reader.query(Generation("g1", 1), "tests.slow", {})

    assert monotonic() - began < 5


async def _readyz(api: QueryApi) -> httpx.Response:
    async with in_process(api.app) as client:
        return await client.get("/readyz")


async def test_the_contract_lists_every_route(query_api: QueryApi) -> None:
    """The OpenAPI document has each route with its operation."""
    async with in_process(query_api.app) as client:
        described = json.loads((await client.get("/schema/openapi.json")).content)

    operations = {operation["operationId"] for path in described["paths"].values() for operation in path.values()}
    assert operations >= {
        *("ListSessions", "GetSession", "AnalyticsSummary", "AnalyticsTimeseries"),
        *("AnalyticsByAgent", "AnalyticsByTool", "AnalyticsCostBreakdown", "AnalyticsByUser"),
    }
