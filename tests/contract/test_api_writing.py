"""API section "Writing": requests, their replies, and the resulting reads."""

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import cramjam
import httpx
import msgspec
import pytest

from tests.support.clients.sending import Org, hook
from tests.support.rigs.installation import Installation

EVERYTHING: dict[str, Any] = {
    "remote_url": "git@github.com:acme/backend",
    "component": "api",
    "repository_id": "repo_abc123",
    "project_id": "prj_1",
    "agent_name": "reviewer",
    "model": "claude-sonnet-4-5",
    "branch": "main",
    "run_id": None,
    "parent_id": None,
    "relation": None,
    "external_id": "build 7",
    "trigger": "scheduled",
    "sensitive": False,
    "title": "Größe 😀",
    "started_at": "2026-01-20T12:30:00.5+02:00",
}
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cache_creation_1h_tokens")


@pytest.fixture
def org(installation: Installation, fresh_org: str) -> Org:
    """Return an org of this test."""
    return Org(installation, fresh_org)


@pytest.fixture
def other(installation: Installation, fresh_org: str) -> Org:
    """Return another org."""
    return Org(installation, f"{fresh_org}-other")


def read(org: Org, session: dict[str, Any]) -> dict[str, Any]:
    """Return the session once everything is projected."""
    found: dict[str, Any] = org.data(f"sessions/{session['id']}")
    return found


def patch(org: Org, session: dict[str, Any], headers: dict[str, str] | None = None, **body: Any) -> Any:
    """Change the session; return the data of the reply."""
    return org.write("PATCH", f"sessions/{session['id']}", body, headers=headers or {}).json()["data"]


def end(org: Org, session: dict[str, Any], headers: dict[str, str] | None = None, **body: Any) -> Any:
    """End the session; return the data of the reply."""
    reply = org.write("POST", f"sessions/{session['id']}/end", body, headers=headers or {})
    assert reply.status_code == 200
    return reply.json()["data"]


def send(org: Org, method: str, path: str, body: Any, **request: Any) -> httpx.Response:
    """Send a request that may be refused; bytes are sent unchanged."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    headers = {"Content-Type": "application/json", **request.pop("headers", {})}
    return org.client().request(method, f"/api/v1/{org.org}/{path}", content=content, headers=headers, **request)


def hours_ahead(hours: float) -> str:
    return f"{datetime.now(UTC) + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"


# POST /:org_id/sessions


def test_a_create_answers_the_whole_session_and_a_read_shows_the_same(org: Org) -> None:
    """Every field is present; the URL has no credentials, the slug follows from it, times are UTC with ms."""
    reply = org.write("POST", "sessions", EVERYTHING)

    made = reply.json()["data"]
    assert reply.status_code == 201
    asked = {name: value for name, value in EVERYTHING.items() if value is not None}
    assert made | asked | {"started_at": made["started_at"]} == made
    assert made["started_at"] == "2026-01-20T10:30:00.500Z"
    assert (made["org_id"], made["user_id"], made["repo"]) == (org.org, "alice", "acme/backend")
    assert (made["status"], made["outcome"], made["duration_seconds"]) == ("active", None, None)
    assert set(made["counts"].values()) == {0}
    assert made["position"] == reply.json()["meta"]["position"] == reply.headers["X-Log-Position"]
    assert read(org, made) == made


def test_a_remote_url_keeps_no_credential_and_gives_the_slug(org: Org) -> None:
    """The reply and every read have the clean URL, and the slug finds the session."""
    made = org.create(remote_url="https://user:s3cret@github.com/acme/backend.git")

    assert (made["remote_url"], made["repo"]) == ("https://github.com/acme/backend.git", "acme/backend")
    assert read(org, made)["remote_url"] == "https://github.com/acme/backend.git"
    assert [item["id"] for item in org.data("sessions", repo="acme/backend")] == [made["id"]]


def test_the_same_key_answers_the_same_ids_and_the_first_body_wins(org: Org) -> None:
    """The reply shows the request, a read shows the first one; the header takes precedence over `external_id`."""
    key = {"Idempotency-Key": "build 7"}

    def ids_of(headers: dict[str, str] | None = None, user: str = "alice", **body: Any) -> tuple[str, ...]:
        made = org.write("POST", "sessions", body, user, headers=headers or {}).json()["data"]
        assert {name: made[name] for name in body} == body
        return made["id"], made["run_id"], made["thread_id"]

    first = ids_of(key, title="first", external_id="one")
    assert ids_of(key, title="second", external_id="two") == first
    assert ids_of(external_id="build 8", title="third") == ids_of(external_id="build 8", branch="b")
    shown = org.data(f"sessions/{first[0]}")

    assert (shown["title"], shown["external_id"]) == ("first", "one")
    assert len(org.data("sessions")) == 2


def test_an_import_says_when_it_began_and_ended(org: Org) -> None:
    """Times from 2000 to a day ahead are accepted; an end before the start counts as the start."""
    made = org.create(started_at="2000-01-01T00:00:00Z", trigger="import")
    end(org, made, ended_at="2000-01-01T01:00:00Z", outcome="success")
    ahead = org.create(started_at=hours_ahead(23.9))
    assert end(org, ahead, ended_at="2026-01-20T10:00:00Z")["ended_at"] == "2026-01-20T10:00:00.000Z"

    shown, early = read(org, made), read(org, ahead)

    assert (shown["started_at"], shown["ended_at"]) == ("2000-01-01T00:00:00.000Z", "2000-01-01T01:00:00.000Z")
    assert shown["duration_seconds"] == 3600
    assert (early["ended_at"], early["duration_seconds"]) == (early["started_at"], 0)


# PATCH /:org_id/sessions/:id


def test_a_change_sets_and_clears_and_leaves_the_rest(org: Org) -> None:
    """The reply has the requested fields; null clears; an absent field stays."""
    made = org.create(title="t", branch="main", agent_name="a", project_id="p")

    answered = patch(org, made, title=None, summary="line\n\ttwo", branch="next")

    assert answered == {"id": made["id"], "title": None, "summary": "line\n\ttwo", "branch": "next"}
    shown = read(org, made)
    assert [shown[name] for name in ("title", "summary", "branch", "agent_name", "project_id")] == [
        *(None, "line\n\ttwo", "next", "a", "p")
    ]
    patch(org, made, agent_name="b", project_id=None)
    assert [read(org, made)[name] for name in ("agent_name", "project_id")] == ["b", None]


def test_a_later_report_replaces_the_earlier_one_entirely(org: Org) -> None:
    """Reports never add up, by PATCH or end; null clears; an older `reported_at` replaces nothing."""
    made = org.create(model="m")
    metrics = {"input_tokens": 15000, "output_tokens": 3000, "cost_usd": 0.045}

    assert patch(org, made, model_metrics=metrics) == {"id": made["id"], "model_metrics": metrics}
    first = read(org, made)
    patch(org, made, model_metrics={"models": [{"model": "a", "input_tokens": 1}, {"model": "b", "cost_usd": 2}]})
    second = read(org, made)
    patch(org, made, model_metrics=None)
    cleared = read(org, made)
    end(org, made, model_metrics={"output_tokens": 7, "reported_at": "2026-01-20T10:00:00Z"})
    patch(org, made, model_metrics={"output_tokens": 6, "reported_at": "2026-01-20T09:59:59.999Z"})
    ended = read(org, made)

    assert first["model_metrics"] == {**dict.fromkeys(TOKENS, 0), **metrics}
    assert [(model["model"], model["cost_source"]) for model in first["models"]] == [("m", "reported")]
    assert [(model["model"], model["cost_source"]) for model in second["models"]] == [
        ("a", "unknown"),
        ("b", "reported"),
    ]
    assert (second["model_metrics"]["input_tokens"], second["model_metrics"]["output_tokens"]) == (1, 0)
    assert second["model_metrics"]["cost_usd"] == 2
    assert (cleared["models"], cleared["model_metrics"]["cost_usd"]) == ([], 0)
    assert ended["model_metrics"]["output_tokens"] == 7


def test_a_report_without_a_model_belongs_to_the_sessions_own(org: Org) -> None:
    """Its model is the first of: the report's, create's, the last SessionStart's with one, the empty name."""

    def model_of(session: dict[str, Any], **metrics: Any) -> str:
        patch(org, session, model_metrics={"input_tokens": 1, **metrics})
        (model,) = read(org, session)["models"]
        return str(model["model"])

    named, started, silent = org.create(model="of-create"), org.create(), org.create()
    org.record(started, hook("SessionStart", model="one"), hook("SessionStart", model="two"), hook("SessionStart"))

    assert model_of(named) == "of-create"
    assert model_of(named, model="of-report") == "of-report"
    assert (model_of(started), read(org, started)["model"]) == ("two", "two")
    assert model_of(silent) == ""


def test_numbers_at_their_bounds_come_back_exactly(org: Org) -> None:
    """Integers up to 2^53 and money up to a million with 9 decimals are exact; a total is the sum over models."""
    made, most = org.create(), 1 << 53
    models = [
        {"model": "a", **dict.fromkeys(TOKENS, most), "cost_usd": 1_000_000},
        {"model": "b", "input_tokens": 0, "cost_usd": 999_999.123456789},
        {"model": "c", "cost_usd": 0.000000001},
    ]

    patch(org, made, model_metrics={"models": models})

    shown = read(org, made)
    assert [model["cost_usd"] for model in shown["models"]] == [1_000_000, 999_999.123456789, 0.000000001]
    assert [shown["models"][0][name] for name in TOKENS] == [most] * 5
    assert shown["model_metrics"]["cost_usd"] == 1_999_999.12345679
    assert shown["model_metrics"]["input_tokens"] == most


def test_tokens_are_priced_where_no_cost_was_sent(org: Org) -> None:
    """The current prices apply, with separate prices for 5-minute and 1-hour cache writes; a client's cost wins."""
    made = org.create()
    tokens = dict(zip(TOKENS, (1_000_000, 1_000_000, 1_000_000, 3_000_000, 1_000_000), strict=True))
    names = ("claude-sonnet-4-5-20250929", "claude-opus-4-8-fast", "unknown-model")

    patch(org, made, model_metrics={"models": [{"model": name, **tokens} for name in names]})
    priced = read(org, made)
    patch(org, made, model_metrics={"model": names[0], **tokens, "cost_usd": 0})

    costs = [(model["cost_usd"], model["cost_source"]) for model in priced["models"]]
    assert costs == [(3 + 15 + 0.3 + 7.5 + 6, "priced"), (10 + 50 + 1 + 25 + 20, "priced"), (0, "unknown")]
    assert priced["model_metrics"]["cost_usd"] == 31.8 + 106
    assert [(model["cost_usd"], model["cost_source"]) for model in read(org, made)["models"]] == [(0, "reported")]


# POST /:org_id/sessions/:id/end


def test_the_first_end_wins_and_later_events_still_count(org: Org) -> None:
    """`ended_at` and `outcome` stay; a later end may bring totals and a summary."""
    made = org.create(started_at="2026-01-20T10:00:00Z")
    answered = end(org, made, ended_at="2026-01-20T10:13:32.4Z", outcome="failure")
    end(org, made, outcome="success", summary="done", model_metrics={"input_tokens": 3})
    org.record(made, hook("Stop"))

    shown = read(org, made)

    assert answered == {
        "id": made["id"],
        "status": "ended",
        "ended_at": "2026-01-20T10:13:32.400Z",
        "outcome": "failure",
    }
    assert {name: shown[name] for name in answered} == answered
    assert (shown["duration_seconds"], shown["summary"], shown["counts"]["events"]) == (812.4, "done", 1)
    assert shown["model_metrics"]["input_tokens"] == 3


def test_a_late_copy_of_a_call_changes_nothing(org: Org) -> None:
    """A change or an end with a repeated `Idempotency-Key` counts once."""
    made, key = org.create(), {"Idempotency-Key": "again"}

    patch(org, made, key, title="one", model_metrics={"input_tokens": 1})
    end(org, made, key, summary="one", outcome="success")
    patch(org, made, title="two", summary="two", model_metrics={"input_tokens": 2})
    before = read(org, made)
    patch(org, made, key, title="one", model_metrics={"input_tokens": 1})
    end(org, made, key, summary="one", outcome="success")

    assert read(org, made) == before
    assert (before["title"], before["summary"], before["model_metrics"]["input_tokens"]) == ("two", "two", 2)


# POST /:org_id/observability/sessions/:session_id/events


@pytest.mark.fault(row=13)
def test_an_event_counts_once_in_its_session(org: Org, other: Org) -> None:
    """In any batch an id counts once and the first write wins; in another session it is a separate event."""
    made, second, foreign = org.create(), org.create(), other.create()
    identified = {**hook("UserPromptSubmit", prompt="first"), "event_id": str(uuid4())}
    copy = {**identified, "event_type": "Stop", "data": {}}

    org.record(made, identified, copy)
    org.record(made, copy)
    org.record(second, identified)
    other.record(foreign, identified)

    for whose, session in ((org, made), (org, second), (other, foreign)):
        shown = read(whose, session)
        assert (shown["counts"]["events"], shown["counts"]["prompts"]) == (1, 1)


def test_an_event_without_an_id_has_one_that_follows_from_it(org: Org) -> None:
    """A resent request counts once; equal events in one request each count; other bytes are a separate event."""
    made, twin = org.create(), hook("Stop", n=1)
    path = f"observability/sessions/{made['id']}/events"

    for _ in range(2):
        org.record(made, twin, twin, hook("Stop", n=2))
    assert read(org, made)["counts"]["events"] == 3
    spaced = msgspec.json.format(msgspec.json.encode({"events": [twin]}), indent=1)
    org.write("POST", path, bytes(spaced))

    assert read(org, made)["counts"]["events"] == 4


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_five_thousand_events_are_taken_compressed(org: Org, encoding: str) -> None:
    """5,000 events are accepted, 5,001 are not."""
    made = org.create()
    squeeze = gzip.compress if encoding == "gzip" else lambda data: bytes(cramjam.zstd.compress(data))
    path, headers = f"observability/sessions/{made['id']}/events", {"Content-Encoding": encoding}
    events = [hook("Stop", n=n) for n in range(5001)]

    taken = org.write("POST", path, squeeze(msgspec.json.encode({"events": events[:5000]})), headers=headers)
    refused = send(org, "POST", path, squeeze(msgspec.json.encode({"events": events})), headers=headers)

    assert taken.json()["data"] == {"accepted": 5000, "rejected": []}
    assert (refused.status_code, list(refused.json()["details"])) == (422, ["events"])
    assert read(org, made)["counts"]["events"] == 5000
