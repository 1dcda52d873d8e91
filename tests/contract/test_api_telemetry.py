"""Telemetry of coding agents: tokens, money and work are what the client was charged, in any order of exports."""

import json
import random
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from tests.support.clients.otlp import NS, SESSION, claude_record, in_protobuf, logs, metrics, point
from tests.support.rigs.installation import Installation
from tests.support.waiting import eventually

AT_NS = 1_768_903_200_000 * NS  # 2026-01-20T10:00:00Z
REQUESTS = (
    *(("claude-opus-5-5[1m]", 4, 120, 0, 14_400, 14_000, 0.116416, None),),
    *(("claude-opus-5-5", 5, 137, 15_100, 970, 970, 0.01354, None),),
    *(("claude-opus-5-5", 4, 120, 0, 180, 0, 0.0033160000000000004, "a1"),),
    *(("claude-haiku-4-5-20251001", 300, 20, 0, 0, 0, 0.0004, None),),
)
TOTALS = {
    "input_tokens": 313,
    "output_tokens": 397,
    "cache_read_tokens": 15_100,
    "cache_creation_tokens": 15_550,
    "cache_creation_1h_tokens": 14_970,
    "cost_usd": 0.133672,
}
BY_AGENT = {None: (3, 31_056), "a1": (1, 304)}
LINES, SECONDS = (2, 3), (1.5, 0.063)


def _records() -> list[Any]:
    """Return a session's log records: a prompt, model requests, and the outcomes of four tool calls."""
    found = [claude_record("user_prompt", 1, AT_NS, prompt__id="p1", prompt_length="9")]
    for number, (model, sent, got, read, written, hour, cost, agent) in enumerate(REQUESTS):
        tokens = {"input_tokens": sent, "output_tokens": got, "cache_read_tokens": read}
        caches = {"cache_creation_tokens": written, "cache_creation_1h_tokens": hour, "cost_usd": cost}
        of_agent = {"agent_id": agent, "agent__name": "Explore"} if agent else {}
        names = {"model": model, "request_id": f"req_{number}", **of_agent}
        at_ns = AT_NS + (number + 1) * 1_000 * NS
        found.append(claude_record("api_request", 10 + number, at_ns, **names, **tokens, **caches))
    for number, (decision, success) in enumerate((("accept", "true"), ("accept", "false"), ("reject", None))):
        tool = {"tool_name": "Bash", "tool_use_id": f"toolu_{number}"}
        at_ns = AT_NS + (10 + number) * 1_000 * NS
        found.append(claude_record("tool_decision", 20 + number, at_ns, decision=decision, source="config", **tool))
        if success:
            result = {"success": success, "duration_ms": "58"}
            found.append(claude_record("tool_result", 30 + number, at_ns + 60 * NS, **tool, **result))
    found.append(claude_record("api_error", 40, AT_NS + 20_000 * NS, model="claude-opus-5-5", status_code="529"))
    found.append(claude_record("compaction", 41, AT_NS + 21_000 * NS, pre_tokens=9, post_tokens=3))
    found.append(claude_record("hook_registered", 42, AT_NS + 22_000 * NS))
    return found


def _points() -> list[Any]:
    """Return exports of metrics, one for each interval."""
    exports = []
    for number, (lines, seconds) in enumerate(zip(LINES, SECONDS, strict=True)):
        start_ns = AT_NS + number * 60_000 * NS
        times = {"start_ns": start_ns, "at_ns": start_ns + 60_000 * NS}
        added = point(lines, type="added", model="claude-opus-5-5", **times)
        active = point(seconds, type="cli", **times)
        exports.append(metrics({"claude_code.lines_of_code.count": [added], "claude_code.active_time.total": [active]}))
    return exports


def _exports(seed: int) -> list[tuple[str, Any]]:
    """Return all exports twice, in random pieces and order."""
    chance, exports = random.Random(seed), []
    for _ in range(2):
        records = _records()
        chance.shuffle(records)
        while records:
            size = chance.randint(1, 6)
            exports.append(("logs", logs(records[:size])))
            records = records[size:]
        exports += [("metrics", body) for body in _points()]
    chance.shuffle(exports)
    return exports


def _send(http: httpx.Client, org: str, exports: Sequence[tuple[str, Any]], seed: int) -> None:
    chance = random.Random(seed)
    for signal, body in exports:
        as_json = chance.random() < 0.5
        kind = "application/json" if as_json else "application/x-protobuf"
        content = json.dumps(body).encode() if as_json else in_protobuf(body)
        reply = http.post(
            f"/api/v1/{org}/otlp/v1/{signal}", content=content, headers={"Content-Type": kind, "Connection": "close"}
        )
        assert reply.status_code == httpx.codes.OK, reply.text


def _shown(installation: Installation, org: str, events: int) -> dict[str, Any]:
    """Return the session once all its events are projected."""
    with installation.client("admin", org) as http:

        def found() -> dict[str, Any] | None:
            some = http.get(f"/api/v1/{org}/sessions", params={"external_id": f"claude-code:{SESSION}"}).json()["data"]
            return some[0] if some and some[0]["counts"]["events"] >= events else None

        id_ = eventually(found)["id"]
        return dict(http.get(f"/api/v1/{org}/sessions/{id_}").json()["data"])


@pytest.mark.parametrize("seed", range(3))
def test_every_number_is_the_same_in_any_encoding_order_and_batch(
    seed: int, installation: Installation, fresh_org: str
) -> None:
    """Records are sent twice, mixed, as JSON and as protobuf: each counts once."""
    with installation.client("agent", fresh_org, "alice") as http:
        _send(http, fresh_org, _exports(seed), seed)

    session = _shown(installation, fresh_org, 16)

    assert session["model_metrics"] == TOTALS
    assert session["usage"] == {"reported": None, "measured": {**TOTALS, "models": session["models"]}}
    assert {use["model"]: use["cost_source"] for use in session["models"]} == {
        "claude-opus-5-5": "measured",
        "claude-haiku-4-5": "measured",
    }
    assert {use["agent_id"]: (use["requests"], use["tokens"]) for use in session["agents"]} == BY_AGENT
    counts = {"events": 16, "prompts": 1, "tool_calls": 3, "tool_errors": 1, "tasks": 0, "subagents": 1}
    assert session["counts"] == {**counts, "compactions": 1, "unknown_events": 0}
    work = {"lines_added": 5, "lines_removed": 0, "commits": 0, "pull_requests": 0, "active_seconds": 1.563}
    assert session["work"] == {**work, "api_requests": 4, "api_errors": 1}
    assert session["duration_seconds"] == 120.0
    assert (session["client"], session["client_version"]) == ("claude-code", "2.1.332")


@pytest.mark.parametrize("hooks_first", [True, False])
def test_a_prompt_of_a_machine_is_told_by_its_id(hooks_first: bool, installation: Installation, fresh_org: str) -> None:
    """Telemetry without texts can't tell who prompted, but hooks can. Ids join prompts, in any order, sent twice."""
    notice = "<task-notification>\n<task-id>a1</task-id>\n</task-notification>"
    asked = {"p1": "Let others look", "p2": notice, "p3": notice}
    base = {"session_id": SESSION, "hook_event_name": "UserPromptSubmit", "cwd": "/home/alice/shop"}
    records = [
        claude_record("user_prompt", number, AT_NS + number * NS, prompt__id=name, prompt_length="9")
        for number, name in enumerate(asked)
    ]
    payloads = [{**base, "prompt": prompt, "prompt_id": name} for name, prompt in asked.items()]
    with installation.client("agent", fresh_org, "alice") as http:

        def by_hooks() -> None:
            for payload in payloads * 2:
                assert http.post(f"/api/v1/{fresh_org}/hooks/claude-code", json=payload).status_code == 204

        def by_telemetry() -> None:
            _send(http, fresh_org, [("logs", logs(records))] * 2, 1)

        for send in (by_hooks, by_telemetry) if hooks_first else (by_telemetry, by_hooks):
            send()

    session = _shown(installation, fresh_org, 6)

    assert (session["counts"]["events"], session["counts"]["prompts"]) == (6, 1)


def test_hooks_and_telemetry_of_one_session_are_joined(installation: Installation, fresh_org: str) -> None:
    """Both report the same prompt, tool calls and compaction; a report of totals takes precedence over measurements."""
    base = {"session_id": SESSION, "cwd": "/home/alice/shop"}
    tools = [{"tool_name": "Bash", "tool_use_id": f"toolu_{number}", "tool_input": {}} for number in range(3)]
    payloads = [
        {**base, "hook_event_name": "UserPromptSubmit", "prompt": "Mend it", "prompt_id": "p1"},
        *({**base, "hook_event_name": "PreToolUse", **tool} for tool in tools),
        {**base, "hook_event_name": "PostToolUse", **tools[0], "tool_response": {}, "duration_ms": 51},
        {**base, "hook_event_name": "PostToolUseFailure", **tools[1], "error": "no", "duration_ms": 52},
        {**base, "hook_event_name": "PreCompact", "trigger": "auto"},
    ]
    with installation.client("agent", fresh_org, "alice") as http:
        for payload in payloads[:3]:
            assert http.post(f"/api/v1/{fresh_org}/hooks/claude-code", json=payload).status_code == 204
        _send(http, fresh_org, _exports(7), 7)
        for payload in payloads[3:]:
            assert http.post(f"/api/v1/{fresh_org}/hooks/claude-code", json=payload).status_code == 204

    session = _shown(installation, fresh_org, 23)

    counts = {"events": 23, "prompts": 1, "tool_calls": 3, "tool_errors": 1, "tasks": 0, "subagents": 1}
    assert session["counts"] == {**counts, "compactions": 1, "unknown_events": 0}
    assert session["tools"] == [{"tool_name": "Bash", "calls": 3, "errors": 1, "total_duration_ms": 103}]
    assert session["model_metrics"] == TOTALS
    with installation.client("admin", fresh_org) as http:
        path = f"/api/v1/{fresh_org}/sessions/{session['id']}"
        tokens = {"model": "claude-opus-5-5", "input_tokens": 9, "cost_usd": 1}
        wait = http.patch(path, json={"model_metrics": tokens}).headers["X-Log-Position"]
        reported = http.get(path, headers={"X-Wait-For-Position": wait}).json()["data"]
    assert reported["model_metrics"]["cost_usd"] == reported["usage"]["reported"]["cost_usd"] == 1
    assert reported["usage"]["measured"] == session["usage"]["measured"]
