"""API section "Who may", sensitive sessions, and redaction before the log."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas.log.codec import encode
from schemas.permissions import OPERATOR_ORG
from tests.contract.traces import log_files_of, log_of, store_of
from tests.support.builders import ended, hook, recorded
from tests.support.corpora.canaries import CANARIES, fill
from tests.support.rigs.installation import Installation, eventually_ok
from tests.support.rigs.raw_append import append_dead_letter

NOW = "2026-01-20T10:30:00Z"
TOKEN = f"ghp_{fill(36)}"
CUTS, RARE = "crewkit_ingest_redactions_total", "shopify_token"
CUT_TWICE = f"shpat_{'0a' * 16} and shpat_{'1b' * 16}"
NAMES = ("title", "branch", "agent_name", "project_id", "component", "repository_id", "model", "external_id")
# Every type that counts, with matching ids, invalid ids, and content wherever there is room for it.
HAPPENINGS: list[tuple[str, dict[str, Any]]] = [
    ("SessionStart", {"source": "startup", "model": "claude-sonnet-4-5", "session_title": "quince"}),
    ("UserPromptSubmit", {"prompt": "quince marmalade"}),
    ("PreToolUse", {"tool_name": "Bash", "tool_use_id": "t1", "tool_input": {"command": "quince"}}),
    ("PostToolUse", {"tool_name": "Bash", "tool_use_id": "t1", "duration_ms": 12.4, "tool_response": "quince"}),
    ("PreToolUse", {"tool_name": "a quince", "tool_use_id": "two words", "agent_id": "sub agent", "agent_type": "x"}),
    ("PostToolUseFailure", {"tool_name": "a quince", "tool_use_id": "two words", "error": "quince"}),
    ("PreToolUse", {"tool_name": "Read"}),
    ("PostToolUseFailure", {"tool_name": "Read", "error": "quince"}),
    ("SubagentStart", {"agent_id": "a1", "agent_type": "Explore"}),
    ("SubagentStop", {"agent_id": "a1", "last_assistant_message": "quince"}),
    ("TaskCreated", {"task_id": "1", "task_subject": "quince"}),
    ("TaskCompleted", {"task_id": "1", "task_description": "quince"}),
    ("PreCompact", {"trigger": "manual", "custom_instructions": "quince"}),
    ("BrandNewEvent", {"anything": ["quince"], "tool_use_id": 7, "duration_ms": "x"}),
    ("Stop", {"last_assistant_message": "quince"}),
]
EVENTS = [{"event_type": kind, "timestamp": NOW, "data": data} for kind, data in HAPPENINGS]


class Writer:
    """A client of one org, which remembers every reply."""

    def __init__(self, client: httpx.Client, org: str) -> None:
        self.client, self.org = client, org
        self.replies: list[str] = []
        self.positions: list[str] = []

    def write(self, method: str, path: str, body: Any) -> Any:
        reply = eventually_ok(self.client, method, f"/api/v1/{self.org}{path}", json=body)
        self.replies.append(reply.text + str(reply.headers))
        self.positions.append(reply.headers["X-Log-Position"])
        return reply.json()["data"]

    def read(self, path: str, **params: Any) -> Any:
        headers = {"X-Wait-For-Position": ",".join(self.positions[-1:])}
        reply = eventually_ok(self.client, "GET", f"/api/v1/{self.org}{path}", params=params or None, headers=headers)
        self.replies.append(reply.text + str(reply.headers))
        return reply.json()["data"]

    def write_session(self, **created: Any) -> str:
        """Create, change, compact and end a session with every kind of event, with content in each text."""
        id_: str = self.write("POST", "/sessions", {"branch": "quince", "title": "quince", **created})["id"]
        self.write("POST", f"/observability/sessions/{id_}/events", {"events": EVENTS})
        self.write("PATCH", f"/sessions/{id_}", {"summary": "quince", "model_metrics": {"input_tokens": 5}})
        self.write("POST", f"/sessions/{id_}/compact", {"instructions": "quince"})
        self.write("POST", f"/sessions/{id_}/end", {"summary": "quince", "ended_at": NOW})
        return id_


@pytest.fixture
def writer(installation: Installation, fresh_org: str) -> Iterator[Writer]:
    with installation.client(org=fresh_org) as client:
        yield Writer(client, fresh_org)


def numbers_of(session: dict[str, Any]) -> dict[str, Any]:
    """Return the values that must be equal with and without content."""
    tools = sorted((tool["calls"], tool["errors"], tool["total_duration_ms"]) for tool in session["tools"])
    names = ("counts", "models", "model_metrics", "model", "duration_seconds", "last_event_at", "ended_at", "status")
    return {name: session[name] for name in names} | {"tools": tools}


def test_a_sensitive_session_counts_as_a_full_one_and_shows_no_content(writer: Writer) -> None:
    """Numbers and times are equal; title, summary, branch, prompt, payload and search entry are absent."""
    started = {"started_at": "2026-01-20T10:00:00Z", "project_id": "prj"}
    full, sensitive = writer.write_session(**started), writer.write_session(**started, sensitive=True)
    shown, reduced = writer.read(f"/sessions/{full}"), writer.read(f"/sessions/{sensitive}")

    assert numbers_of(reduced) == numbers_of(shown)
    assert shown["counts"]["tool_calls"] == 3
    assert (reduced["sensitive"], reduced["title"], reduced["summary"], reduced["branch"]) == (True, None, None, None)
    events, found = writer.read(f"/sessions/{sensitive}/events"), writer.read("/sessions/search", q="quince")
    assert [event["event_type"] for event in events] == [kind for kind, _ in HAPPENINGS]
    assert [session["id"] for session in found] == [full]
    tree = writer.read(f"/sessions/{sensitive}/hierarchy", include="tools")
    derived = [writer.read(f"/sessions/{sensitive}/{what}") for what in ("compactions", "analysis")]
    assert "quince" not in json.dumps([reduced, events, tree, derived])


def test_what_was_cut_is_counted_on_the_session(writer: Writer) -> None:
    """Redactions in payloads and in texts of requests are counted once per fact."""
    id_ = writer.write("POST", "/sessions", {"title": f"with {TOKEN}"})["id"]
    events = [{"event_type": "Stop", "timestamp": NOW, "data": {"a": TOKEN, "b": [TOKEN]}}]
    for _ in range(2):
        writer.write("POST", f"/observability/sessions/{id_}/events", {"events": events})
    writer.write("PATCH", f"/sessions/{id_}", {"summary": f"{TOKEN} https://bob:canary@example.com"})

    session = writer.read(f"/sessions/{id_}")
    assert session["redactions"] == {"github_token": 4, "url_credentials": 1}
    assert session["counts"]["events"] == 1
    assert session["title"] == "with [redacted:github_token]"


def test_what_is_cut_out_of_each_write_is_in_the_metrics(installation: Installation, writer: Writer) -> None:
    """Metrics by rule equal the session's count, over create, events, PATCH, compact and end."""
    before = redactions_counted(installation)
    id_ = writer.write("POST", "/sessions", {"title": CUT_TWICE})["id"]
    seen = [redactions_counted(installation) - before]
    for method, path, body in (
        ("POST", f"/observability/sessions/{id_}/events", {"events": [{**EVENTS[0], "data": {"a": CUT_TWICE}}]}),
        ("PATCH", f"/sessions/{id_}", {"summary": CUT_TWICE}),
        ("POST", f"/sessions/{id_}/compact", {"instructions": CUT_TWICE}),
        ("POST", f"/sessions/{id_}/end", {"summary": CUT_TWICE}),
    ):
        writer.write(method, path, body)
        seen.append(redactions_counted(installation) - before)

    assert seen == [2, 4, 6, 8, 10]
    assert writer.read(f"/sessions/{id_}")["redactions"] == {RARE: 10}


def redactions_counted(installation: Installation) -> float:
    """Return the count of one rule in ``/metrics``."""
    text = httpx.get(f"{installation.url}/metrics", trust_env=False).text
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    return sum(s.value for s in samples if s.name == CUTS and s.labels["rule"] == RARE)


def spread_canaries(writer: Writer) -> None:
    """Write each canary with each write, then read everything in every way.

    In `test_write_privacy`, each canary is alone in each text.
    """
    for at in range(0, len(CANARIES), len(NAMES)):
        texts = [canary.written for canary in CANARIES[at : at + len(NAMES)]]
        id_ = write_texts(writer, texts)
        refused = writer.client.post(f"/api/v1/{writer.org}/sessions", json=dict.fromkeys(texts, 1))
        unknown = writer.client.get(f"/api/v1/{writer.org}/sessions/{quote(' '.join(texts), safe='')}")
        writer.replies += [refused.text, unknown.text]
    events = [event for canary in CANARIES for event in events_with(canary.written)]
    writer.write("POST", f"/observability/sessions/{id_}/events", {"events": events})
    writer.write("POST", f"/sessions/{id_}/compact", {"max_characters": 100_000})
    for what in ("", "/events?per_page=1000", "/hierarchy?include=tools", "/compactions", "/analysis", "/spend"):
        writer.read(f"/sessions/{id_}{what}")
    for what in ("?per_page=100", "/filters", "/threads?per_page=100", "/analytics/by-agent", "/analytics/by-tool"):
        writer.read(f"/sessions{what}")
    for what in ("/analytics/tool-errors", "/live"):
        writer.read(f"/sessions{what}")


def write_texts(writer: Writer, texts: list[str]) -> str:
    """Write a session with one text in each name and all texts in each longer field; return its id."""
    lines = [text.replace("\n", " ") for text in texts]
    names, text = dict(zip(NAMES, lines, strict=False)), "\n".join(texts)
    id_: str = writer.write("POST", "/sessions", {**names, "remote_url": f"/src/{lines[0]}"})["id"]
    changed = dict(zip(NAMES[:4], reversed(lines), strict=False))
    writer.write("PATCH", f"/sessions/{id_}", {**changed, "summary": text})
    writer.write("POST", f"/sessions/{id_}/compact", {"instructions": text})
    writer.write(
        "POST", f"/sessions/{id_}/end", {"summary": text, "model_metrics": {"model": lines[-1], "cost_usd": 1}}
    )
    return id_


def events_with(text: str) -> list[dict[str, Any]]:
    """Return events with a text at several depths of their payloads."""
    data = {"prompt": text, "tool_name": text, "tool_input": {"deep": [{text: text}]}, "nested": json.dumps([text])}
    return [{"event_type": kind, "timestamp": NOW, "data": data} for kind in ("UserPromptSubmit", "PreToolUse")]


def surviving(place: bytes) -> list[str]:
    """Return the canaries that occur in these bytes, in any JSON spelling."""
    spelled = [(canary.written, {canary.secret, json.dumps(canary.secret)[1:-1]}) for canary in CANARIES]
    return [text for text, secrets in spelled if any(secret.encode() in place for secret in secrets)]


@pytest.mark.only_on("stack")  # the store of a running `up` belongs to its process
def test_no_secret_leaves_a_trace(installation: Installation, writer: Writer) -> None:
    """No canary is in a reply, in the log, in the store, or in the output of any process."""
    spread_canaries(writer)

    check_no_trace(installation, writer)


def check_no_trace(installation: Installation, writer: Writer) -> bytes:
    """Look for canaries in every place; return the contents of log and store."""
    assert surviving("\n".join(writer.replies).encode()) == []
    assert surviving(log_files_of(installation)) == []
    places = (log_of(installation), store_of(installation))
    for place in places:
        assert surviving(place) == []
        assert place.count(b"[redacted:") > len(CANARIES)
    return b"".join(places)


def test_a_corrected_record_is_kept_like_any_write(installation: Installation, writer: Writer) -> None:
    """A redriven record reaches the log without canaries, and in sensitive sessions without content."""
    full, sensitive = (writer.write("POST", "/sessions", {"sensitive": sensitive})["id"] for sensitive in (False, True))
    text = "quince " + " ".join(canary.written for canary in CANARIES)
    data = {"tool_name": "Bash", "prompt": text, "nested": json.dumps({text: [text]})}
    event = hook("UserPromptSubmit", event_id=uuid4(), **data)
    records = [recorded(UUID(id_), event, org_id=writer.org, record_id=uuid4()) for id_ in (full, sensitive)]
    records.append(ended(UUID(full), org_id=writer.org, summary=text, record_id=uuid4(), fact_id=uuid4()))
    garbage = append_dead_letter(installation, b"garbage")

    with installation.client("operator", OPERATOR_ORG, "operator") as operator:
        for record in records:
            body = b'{"record": ' + encode(record) + b"}"
            path = f"/api/v1/operator/dead-letters/{garbage}/redrive"
            reply = eventually_ok(operator, "POST", path, content=body, headers={"Content-Type": "application/json"})
            writer.positions.append(reply.headers["X-Log-Position"])
            writer.replies.append(reply.text)

    headers = {"X-Wait-For-Position": ",".join(writer.positions)}
    assert writer.client.get(f"/api/v1/{writer.org}/sessions/{full}", headers=headers).is_success
    shown, reduced = (writer.read(f"/sessions/{id_}/events")[0]["data"] for id_ in (full, sensitive))
    assert shown["prompt"].startswith("quince ")
    assert "[redacted:" in shown["prompt"]
    assert reduced == {"tool_name": "Bash"}
    assert writer.read(f"/sessions/{full}")["redactions"].keys() == {canary.rule for canary in CANARIES}
    assert surviving("\n".join(writer.replies).encode()) == []
    assert surviving(log_of(installation)) == []
    assert surviving(log_files_of(installation)) == []


def test_no_secret_and_no_content_leaves_a_trace_on_up(tmp_path: Path) -> None:
    """Nor in its store, once it has stopped; log and store contain no content of the org in metadata mode."""
    (tmp_path / "settings.toml").write_text('metadata_orgs = "another, quiet"\n')
    installation = Installation("up", tmp_path)
    try:
        installation.start()
        with installation.client(org="loud") as loud, installation.client(org="quiet") as quiet:
            writer = Writer(loud, "loud")
            spread_canaries(writer)
            reduced = Writer(quiet, "quiet")
            id_ = reduced.write_session()
            counts = reduced.read(f"/sessions/{id_}")["counts"]
        assert installation.stop() == 0
    finally:
        installation.end()

    assert b"quince" not in check_no_trace(installation, writer)
    assert (counts["events"], counts["tool_calls"], counts["tool_errors"]) == (len(EVENTS), 3, 2)
