"""API section "Reading", `GET …/sessions`."""

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


def test_a_list_finds_and_orders_what_was_written(org: Org) -> None:
    """Every filter and every order works on the values of real writes."""
    url = "ssh://git@github.com/acme/backend.git"
    fields: dict[str, Any] = {"project_id": "p", "agent_name": "a", "external_id": "x", "trigger": "scheduled"}
    one = org.create(remote_url=url, started_at=at(3), **fields)
    metrics = {"models": [{"model": "m1"}, {"model": "m2", "cache_read_tokens": 5, "cost_usd": 0.2}]}
    org.write("PATCH", f"sessions/{one['id']}", {"model_metrics": metrics})
    org.record(one, hook("Stop", at(4)))
    org.write("POST", f"sessions/{one['id']}/end", {"outcome": "timeout", "ended_at": at(5)})
    two = org.create(user="bob", project_id="q", started_at=at(9))

    filters: dict[str, Any] = {
        **fields,
        "repo": "acme/backend",
        "status": "ended",
        "outcome": "timeout",
        "model": "m2",
        "user_id": "alice",
        "current_user_only": "true",
        "run_id": one["run_id"],
        "thread_id": one["thread_id"],
        "started_after": "2026-01-20T05:00:00+02:00",
        "started_before": at(9),
    }
    found = org.get("sessions", **filters)

    assert (ids(found.json()["data"]), found.json()["meta"]["total_count"]) == ([one["id"]], 1)
    for name, value in filters.items():
        expected = [two["id"], one["id"]] if name == "started_after" else [one["id"]]
        assert ids(org.data("sessions", **{name: value})) == expected, name
    assert ids(org.data("sessions")) == [two["id"], one["id"]]
    for sort in ("started_at", "-cost_usd", "-tokens", "-duration_seconds", "-last_event_at"):
        assert ids(org.data("sessions", sort=sort)) == [one["id"], two["id"]], sort
