"""Reading sessions over HTTP, on the real engine."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from query_api.sessions import one
from schemas.ids import mint, new_thread
from schemas.store.rows import AgentTotals, ModelTotals, ToolTotals
from schemas.times import instant
from tests.support.rigs.query_store import DAY_MS, HOUR_MS, NOON, SECRETS, QueryApi, QueryStore, model, session

pytest_plugins = ["tests.support.rigs.query_fixtures"]


async def test_a_list_has_pages(query_store: QueryStore, query_api: QueryApi) -> None:
    """Pages together have each session once, newest first, with correct `meta`."""
    rows = [session(started_at=NOON - minute * 60_000) for minute in range(5)]
    query_store.put(*rows)

    numbers = (1, 2, 3, 4, 1 << 40)
    pages = [(await query_api.get("sessions", {"page": page, "per_page": 2})).json() for page in numbers]
    largest = (await query_api.get("sessions", {"per_page": 100})).json()

    assert [item["id"] for page in pages for item in page["data"]] == [str(row.session_id) for row in rows]
    assert [len(page["data"]) for page in pages] == [2, 2, 1, 0, 0]
    assert [page["meta"] for page in pages] == [
        {"current_page": page, "per_page": 2, "total_pages": 3, "total_count": 5} for page in numbers
    ]
    assert len(largest["data"]) == 5


async def test_an_empty_list_is_a_list(query_api: QueryApi) -> None:
    """Without sessions data is empty, on the first page and on any other."""
    for page in (1, 2, 1 << 53):
        reply = await query_api.get("sessions", {"page": page})

        assert reply.status_code == 200
        assert reply.json() == {
            "data": [],
            "meta": {"current_page": page, "per_page": 25, "total_pages": 0, "total_count": 0},
        }


async def test_sessions_that_tie_keep_their_places(query_store: QueryStore, query_api: QueryApi) -> None:
    """In every order, sessions that tie have one total order, so pages never overlap."""
    query_store.put(*(session(started_at=NOON) for _ in range(10)))

    for sort in ("-started_at", "started_at", "-cost_usd", "-tokens", "-duration_seconds", "-last_event_at"):
        pages = [
            (await query_api.get("sessions", {"sort": sort, "page": n, "per_page": 3})).json() for n in range(1, 5)
        ]

        assert len({item["id"] for page in pages for item in page["data"]}) == 10


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (None, "edcba"),
        ("-started_at", "edcba"),
        ("started_at", "abcde"),
        ("-cost_usd", "bdace"),
        ("-tokens", "cabde"),
        ("-duration_seconds", "daceb"),
        ("-last_event_at", "cdbae"),
    ],
)
async def test_each_order(sort: str | None, order: str, query_store: QueryStore, query_api: QueryApi) -> None:
    """A list has the requested order; sessions without the measure come last."""
    costs, tokens = {"a": 2, "b": 9, "c": 1, "d": 5, "e": 0}, {"a": 7, "b": 5, "c": 9, "d": 3, "e": 1}
    durations, last_events = {"a": 8, "c": 5, "d": 9, "e": 1}, {"a": 1, "b": 2, "c": 9, "d": 8}
    query_store.put(
        *(
            session(
                external_id=name,
                started_at=NOON + at,
                models=[model("m", (0, tokens[name], 0, 0, 0), costs[name])],
                duration_ms=durations.get(name),
                last_event_at=NOON + last_events[name] if name in last_events else None,
            )
            for at, name in enumerate("abcde")
        )
    )

    for no_filter in (None, "2000-01-01T00:00:00Z"):  # with a filter, and without any
        found = (await query_api.get("sessions", {"sort": sort, "started_after": no_filter})).json()["data"]

        assert "".join(item["external_id"] for item in found) == order


async def test_a_session_without_an_outcome_has_the_outcome_none(query_store: QueryStore, query_api: QueryApi) -> None:
    """It is active, or its end named none; alone, and with others."""
    rows = {name: session(external_id=name, outcome=name) for name in ("success", "failure")}
    query_store.put(*rows.values(), session(external_id="active"), session(external_id="ended", ended_at=NOON))

    for path in ("sessions", "sessions/threads"):
        for asked, expected in (("none", {"active", "ended"}), ("none,failure", {"active", "ended", "failure"})):
            found = (await query_api.get(path, {"outcome": asked})).json()["data"]
            sessions = [one for item in found for one in item.get("conversations", [item])]
            assert {one["external_id"] for one in sessions} == expected


UNKNOWN = UUID("9b2f0000-0000-4000-8000-000000000000")
RUN, THREAD = UUID(int=0x1_4000_8000), UUID(int=0x2_4000_8000)


@pytest.mark.parametrize(
    ("params", "changes"),
    [
        ({"project_id": "prj_1"}, {"project_id": "prj_1"}),
        ({"repo": "acme/backend"}, {"repo": "acme/backend"}),
        ({"agent_name": "reviewer"}, {"agent_name": "reviewer"}),
        ({"agent_name": ""}, {"agent_name": ""}),
        ({"user_id": "bob"}, {"user_id": "bob"}),
        ({"current_user_only": True}, {"user_id": "owner"}),
        ({"status": "ended"}, {"ended_at": NOON}),
        ({"outcome": "failure"}, {"outcome": "failure", "ended_at": NOON}),
        ({"outcome": "failure,timeout"}, {"outcome": "timeout", "ended_at": NOON}),
        ({"model": "opus"}, {"models": [model("haiku"), model("opus")]}),
        ({"trigger": "import"}, {"trigger": "import"}),
        ({"run_id": RUN}, {"run_id": RUN}),
        ({"thread_id": THREAD}, {"thread_id": THREAD}),
        ({"external_id": "x-1"}, {"external_id": "x-1"}),
        ({"id_prefix": "9b2f41c0"}, {"session_id": UUID("9b2f41c0-0000-4000-8000-000000000000")}),
        ({"started_after": instant(NOON)}, {"started_at": NOON}),
        ({"started_before": instant(NOON - 2 * DAY_MS)}, {"started_at": NOON - 2 * DAY_MS - 1}),
        ({"started_after": "2026-01-20T14:00:00+02:00"}, {"started_at": NOON}),
        (
            {"started_after": instant(NOON - 5 * HOUR_MS), "started_before": instant(NOON - 5 * HOUR_MS + 1)},
            {"started_at": NOON - 5 * HOUR_MS},
        ),
        ({"project_id": "p", "repo": "r", "status": "ended"}, {"project_id": "p", "repo": "r", "ended_at": NOON}),
        (
            {"started_after": "2026-01-20T14:00:00+02:00", "project_id": "p", "model": "m1"},
            {"started_at": NOON, "project_id": "p", "models": [model("m1"), model("m2")]},
        ),
    ],
    ids=str,
)
async def test_each_filter(
    params: dict[str, Any], changes: dict[str, Any], query_store: QueryStore, query_api: QueryApi
) -> None:
    """A filter returns exactly the sessions that have the value; a session without a value does not match."""
    wanted = session(**changes)
    query_store.put(wanted, session(), session(project_id="p", repo="other", model="opus", agent_name="other"))

    reply = await query_api.get("sessions", params)

    assert [item["id"] for item in reply.json()["data"]] == [str(wanted.session_id)]
    assert reply.json()["meta"]["total_count"] == 1


@pytest.mark.parametrize(
    "params",
    [
        {"project_id": "p", "agent_name": "b"},
        {"repo": "acme"},
        {"outcome": "success"},
        {"run_id": str(UNKNOWN)},
        {"started_before": instant(NOON - 3 * HOUR_MS)},
        {"started_after": instant(NOON + 1)},
    ],
    ids=str,
)
async def test_a_filter_without_a_match(params: dict[str, Any], query_store: QueryStore, query_api: QueryApi) -> None:
    """A part of a value does not match; `started_before` excludes its moment; filters are joined by AND."""
    query_store.put(
        session(project_id="p", agent_name="a", repo="acme/backend", outcome="timeout", ended_at=NOON, started_at=NOON),
        session(agent_name="b", run_id=RUN, started_at=NOON - 3 * HOUR_MS),
    )

    reply = await query_api.get("sessions", params)

    assert (reply.json()["data"], reply.json()["meta"]["total_count"]) == ([], 0)


@pytest.mark.parametrize(
    ("params", "others"),
    [({"status": "active"}, {"ended_at": NOON}), ({"trigger": "interactive"}, {"trigger": "scheduled"})],
    ids=str,
)
async def test_a_default_is_a_value_of_a_filter(
    params: dict[str, Any], others: dict[str, Any], query_store: QueryStore, query_api: QueryApi
) -> None:
    """A session that has not ended is active; a trigger that was not sent is `interactive`."""
    usual = session()
    query_store.put(usual, session(**others))

    reply = (await query_api.get("sessions", params)).json()

    assert [(item["id"], item["status"]) for item in reply["data"]] == [(str(usual.session_id), "active")]
    assert reply["meta"]["total_count"] == 1


async def test_current_user_only_may_be_false(query_store: QueryStore, query_api: QueryApi) -> None:
    """It then has no effect."""
    rows = [session(user_id="owner", started_at=NOON), session(user_id="bob", started_at=NOON - 1)]
    query_store.put(*rows)

    found = (await query_api.get("sessions", {"current_user_only": "false"})).json()["data"]

    assert [item["id"] for item in found] == [str(row.session_id) for row in rows]


REFUSED: list[dict[str, Any]] = [
    {"page": 0},
    {"page": -1},
    {"page": (1 << 53) + 1},
    {"page": "x"},
    {"page": ""},
    {"per_page": 0},
    {"per_page": 101},
    {"sort": "cost_usd"},
    {"sort": ""},
    {"sort": "started_at,-cost_usd"},
    {"sort": "-title"},
    {"sort": "-started_at; DROP TABLE sessions"},
    {"status": "done"},
    {"outcome": "done"},
    {"id_prefix": "9b2f41c"},
    {"id_prefix": "9B2F41C0"},
    {"outcome": "failure,"},
    {"trigger": "cron"},
    {"run_id": "no-uuid"},
    {"started_after": "yesterday"},
    {"started_after": "2026-01-20T10:00:00"},
    {"current_user_only": "maybe"},
    {"repository": "misspelt"},
    {"cursor": "x"},
]


@pytest.mark.fault(row=18)
async def test_what_cannot_be_asked_for(query_api: QueryApi) -> None:
    """An unknown, mistyped or out-of-range parameter is a 422 that names it."""
    for params in REFUSED:
        reply = await query_api.get("sessions", params)

        assert reply.status_code == 422, (params, reply.text)
        assert set(reply.json()["details"]) == set(params)


async def test_the_ends_of_time(query_store: QueryStore, query_api: QueryApi) -> None:
    """A time beyond the range of the store filters like the nearest time in range."""
    query_store.put(session())

    counts = [
        (await query_api.get("sessions", params)).json()["meta"]["total_count"]
        for params in (
            {"started_after": "0001-01-01T00:00:00+14:00"},
            {"started_before": "9999-12-31T23:59:59-14:00"},
            {"started_after": "9999-12-31T23:59:59-14:00"},
            {"started_before": "0001-01-01T00:00:00+14:00"},
        )
    ]

    assert counts == [1, 1, 0, 0]


async def test_the_whole_session(query_store: QueryStore, query_api: QueryApi) -> None:
    """A session has all fields of the API and its log position."""
    row = session(
        version=1842,
        log_partition=2,
        run_id=RUN,
        parent_id=uuid4(),
        relation="resume",
        external_id="x",
        project_id="prj_1",
        repository_id="repo_abc123",
        repo="acme/backend",
        remote_url="git@github.com:acme/backend",
        component="api",
        branch="main",
        agent_name="reviewer",
        model="opus",
        title="A title",
        summary='It\'s\n"done" \\ ✓',
        last_event_at=NOON - 1,
        ended_at=NOON + 7,
        outcome="success",
        duration_ms=812_400,
        models=[
            ModelTotals("opus", 1, 2, 3, 4, 5, 45_000_001, "reported"),
            ModelTotals("", 6, 0, 0, 0, 0, 1, "priced"),
        ],
        **dict(zip(("events", "prompts", "tool_calls", "tool_errors", "tasks"), range(1, 6), strict=True)),
        **dict(zip(("subagents", "compactions", "unknown_events"), range(6, 9), strict=True)),
        tools=[ToolTotals("Bash", 3, 1, 250)],
        client="claude-code",
        client_version="2.1.332",
        is_reported=True,
        measured=[ModelTotals("opus", 1, 2, 3, 4, 5, 6, "measured")],
        agents=[AgentTotals("", "", 2, 7, 5), AgentTotals("a1", "Explore", 1, 3, 1)],
        **dict(zip(("api_requests", "api_errors", "lines_added"), range(1, 4), strict=True)),
        **dict(zip(("lines_removed", "commits", "pull_requests", "active_ms"), range(4, 8), strict=True)),
        redactions={"aws_access_key": 1},
    )
    query_store.put(row)

    reply = await query_api.get(f"sessions/{row.session_id}")

    assert reply.status_code == 200
    assert reply.json() == {"data": EXPECTED | _ids(row), "meta": {}}


EXPECTED: dict[str, Any] = {
    "org_id": "acme",
    "relation": "resume",
    "external_id": "x",
    "status": "ended",
    "outcome": "success",
    "trigger": "interactive",
    "sensitive": False,
    "project_id": "prj_1",
    "repository_id": "repo_abc123",
    "repo": "acme/backend",
    "remote_url": "git@github.com:acme/backend",
    "component": "api",
    "branch": "main",
    "agent_name": "reviewer",
    "model": "opus",
    "user_id": "alice",
    "title": "A title",
    "summary": 'It\'s\n"done" \\ ✓',
    "started_at": "2026-01-20T11:00:00.000Z",
    "last_event_at": "2026-01-20T11:59:59.999Z",
    "ended_at": "2026-01-20T12:00:00.007Z",
    "duration_seconds": 812.4,
    "model_metrics": {
        "input_tokens": 7,
        "output_tokens": 2,
        "cache_read_tokens": 3,
        "cache_creation_tokens": 4,
        "cache_creation_1h_tokens": 5,
        "cost_usd": 0.045000002,
    },
    "models": [
        {
            "model": "opus",
            "input_tokens": 1,
            "output_tokens": 2,
            "cache_read_tokens": 3,
            "cache_creation_tokens": 4,
            "cache_creation_1h_tokens": 5,
            "cost_usd": 0.045000001,
            "cost_source": "reported",
        },
        {
            "model": "",
            "input_tokens": 6,
            "output_tokens": 0,
            "cache_read_tokens": 0,
            "cache_creation_tokens": 0,
            "cache_creation_1h_tokens": 0,
            "cost_usd": 0.000000001,
            "cost_source": "priced",
        },
    ],
    "counts": {
        "events": 1,
        "prompts": 2,
        "tool_calls": 3,
        "tool_errors": 4,
        "tasks": 5,
        "subagents": 6,
        "compactions": 7,
        "unknown_events": 8,
    },
    "tools": [{"tool_name": "Bash", "calls": 3, "errors": 1, "total_duration_ms": 250}],
    "client": "claude-code",
    "client_version": "2.1.332",
    "agents": [
        {"agent_type": None, "agent_id": None, "requests": 2, "tokens": 7, "cost_usd": 0.000000005},
        {"agent_type": "Explore", "agent_id": "a1", "requests": 1, "tokens": 3, "cost_usd": 0.000000001},
    ],
    "work": {
        "lines_added": 3,
        "lines_removed": 4,
        "commits": 5,
        "pull_requests": 6,
        "active_seconds": 0.007,
        "api_requests": 1,
        "api_errors": 2,
    },
    "redactions": {"aws_access_key": 1},
    "position": "2:1841",
}
_MEASURED = {
    "input_tokens": 1,
    "output_tokens": 2,
    "cache_read_tokens": 3,
    "cache_creation_tokens": 4,
    "cache_creation_1h_tokens": 5,
    "cost_usd": 0.000000006,
}
EXPECTED["usage"] = {
    "reported": {**EXPECTED["model_metrics"], "models": EXPECTED["models"]},
    "measured": {**_MEASURED, "models": [{"model": "opus", **_MEASURED, "cost_source": "measured"}]},
}


async def test_what_is_absent_is_null(query_store: QueryStore, query_api: QueryApi) -> None:
    """A bare session has null for absent fields and zero for counts."""
    row = session()
    query_store.put(row)

    shown = (await query_api.get(f"sessions/{row.session_id}")).json()["data"]

    assert {name for name, value in shown.items() if value is None} == {
        *("run_id", "parent_id", "relation", "external_id", "outcome", "project_id", "repository_id", "repo"),
        *("remote_url", "component", "branch", "agent_name", "model", "title", "summary"),
        *("last_event_at", "ended_at", "duration_seconds", "client", "client_version"),
    }
    assert set(shown["counts"].values()) == {0}


async def test_the_latest_state_is_shown_once(query_store: QueryStore, query_api: QueryApi) -> None:
    """Lists and single reads show the state with the highest version."""
    row = session(title="first", version=1)
    later = session(session_id=row.session_id, started_at=row.started_at, title="later", version=2)
    query_store.put(later)
    query_store.put(row)

    alone = (await query_api.get(f"sessions/{row.session_id}")).json()["data"]
    listed = (await query_api.get("sessions")).json()["data"]

    assert alone["title"] == "later"
    assert listed == [alone]


async def test_an_older_state_is_not_found(query_store: QueryStore, query_api: QueryApi) -> None:
    """A filter does not match an outdated state, even in a distant part."""
    row = session(project_id="before", started_at=NOON - HOUR_MS)
    later = session(session_id=row.session_id, started_at=row.started_at, project_id="after", version=2)
    others = [session(started_at=NOON - number * 10_000, project_id="other") for number in range(2_000)]
    query_store.put(row, *others[:600])
    query_store.put(later, *others[600:])

    assert (await query_api.get("sessions", {"project_id": "before"})).json()["data"] == []
    (shown,) = (await query_api.get("sessions", {"project_id": "after"})).json()["data"]
    assert shown == (await query_api.get(f"sessions/{row.session_id}")).json()["data"]
    assert shown["project_id"] == "after"
    assert (await query_api.get("sessions", {"per_page": 1})).json()["meta"]["total_count"] == 2_001


@pytest.mark.parametrize(
    "session_id", ["x", "../acme", str(UNKNOWN), f"{{{UNKNOWN}}}", UNKNOWN.hex, "%00", str(UUID(int=0))]
)
async def test_an_unknown_id_is_not_found(session_id: str, query_api: QueryApi) -> None:
    """An id in any format that was not made here is a 404 at once."""
    reply = await query_api.get(f"sessions/{session_id}")

    assert reply.status_code == 404
    assert reply.elapsed.total_seconds() < one.WAIT_S / 2


async def test_a_session_that_is_about_to_come_is_waited_for(
    query_store: QueryStore, query_api: QueryApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id made for the org is shown once it is projected, even after the request."""
    row = session()

    async def projected_meanwhile(_seconds: float) -> None:
        query_store.put(row)

    monkeypatch.setattr(one.asyncio, "sleep", projected_meanwhile)
    reply = await query_api.get(f"sessions/{row.session_id}")

    assert reply.status_code == 200


async def test_waiting_for_a_session_ends(query_api: QueryApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """An id made for the org that does not come in time is a 404."""
    monkeypatch.setattr(one, "WAIT_S", 0.1)

    reply = await query_api.get(f"sessions/{mint(SECRETS, 'session', 'acme', new_thread(None), False, None)}")

    assert reply.status_code == 404


async def test_what_the_caller_has_is_not_sent_again(query_store: QueryStore, query_api: QueryApi) -> None:
    """The tag changes with the data and the generation; the current tag returns 304."""
    row = session()
    query_store.put(row)
    path = f"sessions/{row.session_id}"

    first = await query_api.get(path)
    tag = first.headers["ETag"]
    again = await query_api.get(path, headers={"If-None-Match": f'"other", {tag}'})
    query_store.put(session(session_id=row.session_id, started_at=row.started_at, title="new", version=9))
    changed = await query_api.get(path, headers={"If-None-Match": tag})

    assert tag.startswith('W/"')
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert again.headers["X-Complete-Through"] == instant(NOON)
    assert changed.status_code == 200
    assert changed.json()["data"]["title"] == "new"


async def test_a_list_is_sent_again_once_a_session_changes(query_store: QueryStore, query_api: QueryApi) -> None:
    """The current tag returns 304; after a change the old tag returns the new list with another tag."""
    row = session(title="old")
    query_store.put(row)
    tag = (await query_api.get("sessions")).headers["ETag"]

    same = await query_api.get("sessions", headers={"If-None-Match": tag})
    query_store.put(session(session_id=row.session_id, started_at=row.started_at, title="new", version=9))
    other = await query_api.get("sessions", headers={"If-None-Match": tag})

    assert tag.startswith('W/"')
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    assert same.headers["X-Complete-Through"] == instant(NOON)
    assert (other.status_code, other.json()["data"][0]["title"]) == (200, "new")
    assert other.headers["ETag"] != tag


async def test_names_in_the_path_are_no_ids(query_api: QueryApi) -> None:
    """`threads` and `filters` are lists, not sessions; other words are unknown ids."""
    replies = [await query_api.get(f"sessions/{name}") for name in ("threads", "filters", "nothing")]

    assert [reply.status_code for reply in replies] == [200, 200, 404]


async def test_a_list_whose_count_changes_is_another_list(query_store: QueryStore, query_api: QueryApi) -> None:
    """A page with the same sessions but another total has another tag."""
    query_store.put(session(started_at=NOON))
    tag = (await query_api.get("sessions", {"per_page": 1})).headers["ETag"]
    query_store.put(session(started_at=NOON - HOUR_MS))

    reply = await query_api.get("sessions", {"per_page": 1}, headers={"If-None-Match": tag})

    assert reply.status_code == 200
    assert reply.json()["meta"]["total_count"] == 2


def _ids(row: Any) -> dict[str, str]:
    named = {"id": row.session_id, "run_id": row.run_id, "thread_id": row.thread_id, "parent_id": row.parent_id}
    return {name: str(value) for name, value in named.items()}
