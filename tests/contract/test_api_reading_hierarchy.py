"""API section "Reading", `GET …/:id/hierarchy`."""

from typing import Any

import pytest

from tests.support.clients.sending import Org, hook, ids
from tests.support.rigs.installation import Installation

NODE = [
    *("id", "kind", "name", "status", "started_at", "ended_at", "duration_ms", "agent_type", "parent_task_id"),
    *("tool_calls", "children"),
]
PRE, POST = "PreToolUse", "PostToolUse"


@pytest.fixture
def org(installation: Installation, fresh_org: str) -> Org:
    """Return an org of this test."""
    return Org(installation, fresh_org)


def at(second: int) -> str:
    """Return a time of the test."""
    return f"2026-01-20T10:00:{second:02d}.000Z"


def tool(event_type: str, second: int, use: str, **data: Any) -> dict[str, Any]:
    """Return one half (start or end) of a Bash call."""
    return hook(event_type, at(second), tool_name="Bash", tool_use_id=use, **data)


def test_a_run_is_shown_with_what_happened_inside_it(org: Org) -> None:
    """A conversation contains subagents by type, tasks by subject, and tool calls below their agent."""
    session = org.create(started_at=at(0))
    org.record(
        session,
        hook("SubagentStart", at(1), agent_id="a1", agent_type="reviewer"),
        tool(PRE, 2, "t1", agent_id="a1"),
        tool(POST, 4, "t1", agent_id="a1", duration_ms=1500),
        hook("TaskCreated", at(3), task_id="7", task_subject="Fix it", agent_id="a1"),
        hook("TaskCompleted", at(9), task_id="7", task_subject="Fix it"),
        hook("SubagentStop", at(8), agent_id="a1", agent_type="reviewer"),
        tool(PRE, 5, "t2"),
        hook("PostToolUseFailure", at(6), tool_name="Bash", tool_use_id="t2", error="no"),
    )
    path = f"sessions/{session['id']}/hierarchy"

    data = org.data(path, include="tools")
    without = org.data(path)

    assert list(data) == ["run"]
    assert list(data["run"]) == ["id", "started_at", "ended_at", "totals", "conversations"]
    assert (data["run"]["id"], data["run"]["started_at"], data["run"]["ended_at"]) == (session["run_id"], at(0), None)
    assert data["run"]["totals"] == {"sessions": 1, "events": 8, "tool_calls": 2, "tokens": 0, "cost_usd": 0.0}
    (conversation,) = data["run"]["conversations"]
    whole = org.data(f"sessions/{session['id']}")
    assert {name: conversation[name] for name in whole} == whole
    assert set(conversation) - set(whole) == {"tasks", "truncated"}
    assert conversation["truncated"] is False
    agent, failed = conversation["tasks"]
    assert list(agent) == NODE
    assert agent | {"children": []} == {
        "id": "a1",
        "kind": "subagent",
        "name": "reviewer",
        "status": "completed",
        "started_at": at(1),
        "ended_at": at(8),
        "duration_ms": 7000,
        "agent_type": "reviewer",
        "parent_task_id": None,
        "tool_calls": 1,
        "children": [],
    }
    used, task = agent["children"]
    assert (used["id"], used["kind"], used["name"], used["status"]) == ("t1", "tool", "Bash", "completed")
    assert (used["duration_ms"], used["parent_task_id"], used["agent_type"]) == (1500, "a1", None)
    assert (task["id"], task["kind"], task["name"], task["status"]) == ("7", "task", "Fix it", "completed")
    assert (task["duration_ms"], task["parent_task_id"]) == (6000, "a1")
    assert (failed["id"], failed["status"], failed["duration_ms"]) == ("t2", "failed", 1000)
    (agent,) = without["run"]["conversations"][0]["tasks"]
    assert [child["kind"] for child in agent["children"]] == ["task"]


def test_halves_without_their_partner_still_show(org: Org) -> None:
    """A start without an end is running; an end without a start, or an agent that is only named, is unknown."""
    session = org.create()
    org.record(
        session,
        hook("SubagentStart", at(1), agent_id="started", agent_type="x"),
        hook("SubagentStop", at(2), agent_id="stopped"),
        hook("Notification", at(3), agent_id="named"),
        hook("TaskCreated", at(4), task_id="created", task_subject="s"),
        hook("TaskCompleted", at(5), task_id="completed", task_subject="s", agent_id="named"),
        tool(PRE, 6, "pre"),
        tool(POST, 7, "post"),
        hook("PostToolUseFailure", at(8), tool_use_id="failure"),
        hook("PermissionDenied", at(9), tool_use_id="denied"),
    )

    (conversation,) = org.data(f"sessions/{session['id']}/hierarchy", include="tools")["run"]["conversations"]

    nodes = {node["id"]: node for node in _all(conversation["tasks"])}
    assert {name: node["status"] for name, node in nodes.items()} == {
        **dict.fromkeys(("started", "created", "pre"), "running"),
        **dict.fromkeys(("stopped", "named", "completed", "post"), "unknown"),
        "failure": "failed",
        "denied": "denied",
    }
    assert [node["id"] for node in nodes["named"]["children"]] == ["completed"]
    for name in ("started", "created", "pre"):
        assert (nodes[name]["ended_at"], nodes[name]["duration_ms"]) == (None, None)
    assert (nodes["post"]["started_at"], nodes["post"]["ended_at"]) == (None, at(7))
    assert (nodes["named"]["started_at"], nodes["named"]["name"], nodes["failure"]["name"]) == (None, None, None)


def test_the_conversations_of_a_run_add_up(org: Org) -> None:
    """Every conversation returns all of them in order of start; the run ends when all have ended."""
    first = org.create(started_at=at(0))
    second = org.create(run_id=first["run_id"], started_at=at(5))
    third = org.create(parent_id=second["id"], relation="resume", run_id=first["run_id"], started_at=at(9))
    org.create()
    for n, session in enumerate((third, first, second)):
        org.record(session, *(tool(PRE, k, f"t{k}") for k in range(n + 1)))
        metrics = {"input_tokens": 10, "cache_read_tokens": 5, "cost_usd": 0.000000001}
        org.write("PATCH", f"sessions/{session['id']}", {"model_metrics": metrics})
    running = org.data(f"sessions/{second['id']}/hierarchy")["run"]
    for n, session in enumerate((first, second, third)):
        org.write("POST", f"sessions/{session['id']}/end", {"ended_at": at(30 - n)})

    run = org.data(f"sessions/{third['id']}/hierarchy")["run"]

    assert ids(run["conversations"]) == ids(running["conversations"]) == [first["id"], second["id"], third["id"]]
    assert run["totals"] == running["totals"]
    assert run["totals"] == {"sessions": 3, "events": 6, "tool_calls": 6, "tokens": 45, "cost_usd": 0.000000003}
    assert (running["ended_at"], run["started_at"], run["ended_at"]) == (None, at(0), at(30))


def test_a_conversation_shows_5000_nodes(org: Org) -> None:
    """A larger one is marked truncated; subagents and tasks take precedence over tool calls."""
    session, other = org.create(), None
    other = org.create(run_id=session["run_id"])
    for first in (0, 3000):
        org.record(session, *(tool(PRE, 1, f"t{n}") for n in range(first, first + 3000)))
    org.record(session, hook("TaskCreated", at(9), task_id="1", task_subject="s"))
    org.record(other, tool(PRE, 1, "t"))
    path = f"sessions/{session['id']}/hierarchy"

    cut, whole = org.data(path, include="tools")["run"]["conversations"]
    tasks, _ = org.data(path)["run"]["conversations"]

    assert (len(cut["tasks"]), cut["truncated"]) == (5000, True)
    assert cut["tasks"][-1]["kind"] == "task"
    assert (len(whole["tasks"]), whole["truncated"]) == (1, False)
    assert (ids(tasks["tasks"]), tasks["truncated"]) == (["1"], False)


def test_a_hierarchy_shows_only_what_the_caller_may_see(org: Org, installation: Installation) -> None:
    """A member's list and totals leave out other users' conversations; hidden sessions are a 404."""
    mine = org.create(user="alice")
    other = org.create(user="bob", run_id=mine["run_id"])
    org.record(mine, hook("Stop"))
    org.record(other, hook("Stop"), hook("SubagentStart", agent_id="secret"))
    path = f"sessions/{mine['id']}/hierarchy"

    as_member = org.get(path, user="alice", role="member")
    as_manager = org.data(path, user="carol", role="manager")["run"]
    hidden = [
        org.get(path, user="bob", role="member"),
        org.get(f"sessions/{other['id']}/hierarchy", user="alice", role="viewer"),
        Org(installation, f"{org.org}-2").get(path),
        org.get("sessions/threads/hierarchy"),
    ]

    run = as_member.json()["data"]["run"]
    assert ids(run["conversations"]) == [mine["id"]]
    assert (run["totals"]["sessions"], run["totals"]["events"]) == (1, 1)
    assert "bob" not in as_member.text
    assert (as_manager["totals"]["sessions"], as_manager["totals"]["events"]) == (2, 3)
    assert {(reply.status_code, reply.json()["code"]) for reply in hidden} == {(404, "not_found")}


def test_a_session_in_which_nothing_happened(org: Org) -> None:
    """It is shown without nodes; unknown values of `include` are refused."""
    session = org.create()
    path = f"sessions/{session['id']}/hierarchy"

    run = org.data(path)["run"]

    assert run["conversations"][0]["tasks"] == []
    assert run["totals"]["sessions"] == 1
    for params in ({"include": "events"}, {"include": ""}, {"page": 1}):
        reply = org.get(path, **params)
        assert (reply.status_code, list(reply.json()["details"])) == (422, list(params))


def _all(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [found for node in nodes for found in (node, *_all(node["children"]))]
