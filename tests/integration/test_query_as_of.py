"""`GET …/sessions/:id?as_of=…` over HTTP: what was known of a session at a position or a time, on the real engine."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from audit import history
from prices.log import load
from prices.price_list import list_prices
from query_api.visibility import INTERVAL_S
from schemas.permissions import Role
from schemas.times import instant
from tests.support.builders import MINUTE_MS, T0, changed, created, ended, hook, recorded, reported, usage
from tests.support.rigs.store import Options
from tests.support.rigs.whole_service import WholeService, new_whole_service

pytestmark = pytest.mark.asyncio(loop_scope="module")  # a reader belongs to one loop
MALFORMED = (
    *("", "7", "0:", ":0", "0:-1", "00:1", "0:1:2", "0:1 ", "a:b", "yesterday", "99999999999:0"),
    *("2026-01-20", "2026-01-20T10:00:00", "2026-01-20T25:00:00Z", "-1", "1768903200000"),
)
CORRECT, WRONG = 2_000_000_000, 9_000_000_000  # nano-dollars


@pytest.fixture
def service(engine: Options, tmp_path: Path) -> Iterator[WholeService]:
    """Provide an empty service over a log of one partition."""
    yield from new_whole_service(engine, tmp_path)


@pytest.fixture(scope="module")
def filled(engine: Options, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WholeService, UUID]]:
    """Provide a session of alice with a corrected report, received out of order, after another session."""
    for service in new_whole_service(engine, tmp_path_factory.mktemp("as-of")):
        session, other = service.session_id("acme"), service.session_id("acme")
        at = [T0 + n * MINUTE_MS for n in range(9)]
        service.log.add(
            created(other, received_at=at[0]),
            created(session, received_at=at[1], title="first"),
            recorded(session, hook("UserPromptSubmit", prompt="go"), received_at=at[2]),
            reported(session, usage(cost_nano=WRONG), received_at=at[4]),
            reported(session, usage(cost_nano=CORRECT), received_at=at[3]),
            changed(other, title="elsewhere", received_at=at[5]),
            changed(session, title="last", received_at=at[6]),
            ended(session, received_at=at[7]),
        )
        asyncio.run(service.project())
        yield service, session


async def _get(
    service: WholeService, session: UUID, as_of: str | None = None, role: Role = "owner", **who: Any
) -> httpx.Response:
    asked = {"org": "acme", "user": "olga", **who}
    path, query = f"/api/v1/{asked['org']}/sessions/{session}", {} if as_of is None else {"as_of": as_of}
    headers = asked.pop("headers", {})
    return await service.ask("GET", path, role=role, params=query, headers=headers, **asked)


def _essence(reply: httpx.Response) -> tuple[Any, ...]:
    data = reply.json()["data"]
    return data["position"], data["title"], data["counts"]["prompts"], data["model_metrics"]["cost_usd"], data["status"]


async def test_each_position_shows_what_was_known_then(filled: tuple[WholeService, UUID]) -> None:
    """A corrected report shows the wrong cost before and the right one after; others' records change nothing."""
    service, session = filled

    replies = {offset: await _get(service, session, f"0:{offset}") for offset in range(1, 8)}

    assert {offset: _essence(reply) for offset, reply in replies.items()} == {
        1: ("0:1", "first", 0, 0.0, "active"),
        2: ("0:2", "first", 1, 0.0, "active"),
        3: ("0:3", "first", 1, 9.0, "active"),
        4: ("0:4", "first", 1, 2.0, "active"),
        5: ("0:4", "first", 1, 2.0, "active"),
        6: ("0:6", "last", 1, 2.0, "active"),
        7: ("0:7", "last", 1, 2.0, "ended"),
    }
    for reply in replies.values():
        assert reply.json()["meta"] == {"as_of": reply.json()["data"]["position"]}


async def test_a_time_includes_the_last_record_that_was_received_by_then(filled: tuple[WholeService, UUID]) -> None:
    """Everything before that record in the log is included too, even if it was received later."""
    service, session = filled

    async def position(ms: int, offset: str = "") -> str:
        as_of = f"{instant(ms)[:-1]}{offset}" if offset else instant(ms)
        return str((await _get(service, session, as_of)).json()["meta"]["as_of"])

    assert await position(T0 + MINUTE_MS) == "0:1"
    assert await position(T0 + 3 * MINUTE_MS - 1) == "0:2"
    assert await position(T0 + 3 * MINUTE_MS) == "0:4"
    assert await position(T0 + 5 * MINUTE_MS) == "0:4"
    assert await position(T0 + 8 * MINUTE_MS) == "0:7"
    assert await position(T0 + 62 * MINUTE_MS, "+01:00") == "0:2"


@pytest.mark.parametrize("as_of", ["0:7", "0:999999", "2100-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
async def test_a_point_at_or_beyond_the_newest_record_gives_the_current_state(
    as_of: str, filled: tuple[WholeService, UUID]
) -> None:
    """The session object equals that of a read without `as_of`."""
    service, session = filled

    then, now = await _get(service, session, as_of), await _get(service, session)

    assert then.json()["data"] == now.json()["data"]
    assert (then.json()["meta"], now.json()["meta"]) == ({"as_of": "0:7"}, {})


@pytest.mark.parametrize("as_of", MALFORMED)
async def test_a_malformed_point_is_refused(as_of: str, filled: tuple[WholeService, UUID]) -> None:
    """Neither a position nor a time with an offset: 422 with both forms, also for a session that is not there."""
    service, session = filled

    for asked in (session, service.session_id("acme")):
        reply = await _get(service, asked, as_of)

        assert (reply.status_code, reply.json()["code"]) == (422, "invalid")
        assert "<partition>:<offset>" in reply.json()["details"]["as_of"][0]


async def test_a_position_of_another_partition_is_refused(filled: tuple[WholeService, UUID]) -> None:
    """422 names the session's partition, but only to a caller that may see the session."""
    service, session = filled

    reply = await _get(service, session, "1:3")
    hidden = await _get(service, session, "1:3", role="member", user="bob")

    assert reply.status_code == 422
    assert reply.json()["details"] == {"as_of": ["must be in partition 0, where all records of this session are"]}
    assert hidden.status_code == 404


@pytest.mark.parametrize("as_of", ["0:0", "2026-01-20T10:00:59.999Z", "0001-01-01T00:00:00Z"])
async def test_before_the_first_fact_there_is_no_session(as_of: str, filled: tuple[WholeService, UUID]) -> None:
    """It is the 404 of an unknown session, after the same time."""
    service, session = filled
    began = time.monotonic()

    before, unknown = await _get(service, session, as_of), await _get(service, UUID(int=1 << 70), as_of)

    took = time.monotonic() - began
    assert (before.status_code, unknown.status_code) == (404, 404)
    assert {**before.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}
    assert took >= INTERVAL_S


async def test_a_past_state_is_visible_to_whom_the_session_is(filled: tuple[WholeService, UUID]) -> None:
    """A member sees only their own sessions, a manager all; another org has no such session."""
    service, session = filled

    statuses = {
        (org, user, role): (await _get(service, session, "0:3", role=role, org=org, user=user)).status_code
        for org, user, role in (
            ("acme", "alice", "member"),
            ("acme", "bob", "member"),
            ("acme", "bob", "viewer"),
            ("acme", "bob", "manager"),
            ("globex", "alice", "owner"),
        )
    }

    assert list(statuses.values()) == [200, 404, 404, 200, 404]


async def test_a_past_state_is_a_read_like_the_others(filled: tuple[WholeService, UUID]) -> None:
    """A known tag is 304, tags differ by point, and the freshness is in the header."""
    service, session = filled
    then = await _get(service, session, "0:3")

    again = await _get(service, session, "0:3", headers={"If-None-Match": then.headers["ETag"]})
    other = await _get(service, session, "0:4", headers={"If-None-Match": then.headers["ETag"]})

    assert (again.status_code, other.status_code) == (304, 200)
    assert "X-Complete-Through" in again.headers
    assert "X-Complete-Through" in then.headers


async def test_a_past_cost_has_the_prices_of_the_generation(service: WholeService) -> None:
    """A price that applies only to new generations changes no past state, just as it changes no session."""
    session = service.session_id("acme")
    price = list_prices().prices[0]
    service.log.add(
        created(session), reported(session, usage(price.model, input_tokens=1_000_000)), changed(session, title="x")
    )
    await service.project()
    now = (await _get(service, session)).json()["data"]["model_metrics"]
    dearer = msgspec.structs.replace(price, input_nano=price.input_nano * 7)
    service.store.client.database = service.store.address.control
    load(service.store.client, None, [dearer], new_generations_only=True)

    then = (await _get(service, session, "0:1")).json()["data"]["model_metrics"]

    assert then == now
    assert now["cost_usd"] == price.input_nano / 1e9


@pytest.mark.parametrize("batch", [500, pytest.param(5_000, marks=pytest.mark.part("volume", instead=True))])
async def test_a_session_of_several_pages(service: WholeService, batch: int) -> None:
    """It is folded page by page, and equals what was shown when it had no more than these events."""
    assert 20 * batch > history.FACTS_PER_PAGE
    session = service.session_id("acme")
    service.log.add(created(session))
    for n in range(24):
        service.log.add(recorded(session, *(_tool_use(n, i) for i in range(batch))))
    cut = [record for record in service.log.records if record.offset <= 20]
    whole, service.log.records = service.log.records, cut
    await service.project()
    shown = (await _get(service, session)).json()["data"]
    service.log.records = whole
    await service.project()

    then = (await _get(service, session, "0:20")).json()

    assert shown["counts"]["events"] == 20 * batch
    assert then == {"data": shown, "meta": {"as_of": "0:20"}}


def _tool_use(n: int, i: int) -> Any:
    kind, at = ("PreToolUse", "PostToolUse")[i % 2], T0 + n * MINUTE_MS + i
    return hook(kind, at, UUID(int=n * 5_000 + i + 1), tool_name="Bash", tool_use_id=f"{n}-{i // 2}")


async def test_only_some_sessions_are_folded_at_once(
    filled: tuple[WholeService, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Further requests wait for their turn, and end with 503 if it does not come in time."""
    service, session = filled
    monkeypatch.setattr(history, "WAIT_S", 0.01)
    made, loop = history.session_row, asyncio.get_running_loop()
    folding, released = asyncio.Semaphore(0), asyncio.Event()

    def wait_then_make(*arguments: Any) -> Any:
        loop.call_soon_threadsafe(folding.release)
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result()
        return made(*arguments)

    monkeypatch.setattr(history, "session_row", wait_then_make)
    first = [asyncio.ensure_future(_get(service, session, "0:3")) for _ in range(history.FOLDED_AT_ONCE)]
    for _ in first:
        await folding.acquire()
    refused = await _get(service, session, "0:4")
    released.set()

    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert [(await reply).status_code for reply in first] == [200] * history.FOLDED_AT_ONCE
    assert (await _get(service, session, "0:4")).status_code == 200
