"""API section "Reading", `GET …/sessions/filters`."""

import pytest

from tests.support.clients.sending import Org
from tests.support.rigs.installation import Installation

NOTHING: dict[str, list[str]] = {"projects": [], "repos": [], "agents": [], "models": [], "users": []}


@pytest.fixture
def org(installation: Installation, fresh_org: str) -> Org:
    """Return an org of this test."""
    return Org(installation, fresh_org)


def test_the_values_that_occur_most_used_first(org: Org) -> None:
    """Each value occurs once, ordered by number of sessions, then by name; absent values are left out."""
    assert org.data("sessions/filters") == NOTHING
    url = "git@github.com:acme/{}"
    made = [
        org.create(project_id="rare", agent_name="b", remote_url=url.format("api"), started_at="2024-05-01T00:00:00Z"),
        org.create(project_id="often", agent_name="a", remote_url=url.format("web"), user="bob"),
        org.create(project_id="often", user="bob"),
        org.create(agent_name="c", model="unused"),
    ]
    for n, model in enumerate(("m2", "m1", "m1")):
        metrics = {"models": [{"model": model, "input_tokens": 1}]}
        org.write("PATCH", f"sessions/{made[n]['id']}", {"model_metrics": metrics})
    org.write("PATCH", f"sessions/{made[3]['id']}", {"agent_name": None, "model_metrics": {"input_tokens": 5}})

    assert org.data("sessions/filters") == {
        "projects": ["often", "rare"],
        "repos": ["acme/api", "acme/web"],
        "agents": ["a", "b"],
        "models": ["m1", "m2", "unused"],
        "users": ["alice", "bob"],
    }


def test_names_of_people_are_for_managers_and_up(org: Org, installation: Installation) -> None:
    """Members and viewers get the values of their own sessions, but no users; another org gets nothing."""
    org.create(user="alice", project_id="mine")
    org.create(user="bob", project_id="secret")

    for role in ("member", "viewer"):
        found = org.get("sessions/filters", user="alice", role=role)
        assert found.json()["data"] == {**NOTHING, "projects": ["mine"]}
    for role in ("owner", "admin", "manager"):
        assert org.data("sessions/filters", user="carol", role=role)["users"] == ["alice", "bob"]
    assert Org(installation, f"{org.org}-2").data("sessions/filters") == NOTHING


def test_there_is_nothing_to_choose(org: Org) -> None:
    """The route has no parameters."""
    for name in ("project_id", "page", "per_page"):
        reply = org.get("sessions/filters", **{name: 1})
        assert (reply.status_code, list(reply.json()["details"])) == (422, [name])
