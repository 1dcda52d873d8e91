"""API section "Reading": search."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.rigs.installation import Installation, eventually_ok

NOW = "2026-01-20T10:30:00Z"
FIELDS = {"summary", "title", "repo", "agent", "branch", "component", "project", "model", "prompts"}


class Searched:
    """An org with sessions to search."""

    def __init__(self, installation: Installation, org: str) -> None:
        self.installation, self.org = installation, org
        self.path = f"/api/v1/{org}/sessions"
        self.client = installation.client(org=org)
        self._positions: list[str] = []

    def create(self, user: str = "alice", prompts: tuple[str, ...] = (), summary: str = "", **fields: Any) -> str:
        """Create a session of that user, send a prompt, and end it with a summary."""
        with self.installation.client(org=self.org, user=user, role="member") as client:
            id_: str = self._send(client, "POST", self.path, json=fields).json()["data"]["id"]
            if prompts:
                events = [{"event_type": "UserPromptSubmit", "timestamp": NOW, "data": {"prompt": p}} for p in prompts]
                events_path = f"/api/v1/{self.org}/observability/sessions/{id_}/events"
                self._send(client, "POST", events_path, json={"events": events})
            if summary:
                self._send(client, "POST", f"{self.path}/{id_}/end", json={"summary": summary})
            return id_

    def change(self, id_: str, **fields: Any) -> None:
        self._send(self.client, "PATCH", f"{self.path}/{id_}", json=fields)

    def ask(self, client: httpx.Client | None = None, **params: Any) -> httpx.Response:
        """Search with a read that waits for all writes so far."""
        waiting, self._positions = ",".join(self._positions), []
        headers = {"X-Wait-For-Position": waiting} if waiting else {}
        return (client or self.client).get(f"{self.path}/search", params=params, headers=headers)

    def ids(self, q: str, client: httpx.Client | None = None, **params: Any) -> set[str]:
        reply = self.ask(client, q=q, per_page=100, **params)
        assert reply.status_code == 200, reply.text
        return {item["id"] for item in reply.json()["data"]}

    def _send(self, client: httpx.Client, method: str, path: str, **request: Any) -> httpx.Response:
        reply = eventually_ok(client, method, path, **request)
        self._positions.append(reply.headers["X-Log-Position"])
        return reply


@pytest.fixture
def searched(installation: Installation, fresh_org: str) -> Iterator[Searched]:
    searched = Searched(installation, fresh_org)
    yield searched
    searched.client.close()


@pytest.mark.fault(row=18)
def test_search(searched: Searched) -> None:
    """This covers AND of whole words, all texts, case, accents, phrases, highlights, filters, pages and roles."""
    login = searched.create(
        remote_url="git@github.com:acme/backend.git",
        agent_name="Reviewer",
        branch="feature/login",
        component="api",
        project_id="prj_1",
        model="claude-sonnet-4-5",
        title="Déjà vu",
        prompts=("Rename the étude", "then run the tests " + "x" * 300 + " beyond"),
        summary="The login works; the Straße too.",
    )
    other = searched.create(user="bob", title="Login elsewhere", project_id="prj_2", prompts=("p",) * 50 + ("last",))
    hidden = searched.create(sensitive=True, title="login", branch="login", summary="login", prompts=("login",))

    assert searched.ids("login") == {login, other}  # never the sensitive one
    for q in ("LOGIN works", "deja VU", "DE\u0301JA\u0300", "etude rename", "strasse", "acme", "backend login"):
        assert searched.ids(q) == {login}, q
    for q in ("reviewer", "feature", "api", "prj 1", "sonnet", '"claude sonnet"', '"run the tests"', '"straße TOO"'):
        assert searched.ids(q) == {login}, q
    for q in ("log", "logins", "works elsewhere", '"works login"', '"vu rename"', "beyond", "last", "%", "login*"):
        assert searched.ids(q) == ({login, other} if q == "login*" else set()), q

    _check_items(searched, login)
    _check_filters(searched, login, other)
    _check_refusals(searched)
    assert hidden not in searched.ids("login", user_id="alice") | searched.ids("api")


def _check_items(searched: Searched, login: str) -> None:
    """Check that an item is the whole session with the matching texts."""
    (item,) = searched.ask(q='works "then run" reviewer').json()["data"]
    highlights = {mark["field"]: mark["text"] for mark in item.pop("highlights")}

    assert item == searched.client.get(f"{searched.path}/{login}").json()["data"]
    assert set(highlights) == {"summary", "prompts", "agent"} < FIELDS
    assert highlights["summary"] == "The login «works»; the Straße too."
    assert highlights["agent"] == "«Reviewer»"
    assert "«then run» the tests" in highlights["prompts"]


def _check_filters(searched: Searched, login: str, other: str) -> None:
    """Check the filters and pages of the list, and that members and viewers find their own sessions."""
    assert searched.ids("login", project_id="prj_2") == {other}
    assert searched.ids("login", status="ended") == {login}
    assert searched.ids("login", user_id="bob") == {other}
    assert searched.ids("login", current_user_only="true") == {login}
    pages = [searched.ask(q="login", per_page=1, page=page).json() for page in (1, 2, 3)]
    assert {page["data"][0]["id"] for page in pages[:2]} == {login, other}
    assert pages[2]["data"] == []
    assert pages[0]["meta"] == {"current_page": 1, "per_page": 1, "total_pages": 2, "total_count": 2}
    for role in ("member", "viewer"):
        with searched.installation.client(org=searched.org, user="bob", role=role) as client:  # type: ignore[arg-type]  # both are roles
            assert searched.ids("login", client) == {other}
            assert searched.ask(client, q="login", user_id="alice").status_code == 403
    with searched.installation.client(org=f"{searched.org}-other") as client:
        assert searched.ask(client, q="login").status_code == 404


def _check_refusals(searched: Searched) -> None:
    """Check that a text without a word gets an empty list, and that an empty or long text is refused."""
    for q in ("!", '"', '""', "🚀", "   ", "\x00"):
        reply = searched.ask(q=q)
        assert (reply.status_code, reply.json()["data"], reply.json()["meta"]["total_count"]) == (200, [], 0)
    for params in ({}, {"q": ""}, {"q": "x" * 201}):
        reply = searched.ask(**params)
        assert (reply.status_code, reply.json()["code"], set(reply.json()["details"])) == (422, "invalid", {"q"})
    assert searched.ask(q="x" * 200).status_code == 200
    assert searched.ask(q="x", words="x").status_code == 422
    assert searched.ask(q="x", page=0).status_code == 422
    for attack in ("' OR 1=1 --", "\\' OR 1=1 --", "'); DROP TABLE sessions; --", "{org_id:String}", "%(q)s", "a\\"):
        assert searched.ids(f"{attack} {uuid4().hex}") == set()


def test_a_search_finds_a_session_as_it_is_now(searched: Searched) -> None:
    """After a change, a search finds the new text and no longer the old one."""
    ids = [searched.create(title=f"before w{number}") for number in range(3)]
    assert searched.ids("before") == set(ids)

    for number, id_ in enumerate(ids):
        searched.change(id_, title=f"after w{number}")
        assert searched.ids("before") == set(ids[number + 1 :])
        assert searched.ids("after") == set(ids[: number + 1])
    searched.change(ids[0], title=None)
    assert searched.ids("w0") == set()
