"""Threads and filter values on the real engine, compared with the same rules in plain Python."""

import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from query_api.sessions import filter_values, threads
from schemas.ids import mint, new_thread, thread_id, thread_of
from schemas.permissions import Role
from schemas.store.rows import SessionRow
from schemas.times import instant
from tests.support.clients.sending import ids
from tests.support.rigs.query_store import HOUR_MS, NOON, SECRETS, QueryApi, QueryStore, model, session
from tests.support.seeds import seeds

pytest_plugins = ["tests.support.rigs.query_fixtures"]

TAGS = [new_thread(bytes([n] * 32)) for n in range(6)]
CALLERS: list[tuple[str, Role]] = [("owner", "owner"), ("bob", "member"), ("alice", "manager")]


def some_sessions(seed: int, count: int = 25) -> list[SessionRow]:
    """Draw sessions in a few threads, with a few values of each dimension, some states stored twice."""
    draw = random.Random(seed)
    return [
        session(
            session_id=mint(SECRETS, "session", "acme", draw.choice(TAGS), False, None),
            started_at=NOON - draw.randrange(50) * HOUR_MS + n,  # no two at the same time
            last_event_at=draw.choice([None, NOON - draw.randrange(50) * HOUR_MS + n]),
            ended_at=draw.choice([None, NOON]),
            user_id=draw.choice(["alice", "bob"]),
            project_id=draw.choice([None, "p", "q"]),
            repo=draw.choice([None, "r"]),
            agent_name=draw.choice([None, "a", "b", ""]),
            models=[model(name, (1, 2, 3, 4, 5), 7) for name in draw.sample(["m", "n", ""], draw.randrange(3))],
            events=draw.randrange(9),
            tool_calls=draw.randrange(9),
        )
        for n in range(count)
    ]


FILTERS: list[tuple[dict[str, Any], Callable[[SessionRow, str], bool]]] = [
    ({}, lambda row, me: True),
    ({"project_id": "p"}, lambda row, me: row.project_id == "p"),
    ({"project_id": "p", "agent_name": "a"}, lambda row, me: (row.project_id, row.agent_name) == ("p", "a")),
    ({"status": "active", "repo": "r"}, lambda row, me: row.ended_at is None and row.repo == "r"),
    ({"model": "m"}, lambda row, me: "m" in [used.model for used in row.models]),
    ({"current_user_only": True}, lambda row, me: row.user_id == me),
    ({"started_after": instant(NOON - 5 * HOUR_MS)}, lambda row, me: row.started_at >= NOON - 5 * HOUR_MS),
    ({"started_before": instant(NOON - 45 * HOUR_MS)}, lambda row, me: row.started_at < NOON - 45 * HOUR_MS),
]


@pytest.mark.parametrize("seed", seeds(1, 4))
async def test_threads_are_what_a_walk_over_the_sessions_finds(
    seed: int, query_store: QueryStore, query_api: QueryApi
) -> None:
    """For each filter and role, threads, order, conversations and totals equal a walk in Python."""
    rows = some_sessions(seed)
    query_store.put(*rows, session("other", session_id=rows[0].session_id))

    for me, role in CALLERS:
        visible = [row for row in rows if role != "member" or row.user_id == me]
        for params, matches in FILTERS:
            expected = _threads(visible, partial(_with, matches, me))
            found = []
            for page in (1, 2, 3):
                reply = await query_api.get(
                    "sessions/threads", {**params, "page": page, "per_page": 2}, user=me, role=role
                )
                assert reply.json()["meta"]["total_count"] == len(expected)
                found += reply.json()["data"]
            found = [{**thread, "conversations": ids(thread["conversations"])} for thread in found]
            assert found == expected, (me, params)


def _threads(visible: list[SessionRow], matches: Callable[[SessionRow], bool]) -> list[dict[str, Any]]:
    by_thread: dict[UUID, list[SessionRow]] = {}
    for row in sorted(visible, key=lambda row: row.started_at):
        by_thread.setdefault(thread_id("acme", thread_of(row.session_id)), []).append(row)
    whole = [(thread, rows) for thread, rows in by_thread.items() if any(map(matches, rows))]

    def activity(item: tuple[UUID, list[SessionRow]]) -> int:
        return max(row.started_at if row.last_event_at is None else row.last_event_at for row in item[1])

    return [_expected(*item) for item in sorted(whole, key=activity, reverse=True)]


def _expected(thread: UUID, rows: list[SessionRow]) -> dict[str, Any]:
    last_events = [row.last_event_at for row in rows if row.last_event_at is not None]
    return {
        "thread_id": str(thread),
        "started_at": instant(rows[0].started_at),
        "last_event_at": instant(max(last_events)) if last_events else None,
        "totals": {
            "sessions": len(rows),
            "events": sum(row.events for row in rows),
            "tool_calls": sum(row.tool_calls for row in rows),
            "tokens": sum(10 * len(row.models) for row in rows),
            "cost_usd": sum(7 * len(row.models) for row in rows) / 1e9,
        },
        "conversations": [str(row.session_id) for row in rows],
    }


def _with(matches: Callable[[SessionRow, str], bool], me: str, row: SessionRow) -> bool:
    return matches(row, me)


async def test_a_long_thread_shows_its_latest_conversations(
    query_store: QueryStore, query_api: QueryApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The totals count all of them."""
    monkeypatch.setattr(threads, "CONVERSATIONS_MAX", 3)
    made = [
        session(session_id=mint(SECRETS, "session", "acme", TAGS[0], False, None), started_at=NOON + n)
        for n in range(5)
    ]
    query_store.put(*made)

    (thread,) = (await query_api.get("sessions/threads")).json()["data"]

    assert [conversation["id"] for conversation in thread["conversations"]] == [str(row.session_id) for row in made[2:]]
    assert thread["totals"]["sessions"] == 5


@pytest.mark.parametrize("seed", seeds(1, 3))
async def test_filter_values_are_those_of_the_sessions(seed: int, query_store: QueryStore, query_api: QueryApi) -> None:
    """For each role, values are ordered by number of sessions, then by name."""
    rows = some_sessions(seed, 60)
    query_store.put(*rows, session("other", project_id="secret", user_id="mallory"))

    for me, role in CALLERS:
        visible = [row for row in rows if role != "member" or row.user_id == me]
        found = (await query_api.get("sessions/filters", user=me, role=role)).json()["data"]
        assert found == {
            "projects": _most_used(row.project_id for row in visible),
            "repos": _most_used(row.repo for row in visible),
            "agents": _most_used(row.agent_name for row in visible),
            "models": _most_used(used.model or None for row in visible for used in row.models),
            "users": [] if role == "member" else _most_used(row.user_id for row in visible),
        }


async def test_a_list_of_values_ends(
    query_store: QueryStore, query_api: QueryApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the most used values."""
    monkeypatch.setattr(filter_values, "VALUES_MAX", 2)
    query_store.put(*(session(project_id=name, agent_name="a") for name in ("rare", "often", "often", "last")))

    found = (await query_api.get("sessions/filters")).json()["data"]

    assert (found["projects"], found["agents"]) == (["often", "last"], ["a"])


def _most_used(values: Any) -> list[str]:
    counted = Counter(value for value in values if value is not None)
    return sorted(counted, key=lambda value: (-counted[value], value))
