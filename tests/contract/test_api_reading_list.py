"""API section "Reading", `GET …/sessions`, on `up` and `stack`."""

from typing import Any
from uuid import uuid4

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


def test_each_filter(org: Org) -> None:
    """Each works alone and with others; a session without the value is no match; `model` is any of its models."""
    url = "ssh://git@github.com/acme/backend.git"
    fields: dict[str, Any] = {"project_id": "p", "agent_name": "a", "external_id": "x", "trigger": "scheduled"}
    one = org.create(remote_url=url, started_at=at(9), **fields)
    org.write("PATCH", f"sessions/{one['id']}", {"model_metrics": {"models": [{"model": "m1"}, {"model": "m2"}]}})
    org.write("POST", f"sessions/{one['id']}/end", {"outcome": "timeout"})
    two = org.create(user="bob", project_id="q", started_at=at(3))

    of_one: list[dict[str, Any]] = [
        {"project_id": "p"},
        {"repo": "acme/backend"},
        {"agent_name": "a"},
        {"external_id": "x"},
        {"trigger": "scheduled"},
        {"status": "ended"},
        {"outcome": "timeout"},
        {"model": "m2"},
        {"user_id": "alice"},
        {"current_user_only": "true"},
        {"run_id": one["run_id"]},
        {"thread_id": one["thread_id"]},
        {"started_after": at(9)},
        {"started_after": "2026-01-20T11:00:00+02:00", "project_id": "p", "model": "m1"},
    ]
    of_two: list[dict[str, Any]] = [
        {"status": "active"},
        {"user_id": "bob"},
        {"trigger": "interactive"},
        {"started_before": at(9)},
        {"started_after": at(3), "started_before": "2026-01-20T03:00:00.001Z"},
    ]
    of_none: list[dict[str, Any]] = [
        {"project_id": "p", "agent_name": "b"},
        {"repo": "acme"},
        {"outcome": "success"},
        {"run_id": str(uuid4())},
        {"started_before": at(3)},
        {"started_after": "2026-01-20T09:00:00.001Z"},
    ]
    for expected, questions in (([one["id"]], of_one), ([two["id"]], of_two), ([], of_none)):
        for params in questions:
            reply = org.get("sessions", **params)
            assert ids(reply.json()["data"]) == expected, params
            assert reply.json()["meta"]["total_count"] == len(expected), params
    assert ids(org.data("sessions", current_user_only="false")) == [one["id"], two["id"]]


def test_each_order(org: Org) -> None:
    """The newest is first by default; sessions without the measure come last."""
    made = {}
    for n, name in enumerate("abc"):
        made[name] = org.create(started_at=at(n), external_id=name)
    totals = {"a": (5, 0.2), "b": (9, 0.1), "c": (1, 0.3)}
    for name, (tokens, cost) in totals.items():
        metrics = {"cache_read_tokens": tokens, "cost_usd": cost}
        org.write("PATCH", f"sessions/{made[name]['id']}", {"model_metrics": metrics})
    org.record(made["a"], hook("Stop", at(10)))
    org.record(made["b"], hook("Stop", at(9)))
    org.write("POST", f"sessions/{made['b']['id']}/end", {"ended_at": at(20)})

    orders = {
        None: "cba",
        "-started_at": "cba",
        "started_at": "abc",
        "-cost_usd": "cab",
        "-tokens": "bac",
        "-duration_seconds": "bac",
        "-last_event_at": "abc",
    }
    for sort, order in orders.items():
        found = org.data("sessions", **({} if sort is None else {"sort": sort}))
        assert "".join(session["external_id"] for session in found) == order, sort
    for sort in ("cost_usd", "", "started_at,-cost_usd", "-title"):
        assert org.get("sessions", sort=sort).status_code == 422


def test_pages(org: Org) -> None:
    """Pages together have each session once; one past the end is empty with correct `meta`; out of range is a 422."""
    made = [org.create(started_at=at(1))["id"] for _ in range(5)]

    pages = [org.get("sessions", page=page, per_page=2).json() for page in (1, 2, 3, 4, 1 << 40)]

    assert sorted(session["id"] for page in pages for session in page["data"]) == sorted(made)
    assert [len(page["data"]) for page in pages] == [2, 2, 1, 0, 0]
    for number, page in zip((1, 2, 3, 4, 1 << 40), pages, strict=True):
        assert page["meta"] == {"current_page": number, "per_page": 2, "total_pages": 3, "total_count": 5}
    assert len(org.data("sessions", per_page=100)) == 5
    wrong: list[tuple[str, Any]] = [
        *(("page", value) for value in (0, -1, "x", "")),
        *(("per_page", value) for value in (0, 101)),
        *(("status", "done"), ("outcome", "none"), ("trigger", "cron"), ("run_id", "x"), ("started_after", "x")),
        *(("repository", "x"), ("current_user_only", "perhaps"), ("cursor", "x")),
    ]
    for name, value in wrong:
        reply = org.get("sessions", **{name: value})
        assert (reply.status_code, list(reply.json()["details"])) == (422, [name]), name


def test_each_role_sees_what_it_may(org: Org) -> None:
    """Members and viewers see own sessions, other roles all; only the latter may filter by another user."""
    mine, theirs = org.create(user="alice"), org.create(user="bob")

    for role in ("member", "viewer"):
        assert ids(org.data("sessions", user="alice", role=role)) == [mine["id"]]
        assert org.get("sessions", user="alice", role=role).json()["meta"]["total_count"] == 1
        assert org.get("sessions", user="alice", role=role, user_id="bob").status_code == 403
        assert ids(org.data("sessions", user="bob", role=role, user_id="bob")) == [theirs["id"]]
    for role in ("owner", "admin", "manager"):
        assert len(org.data("sessions", user="carol", role=role)) == 2
        assert org.data("sessions", user="carol", role=role, current_user_only="true") == []


def test_a_list_that_is_known_is_not_sent_again(org: Org) -> None:
    """A known list is 304 until it changes, with a fresh `X-Complete-Through`."""
    session = org.create()
    tag = org.get("sessions").headers["ETag"]
    path = f"/api/v1/{org.org}/sessions"

    same = org.client().get(path, headers={"If-None-Match": tag})
    org.write("PATCH", f"sessions/{session['id']}", {"title": "new"})
    org.data("sessions")
    other = org.client().get(path, headers={"If-None-Match": tag})

    assert tag.startswith('W/"')
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    assert "X-Complete-Through" in same.headers
    assert (other.status_code, other.json()["data"][0]["title"]) == (200, "new")
    assert other.headers["ETag"] != tag


def test_names_in_the_path_are_no_ids(org: Org) -> None:
    """`threads` and `filters` are lists, not sessions; other words are unknown ids."""
    assert [org.get(f"sessions/{name}").status_code for name in ("threads", "filters", "nothing")] == [200, 200, 404]
