"""A slow, plain recount of what digests and analyses must show. It shares the rules with the projector, but no code.

Input: the log's records in log order. Output: numbers by (org, session, digest's id), and findings by (org, session).
"""

import json
from collections import Counter, defaultdict
from typing import Any

from schemas.log.position import LogRecord

TOOL_TYPES = ("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied")
EDITORS = ("Edit", "MultiEdit", "NotebookEdit", "Write")
Fact = dict[str, Any]


def expected_compactions(log: list[LogRecord]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return, for each request that counts: its place, what it covers, and the numbers its digest must show."""
    out = {}
    for (org_id, session_id), facts in _sessions(log).items():
        for place, fact in enumerate(facts):
            if fact["kind"] == "compaction_requested":
                events = _events(facts[:place])
                numbers = {
                    "prompts": _prompts(events),
                    "calls": sum(_calls(events).values()),
                    "failed": _failed(events),
                }
                common = {"version": fact["offset"] + 1, "covered_events": len(events)}
                out[org_id, session_id, fact["id"]] = {**common, **numbers}
    return out


def expected_analyses(log: list[LogRecord]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return, for each session with an end: the findings as of the last end that counts."""
    out = {}
    for key, facts in _sessions(log).items():
        ends = [place for place, fact in enumerate(facts) if fact["kind"] == "session_ended"]
        if ends:
            events = _events(facts[: ends[-1]])
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


def _sessions(log: list[LogRecord]) -> dict[tuple[str, str], list[Fact]]:
    facts: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    for record in log:
        if record.value and record.value[0] == ord("{"):
            body = json.loads(record.value)
            if body["kind"] == "prices_loaded":
                continue
            inner = body["events"] if body["kind"] == "events_recorded" else [{"event_id": body["fact_id"]}]
            for one in inner:
                fact = {**body, **one, "id": one["event_id"], "offset": record.offset}
                if all(fact["id"] != earlier["id"] for earlier in facts[body["org_id"], body["session_id"]]):
                    facts[body["org_id"], body["session_id"]].append(fact)
    return facts


def _events(facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact["kind"] == "events_recorded"]


def _prompts(events: list[Fact]) -> int:
    """Count the prompts with a text; without a text, the row's label is the text."""
    asked = [event for event in events if event["event_type"] == "UserPromptSubmit"]
    return sum(1 for e in asked if (_shown(e["data"].get("prompt")) or _text(e, "task_subject")).strip())


def _uses(events: list[Fact]) -> list[list[Fact]]:
    """Group the payloads by use of a tool: by id, and each without an id by itself."""
    by_id: dict[object, list[Fact]] = {}
    for place, event in enumerate(events):
        if event["event_type"] in TOOL_TYPES:
            by_id.setdefault(_text(event, "tool_use_id") or place, []).append(event)
    return list(by_id.values())


def _is_call(use: list[Fact]) -> bool:
    return bool(_text(use[0], "tool_use_id")) or use[0]["event_type"] == "PreToolUse"


def _has(use: list[Fact], event_type: str) -> bool:
    return any(event["event_type"] == event_type for event in use)


def _calls(events: list[Fact]) -> Counter[str]:
    return Counter(_text(use[0], "tool_name") for use in _uses(events) if _is_call(use))


def _failed(events: list[Fact]) -> int:
    return sum(_has(use, "PostToolUseFailure") for use in _uses(events))


def _edits(events: list[Fact]) -> dict[str, int]:
    """Count by tool and path first: a failure without a call takes away a call of its kind; no count is below 0."""
    done: Counter[tuple[str, str]] = Counter()
    for use in _uses(events):
        tool, request = _text(use[0], "tool_name"), use[0]["data"].get("tool_input")
        path = _shown(request.get("file_path")) if isinstance(request, dict) else ""
        if tool in EDITORS and path:
            denied = _has(use, "PermissionDenied") and bool(_text(use[0], "tool_use_id"))
            done[tool, path] += _is_call(use) - _has(use, "PostToolUseFailure") - denied
    by_path: Counter[str] = Counter()
    for (_, path), count in done.items():
        by_path[path] += max(0, count)
    return {path: count for path, count in by_path.items() if count}


def _text(event: Fact, name: str) -> str:
    value = event["data"].get(name)
    return value if isinstance(value, str) else ""


def _shown(value: object) -> str:
    """Return a string as it is, other values as their JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
