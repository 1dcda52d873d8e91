"""The bounds of a hierarchy on the real engine, and its content beyond them."""

from typing import Any
from uuid import uuid4

import pytest

from query_api.sessions import hierarchy
from schemas.store.rows import SessionRow
from tests.support.clients.sending import ids
from tests.support.rigs.query_store import HOUR_MS, NOON, QueryApi, QueryStore, session

pytest_plugins = ["tests.support.rigs.query_fixtures"]

RUN = uuid4()


def put_tasks(store: QueryStore, row: SessionRow, *tasks: dict[str, Any]) -> None:
    """Write nodes of a session as a projector would; the other fields have defaults."""
    bare = {
        "org_id": row.org_id,
        "session_id": str(row.session_id),
        "kind": "subagent",
        "version": 1,
        "status": "running",
    }
    store._insert(f"{store.base}_g1", "tasks", *({**bare, **task} for task in tasks))


async def test_a_session_without_a_run_is_a_run_of_its_own(query_store: QueryStore, query_api: QueryApi) -> None:
    """Its events came before its create; it shares no run with other sessions."""
    row = session(events=3, ended_at=NOON)
    query_store.put(row, session(), session(run_id=RUN))

    run = (await query_api.get(f"sessions/{row.session_id}/hierarchy")).json()["data"]["run"]

    assert (run["id"], ids(run["conversations"])) == (None, [str(row.session_id)])
    assert (run["totals"]["sessions"], run["totals"]["events"]) == (1, 3)
    assert run["ended_at"] == run["conversations"][0]["ended_at"]


async def test_a_long_run_shows_its_first_conversations_and_the_one_asked_for(
    query_store: QueryStore, query_api: QueryApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The totals count all of them."""
    monkeypatch.setattr(hierarchy, "CONVERSATIONS_MAX", 3)
    rows = [session(run_id=RUN, started_at=NOON + n * HOUR_MS, events=1) for n in range(6)]
    query_store.put(*rows)

    run = (await query_api.get(f"sessions/{rows[4].session_id}/hierarchy")).json()["data"]["run"]

    assert ids(run["conversations"]) == [str(rows[n].session_id) for n in (0, 1, 4)]
    assert (run["totals"]["sessions"], run["totals"]["events"]) == (6, 6)


async def test_a_conversation_whose_nodes_are_left_out_says_so(
    query_store: QueryStore, query_api: QueryApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the run has too many nodes, the requested conversation comes first."""
    monkeypatch.setattr(hierarchy, "NODES_IN_ALL_MAX", 4)
    rows = [session(run_id=RUN, started_at=NOON + n * HOUR_MS, subagents=3 * (n < 3)) for n in range(4)]
    query_store.put(*rows)
    for row in rows[:3]:
        put_tasks(query_store, row, *({"task_id": f"a{n}"} for n in range(3)))

    run = (await query_api.get(f"sessions/{rows[2].session_id}/hierarchy")).json()["data"]["run"]

    shown = [(len(conversation["tasks"]), conversation["truncated"]) for conversation in run["conversations"]]
    assert shown == [(1, True), (0, True), (3, False), (0, False)]


async def test_circles_and_missing_parents_lose_nothing(query_store: QueryStore, query_api: QueryApi) -> None:
    """Any parent is accepted; the later of two states of a node is shown."""
    row = session()
    query_store.put(row)
    tasks = [("a", "b"), ("b", "a"), ("self", "self"), ("orphan", "gone"), ("child", "orphan")]
    put_tasks(query_store, row, *({"task_id": name, "parent_task_id": parent} for name, parent in tasks))
    put_tasks(query_store, row, {"task_id": "child", "parent_task_id": "a", "version": 2, "status": "completed"})

    (conversation,) = (await query_api.get(f"sessions/{row.session_id}/hierarchy")).json()["data"]["run"][
        "conversations"
    ]

    found = [node for top in conversation["tasks"] for node in _all(top)]
    assert sorted(node["id"] for node in found) == ["a", "b", "child", "orphan", "self"]
    assert {node["id"]: node["status"] for node in found}["child"] == "completed"


def _all(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(found for child in node["children"] for found in _all(child))]
