"""API section "Reading": search in what was said and done, with ``events``."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.rigs.installation import Installation, eventually_ok

NOW = "2026-01-20T10:30:00Z"


class Said:
    """An org with sessions whose events are searched."""

    def __init__(self, installation: Installation, org: str) -> None:
        self.installation, self.org = installation, org
        self.path = f"/api/v1/{org}/sessions"
        self.client = installation.client(org=org)
        self._positions: list[str] = []

    def create(self, *events: tuple[str, dict[str, Any]], user: str = "alice", **fields: Any) -> str:
        """Create a session of that user, and send these events one record after the other."""
        with self.installation.client(org=self.org, user=user, role="member") as client:
            id_: str = self.send(self.path, fields, client).json()["data"]["id"]
            for event in events:
                self._record(client, id_, event)
            return id_

    def record(self, id_: str, *events: tuple[str, dict[str, Any]]) -> None:
        """Send events in one record."""
        self._record(self.client, id_, *events)

    def ask(self, q: str, client: httpx.Client | None = None, **params: Any) -> dict[str, Any]:
        waiting, self._positions = ",".join(self._positions), []
        headers = {"X-Wait-For-Position": waiting} if waiting else {}
        params = {"events": "true", "per_page": 100, "q": q, **params}
        reply = (client or self.client).get(f"{self.path}/search", params=params, headers=headers)
        assert reply.status_code == 200, reply.text
        return reply.json()  # type: ignore[no-any-return]

    def ids(self, q: str, client: httpx.Client | None = None, **params: Any) -> set[str]:
        return {item["id"] for item in self.ask(q, client, **params)["data"]}

    def hits(self, q: str) -> list[tuple[str, str]]:
        """Return the hits in events of the only session that is found: kind and excerpt."""
        (item,) = self.ask(q)["data"]
        return [(one["field"], one["text"]) for one in item["highlights"] if "event_id" in one]

    def _record(self, client: httpx.Client, id_: str, *events: tuple[str, dict[str, Any]]) -> None:
        body = [{"event_type": kind, "timestamp": NOW, "data": data} for kind, data in events]
        self.send(f"/api/v1/{self.org}/observability/sessions/{id_}/events", {"events": body}, client)

    def send(self, path: str, body: dict[str, Any], client: httpx.Client | None = None) -> httpx.Response:
        reply = eventually_ok(client or self.client, "POST", path, json=body)
        self._positions.append(reply.headers["X-Log-Position"])
        return reply


@pytest.fixture
def said(installation: Installation, fresh_org: str) -> Iterator[Said]:
    said = Said(installation, fresh_org)
    yield said
    said.client.close()


def prompt(text: str) -> tuple[str, dict[str, Any]]:
    return "UserPromptSubmit", {"prompt": text}


def use(tool: str, **tool_input: Any) -> tuple[str, dict[str, Any]]:
    return "PreToolUse", {"tool_name": tool, "tool_input": tool_input}


def test_each_kind_of_text_is_found_and_its_event_is_named(said: Said) -> None:
    """Prompts, answers, commands, paths and errors: the highlight has the kind, the words and the event."""
    id_ = said.create(
        prompt("Rename the étude, " + "x " * 200 + "beyond the label"),
        ("Stop", {"last_assistant_message": "The Straße is renamed."}),
        ("SubagentStop", {"agent_id": "a", "last_assistant_message": "Explored quickly."}),
        use("Bash", command="docker compose logs worker"),
        use("Edit", file_path="/src/billing/invoice.py"),
        ("PostToolUseFailure", {"tool_name": "Bash", "error": "exit 137: killed"}),
        ("PostToolBatch", {"tool_calls": [{"tool_response": "<tool_use_error>No such sheet</tool_use_error>"}]}),
        ("ApiError", {"error": "overloaded mothership"}),
        ("MessageDisplay", {"text": "unsearched"}),
        prompt("<task-notification> machinery"),
    )
    expected = {
        "etude": ("prompt", "Rename the «étude»,"),
        "beyond": ("prompt", "«beyond» the label"),
        "strasse": ("answer", "The «Straße» is renamed."),
        "explored": ("answer", "«Explored» quickly."),
        '"compose logs"': ("command", "docker «compose logs» worker"),
        "invoice": ("path", "/src/billing/«invoice».py"),
        "137": ("error", "exit «137»: killed"),
        "sheet": ("error", "No such «sheet»"),
        "mothership": ("error", "overloaded «mothership»"),
    }

    for q, (kind, text) in expected.items():
        ((field, excerpt),) = said.hits(q)
        assert (field, text in excerpt) == (kind, True), (q, field, excerpt)
    for q in ("unsearched", "machinery", "billin", '"logs compose"'):
        assert said.ids(q) == set(), q
    (item,) = said.ask("mothership")["data"]
    (hit,) = item.pop("highlights")
    events = said.client.get(f"{said.path}/{id_}/events").json()["data"]
    (event,) = [one for one in events if one["event_type"] == "ApiError"]
    assert (hit["event_id"], hit["position"]) == (event["event_id"], event["position"])
    assert item == said.client.get(f"{said.path}/{id_}").json()["data"]


def test_a_session_is_found_if_it_has_every_term_somewhere(said: Said) -> None:
    """AND is across all texts of a session; a phrase must be in one text."""
    both = said.create(prompt("alpha beta"), use("Bash", command="gamma"), title="delta epsilon")
    half = said.create(prompt("alpha"), title="epsilon")
    said.record(half, prompt("zeta one"), prompt("two eta"))

    assert said.ids("alpha epsilon") == {both, half}
    for q in ("alpha gamma", "gamma delta", '"alpha beta" "delta epsilon" gamma', "GAMMA alpha beta delta epsilon"):
        assert said.ids(q) == {both}, q
    for q in ("gamma zeta", '"beta gamma"', '"one two"', '"epsilon alpha"'):
        assert said.ids(q) == set(), q
    assert said.ids("gamma", events="false") == set()
    pages = [said.ask("alpha", per_page=1, page=page) for page in (1, 2, 3)]
    assert [len(page["data"]) for page in pages] == [1, 1, 0]
    assert pages[0]["meta"] == {"current_page": 1, "per_page": 1, "total_pages": 2, "total_count": 2}
    assert said.ids("alpha", sort="-cost_usd", spent_after=NOW) == {both, half}


def test_of_many_hits_each_term_is_shown(said: Said) -> None:
    """At most five hits of a session are shown, and a common word does not hide a rare one."""
    id_ = said.create()
    said.record(id_, *[prompt(f"common {number}") for number in range(20)])
    said.record(id_, prompt("rare"))

    hits = said.hits("common rare")

    assert len(hits) == 5
    assert ("prompt", "«rare»") in hits


def test_readers_find_only_what_they_may_see_and_what_has_content(said: Said) -> None:
    """Members and viewers find their own sessions; nothing is found of a sensitive one, or of another org."""
    own = said.create(prompt("treasure"), user="bob")
    other = said.create(prompt("treasure"))
    said.create(prompt("treasure"), use("Bash", command="treasure"), sensitive=True)

    assert said.ids("treasure") == {own, other}
    for role in ("member", "viewer"):
        with said.installation.client(org=said.org, user="bob", role=role) as client:  # type: ignore[arg-type]  # both are roles
            assert said.ids("treasure", client) == {own}
    path = f"/api/v1/{said.org}-2/sessions/search"
    with said.installation.client(org=f"{said.org}-2") as client:
        eventually_ok(client, "POST", f"/api/v1/{said.org}-2/sessions", json={})
        assert client.get(path, params={"q": "treasure", "events": "true"}).json()["data"] == []


def test_an_event_that_repeats_an_id_is_not_found(said: Said) -> None:
    """The first event with an id counts, so words that only the second has are not in the session."""
    id_ = said.create()
    events = [
        {"event_id": "b7e1c2aa-0000-4000-8000-000000000001", "event_type": "UserPromptSubmit", "timestamp": NOW}
        | {"data": {"prompt": text}}
        for text in ("first", "second")
    ]
    for event in events:
        said.send(f"/api/v1/{said.org}/observability/sessions/{id_}/events", {"events": [event]})

    assert said.ids("first") == {id_}
    assert said.ids("second") == set()
