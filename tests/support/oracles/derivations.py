"""A slow, plain recount for digests and analyses. It shares the rules with the projector, but no code.

Input: the log's records in log order. Output: numbers by (org, session, digest's id), and findings by (org, session).
"""

import json
from collections import Counter
from typing import Any

from schemas.log.position import LogRecord
from tests.support.oracles.hierarchy import TOOL_TYPES, asks_for, outcome_of
from tests.support.oracles.log_facts import (
    Fact,
    SessionKey,
    events_of,
    facts_of,
    is_of_person,
    is_telemetry,
    of_type,
    text,
    tool_name,
)

EDITORS = ("Edit", "MultiEdit", "NotebookEdit", "Write")


def expected_compactions(log: list[LogRecord]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return, for each request that counts: its place, what it covers, and the numbers that its digest must show."""
    out = {}
    for (org_id, session_id), facts in _sessions(log).items():
        for place, fact in enumerate(facts):
            if fact["kind"] == "compaction_requested":
                events = events_of(facts[:place])
                numbers = {
                    "prompts": _prompts(events),
                    "calls": sum(_calls(events).values()),
                    "failed": _failed(events),
                }
                common = {"version": fact["offset"] + 1, "covered_events": len(events)}
                out[org_id, session_id, fact["id"]] = {**common, **numbers}
    return out


def expected_analyses(log: list[LogRecord]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return, for each ended session, the findings as of the last end that counts."""
    out = {}
    for key, facts in _sessions(log).items():
        ends = [place for place, fact in enumerate(facts) if fact["kind"] == "session_ended"]
        if ends:
            events = events_of(facts[: ends[-1]])
            times = [event["timestamp"] for event in events]
            out[key] = {
                "version": facts[ends[-1]]["offset"] + 1,
                "covered_events": len(events),
                "total_ms": max(times) - min(times) if times else 0,
                "longest_gap": max((b - a for a, b in zip(sorted(times), sorted(times)[1:], strict=False)), default=0),
                "calls": {tool: count for tool, count in _calls(events).items() if count},
                "files_edited": _edits(events),
            }
    return out


def _sessions(log: list[LogRecord]) -> dict[SessionKey, list[Fact]]:
    readable = (record for record in log if record.value and record.value[0] == ord("{"))
    return facts_of({**json.loads(record.value or b""), "offset": record.offset} for record in readable)


def _prompts(events: list[Fact]) -> int:
    """Count users' prompts that have a text; for a prompt without text, the row's label is the text."""
    asked = [event for event in of_type(events, "UserPromptSubmit") if is_of_person(event)]
    return sum(1 for e in asked if (_shown(e["data"].get("prompt")) or text(e, "task_subject")).strip())


def _uses(events: list[Fact]) -> list[list[Fact]]:
    """Group everything reported about each tool call: by id, or separately for each payload without an id."""
    by_id: dict[object, list[Fact]] = {}
    for place, event in enumerate(events):
        if event["event_type"] in TOOL_TYPES:
            by_id.setdefault(text(event, "tool_use_id") or place, []).append(event)
        for call in _calls_of(event):
            by_id.setdefault(call["tool_use_id"], []).append({**event, "data": call})
    return list(by_id.values())


def _calls_of(event: Fact) -> list[dict[str, Any]]:
    calls = event["data"].get("tool_calls") if event["event_type"] == "PostToolBatch" else None
    some = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    return [call for call in some if isinstance(call.get("tool_use_id"), str) and call["tool_use_id"]]


def _refusal(said: Fact) -> str:
    """Return how a batch reports that a call did not succeed: error or denied."""
    return outcome_of(said["data"].get("tool_response", "")) if said["event_type"] == "PostToolBatch" else ""


def _is_call(use: list[Fact]) -> bool:
    return bool(text(use[0], "tool_use_id")) or use[0]["event_type"] == "PreToolUse"


def _has(use: list[Fact], event_type: str) -> bool:
    return any(event["event_type"] == event_type for event in use)


def _subject(use: list[Fact]) -> Fact:
    """Return the fact that shows the call's subject: the first that names one, else the first."""
    return next((said for said in use if _thing(said)), use[0])


def _thing(said: Fact) -> str:
    request = said["data"].get("tool_input")
    if not isinstance(request, dict) or said["event_type"] == "PostToolBatch":
        return ""
    key = "command" if _tool(said) in ("Bash", "PowerShell") else "file_path"
    return _shown(request.get(key))


def _calls(events: list[Fact]) -> Counter[str]:
    return Counter(_tool(_subject(use)) for use in _uses(events) if _is_call(use))


def _has_failed(use: list[Fact]) -> bool:
    return _has(use, "PostToolUseFailure") or any(_refusal(said) == "error" for said in use)


def _failed(events: list[Fact]) -> int:
    return sum(map(_has_failed, _uses(events)))


def _tool(said: Fact) -> str:
    return tool_name(said, text(said, "tool_name"))


def _edits(events: list[Fact]) -> dict[str, int]:
    """Count the calls that ended and that no payload reports as failed."""
    done: Counter[str] = Counter()
    asked = [asks_for(event) for event in of_type(events, "PermissionRequest")]
    for use in _uses(events):
        about = _subject(use)
        if _tool(about) in EDITORS and (path := _thing(about)):
            done[path] += _is_done(use, asked) and not _has_failed(use)
    return {path: count for path, count in done.items() if count}


def _is_done(use: list[Fact], asked: list[Any]) -> bool:
    """Return whether a call ended: a payload says so, or a batch names it as neither denied nor refused."""
    if _has(use, "PostToolUse"):
        return True
    begun = [asks_for(said) for said in of_type(use, "PreToolUse") if not is_telemetry(said)]
    is_denied = _has(use, "PermissionDenied") or any(_refusal(said) == "denied" for said in use)
    return _has(use, "PostToolBatch") and not is_denied and not (begun and begun[0] in asked)


def _shown(value: object) -> str:
    """Return a string unchanged, and other values as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
