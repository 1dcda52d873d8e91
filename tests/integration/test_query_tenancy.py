"""Orgs see nothing of each other; members and viewers see only their own sessions."""

from collections.abc import Mapping
from typing import Any, get_args

import pytest

from schemas.permissions import Role
from schemas.store.rows import ToolTotals
from tests.support.clients.sending import ids
from tests.support.rigs.query_store import NOON, QueryApi, QueryStore, model, session

pytest_plugins = ["tests.support.rigs.query_fixtures"]

SECRET = "zzsecret"
ANALYTICS = ("summary", "timeseries", "by-agent", "by-tool", "cost-breakdown", "by-user", "team-overview")
LISTS = ("sessions", *(f"sessions/analytics/{path}" for path in ANALYTICS))
DIMENSIONS = ("project_id", "repo", "agent_name", "user_id")
ATTACKS = (
    "' OR 1=1 --",
    "') OR org_id != ('",
    "\\' OR 1=1 --",
    "{org_id:String}",
    "%s%(org_id)s",
    "'; DROP TABLE sessions; --",
    "\\N",
    "NULL",
    "\x00",
    "a\nb\tc",
    "$$",
    "é'\"`\\",
)


@pytest.mark.parametrize("path", LISTS)
async def test_orgs_see_nothing_of_each_other(path: str, query_store: QueryStore, query_api: QueryApi) -> None:
    """The replies to an org do not depend on what other orgs have stored."""
    query_store.put(session(external_id="mine", tools=[ToolTotals("Bash", 2, 1, 5)]))
    alone = (await query_api.get(path)).json()
    names = dict.fromkeys(DIMENSIONS, SECRET)
    tools = [ToolTotals(name, 2, 1, 5) for name in ("Bash", SECRET)]
    query_store.put(session("other", models=[model(SECRET, cost_nano=1)], tools=tools, **names))

    beside = (await QueryApi(query_store.reader).get(path)).json()

    assert beside == alone


async def test_another_orgs_session_is_not_there(query_store: QueryStore, query_api: QueryApi) -> None:
    """A foreign session is the same 404 as an unknown one, under the own org and under its org."""
    row = session("other")
    query_store.put(row)

    replies = [
        await query_api.get(f"sessions/{row.session_id}"),
        await query_api.get(f"../other/sessions/{row.session_id}"),
        await query_api.get("sessions/00000000-0000-4000-8000-000000000000"),
    ]

    assert {reply.status_code for reply in replies} == {404}
    assert len({_without_request_id(reply.json()) for reply in replies}) == 1


@pytest.mark.parametrize("path", LISTS)
async def test_a_path_of_another_org_is_not_there(path: str, query_api: QueryApi) -> None:
    """Every route of another org is a 404, also for an owner."""
    reply = await query_api.get(f"../other/{path}")

    assert reply.status_code == 404


@pytest.mark.parametrize("role", get_args(Role))
async def test_members_and_viewers_see_only_their_own(role: Role, query_store: QueryStore, query_api: QueryApi) -> None:
    """A member lists only own sessions, and another session is a 404; a manager sees all."""
    mine, other = session(user_id="bob"), session(user_id="alice")
    query_store.put(mine, other)
    sees_all = role in ("owner", "admin", "manager")

    found = await query_api.get("sessions", user="bob", role=role)
    one = await query_api.get(f"sessions/{other.session_id}", user="bob", role=role)
    own = await query_api.get("sessions", {"user_id": "bob"}, user="bob", role=role)
    of_carol = await query_api.get("sessions", {"current_user_only": True}, user="carol", role=role)

    if role == "agent":  # it may read nothing
        assert {found.status_code, one.status_code, own.status_code} == {403}
        return
    if role == "operator":  # belongs to no org
        assert {found.status_code, one.status_code} == {401}
        return
    visible = {str(mine.session_id), *([str(other.session_id)] if sees_all else [])}
    assert set(ids(found.json()["data"])) == visible
    assert found.json()["meta"]["total_count"] == len(visible)
    assert (ids(own.json()["data"]), of_carol.json()["data"]) == ([str(mine.session_id)], [])
    assert one.status_code == (200 if sees_all else 404)
    assert (await query_api.get(f"sessions/{mine.session_id}", user="bob", role=role)).status_code == 200


@pytest.mark.parametrize("role", ["member", "viewer"])
@pytest.mark.parametrize("path", LISTS)
async def test_members_may_not_name_others(path: str, role: Role, query_store: QueryStore, query_api: QueryApi) -> None:
    """Another user's id as filter is a 403; the caller's own id is not, except on managers' routes."""
    query_store.put(session(user_id="bob"))

    other = await query_api.get(path, {"user_id": "alice"}, user="bob", role=role)
    self = await query_api.get(path, {"user_id": "bob"}, user="bob", role=role)

    assert (other.status_code, other.json()["code"]) == (403, "forbidden")
    assert self.status_code == (403 if path.endswith("by-user") else 200)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.fault(row=18)
async def test_a_filter_is_only_a_string(attack: str, query_store: QueryStore, query_api: QueryApi) -> None:
    """Any text in a filter matches the sessions with exactly that value."""
    odd = session(user_id=attack, models=[model(attack)], external_id=attack, **dict.fromkeys(DIMENSIONS[:3], attack))
    query_store.put(odd, session(), session("other"))

    for name in (*DIMENSIONS, "model", "external_id"):
        found = (await query_api.get("sessions", {name: attack})).json()
        assert [item["id"] for item in found["data"]] == [str(odd.session_id)]
    for name in DIMENSIONS:
        for path in ANALYTICS:
            reply = await query_api.get(f"sessions/analytics/{path}", {name: attack})
            assert reply.status_code == 200
        summary = (await query_api.get("sessions/analytics/summary", {name: attack})).json()["data"]
        assert summary["total_sessions"] == 1


async def test_a_viewer_may_be_named_like_an_attack(query_store: QueryStore, query_api: QueryApi) -> None:
    """The caller's name is only a string, too."""
    query_store.put(session(user_id="alice", started_at=NOON))

    reply = await query_api.get("sessions", user="' OR 1=1 --", role="member")

    assert reply.json()["data"] == []


def _without_request_id(body: Mapping[str, Any]) -> str:
    return str({name: value for name, value in body.items() if name != "request_id"})
