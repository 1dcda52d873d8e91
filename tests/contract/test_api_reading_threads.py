"""API section "Reading", `GET …/sessions/threads`."""

from typing import Any

import pytest

from tests.support.clients.sending import Org, hook, ids
from tests.support.rigs.installation import Installation


@pytest.fixture
def org(installation: Installation, fresh_org: str) -> Org:
    """Return an org of this test."""
    return Org(installation, fresh_org)


def at(hour: int) -> str:
    """Return a time of the test."""
    return f"2026-01-20T{hour:02d}:00:00.000Z"


def test_a_thread_is_what_continues_one_another(org: Org) -> None:
    """Resume, fork and compact stay in the thread, clear starts another; totals and times cover the whole thread."""
    first = org.create(started_at=at(1), project_id="p")
    resumed = org.create(parent_id=first["id"], relation="resume", started_at=at(3))
    forked = org.create(parent_id=resumed["id"], relation="fork", started_at=at(2))
    cleared = org.create(parent_id=first["id"], relation="clear", started_at=at(4))
    org.record(first, hook("Stop", at(5)), hook("PreToolUse", at(5), tool_use_id="t"))
    org.record(forked, hook("Stop", at(9)))
    org.write("PATCH", f"sessions/{resumed['id']}", {"model_metrics": {"output_tokens": 7, "cost_usd": 0.5}})

    reply = org.get("sessions/threads")

    newest, other = reply.json()["data"]
    assert list(newest) == ["thread_id", "started_at", "last_event_at", "totals", "conversations"]
    assert newest["thread_id"] == first["thread_id"] == forked["thread_id"]
    assert (newest["started_at"], newest["last_event_at"]) == (at(1), at(9))
    assert newest["totals"] == {"sessions": 3, "events": 3, "tool_calls": 1, "tokens": 7, "cost_usd": 0.5}
    assert ids(newest["conversations"]) == [first["id"], forked["id"], resumed["id"]]
    assert newest["conversations"][0] == org.data(f"sessions/{first['id']}")
    assert (ids(other["conversations"]), other["last_event_at"]) == ([cleared["id"]], None)
    assert reply.json()["meta"] == {"current_page": 1, "per_page": 25, "total_pages": 1, "total_count": 2}


def test_threads_come_in_pages_the_latest_activity_first(org: Org) -> None:
    """The order is by the last event of any conversation, else by start; past the end data is empty, `meta` correct."""
    starts = {hour: org.create(started_at=at(hour), title=str(hour)) for hour in (5, 1, 7, 3)}
    child = org.create(parent_id=starts[1]["id"], relation="compact", started_at=at(2))
    org.record(child, hook("Stop", at(6)))

    pages = [org.get("sessions/threads", page=page, per_page=3).json() for page in (1, 2, 3)]

    assert [thread["conversations"][0]["title"] for page in pages for thread in page["data"]] == ["7", "1", "5", "3"]
    assert [(page["meta"]["total_pages"], page["meta"]["total_count"]) for page in pages] == [(2, 4)] * 3
    assert pages[2]["data"] == []


def test_a_thread_is_shown_whole_if_one_of_its_conversations_matches(org: Org) -> None:
    """This holds for each filter of the list; one conversation must match all filters."""
    fields: dict[str, Any] = {"project_id": "p", "agent_name": "a", "external_id": "x", "trigger": "headless"}
    one = org.create(remote_url="https://example.com/acme/backend", started_at=at(1), **fields)
    two = org.create(parent_id=one["id"], relation="resume", started_at=at(8), project_id="q")
    org.create(project_id="p", started_at=at(4))
    metrics = {"models": [{"model": "m", "input_tokens": 1}]}
    org.write("POST", f"sessions/{one['id']}/end", {"outcome": "failure", "ended_at": at(9), "model_metrics": metrics})

    matches: list[dict[str, Any]] = [
        {"agent_name": "a"},
        {"external_id": "x"},
        {"trigger": "headless"},
        {"repo": "acme/backend"},
        {"model": "m"},
        {"outcome": "failure"},
        {"status": "ended"},
        {"run_id": one["run_id"]},
        {"thread_id": one["thread_id"]},
        {"project_id": "q"},
        {"started_after": at(8)},
        {"started_before": at(2)},
        {"project_id": "p", "user_id": "alice", "agent_name": "a", "current_user_only": True},
    ]
    for params in matches:
        assert [ids(thread["conversations"]) for thread in org.data("sessions/threads", **params)] == [
            [one["id"], two["id"]]
        ], params
    for params in ({"project_id": "q", "agent_name": "a"}, {"user_id": "bob"}, {"project_id": "none"}):
        assert org.get("sessions/threads", **params).json()["meta"]["total_count"] == 0, params
    assert org.get("sessions/threads", project_id="p").json()["meta"]["total_count"] == 2


def test_a_thread_shows_only_what_the_caller_may_see(org: Org) -> None:
    """For a member, other users' conversations are not listed, not counted, and match no filter."""
    mine = org.create(user="alice", started_at=at(1))
    other = org.create(user="bob", parent_id=mine["id"], relation="resume", started_at=at(2), project_id="secret")
    org.create(user="bob", started_at=at(3))
    org.record(other, hook("Stop", at(9)))

    as_member = org.get("sessions/threads", user="alice", role="member")
    matched = org.data("sessions/threads", user="alice", role="member", project_id="secret")
    as_manager = org.data("sessions/threads", user="carol", role="manager")
    own_of_manager = org.data("sessions/threads", user="alice", role="manager", current_user_only=True)

    (thread,) = as_member.json()["data"]
    assert (ids(thread["conversations"]), thread["totals"]["sessions"], thread["last_event_at"]) == (
        [mine["id"]],
        1,
        None,
    )
    assert "bob" not in as_member.text
    assert matched == []
    assert [len(thread["conversations"]) for thread in as_manager] == [2, 1]
    assert [ids(thread["conversations"]) for thread in own_of_manager] == [[mine["id"], other["id"]]]
    assert org.get("sessions/threads", user="alice", role="member", user_id="bob").status_code == 403


def test_what_cannot_be_asked_of_threads(org: Org) -> None:
    """Wrong parameters are a 422 as in the list; `sort` does not exist."""
    wrong: list[tuple[str, Any]] = [("sort", "-started_at"), ("page", 0), ("per_page", 101), ("status", "done")]
    for name, value in wrong:
        reply = org.get("sessions/threads", **{name: value})
        assert (reply.status_code, list(reply.json()["details"])) == (422, [name])
