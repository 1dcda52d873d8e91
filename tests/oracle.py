"""A slow, plain recount of what a log says about its sessions. It shares no code with the projector, only the rules.

Input: decoded JSON of the log's values in log order. Output: per (org, session) the numbers a session must show.
"""

import json
from collections import defaultdict
from typing import Any

from schemas.hooks import KNOWN_EVENT_TYPES

TOOL_TYPES = ("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied")


def recount(values: list[bytes]) -> dict[tuple[str, str], dict[str, Any]]:
    """Sessions by (org, id), each with its counts, times, dimensions and totals."""
    facts: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for value in values:
        record = json.loads(value)
        facts[record["org_id"], record["session_id"]].extend(_facts(record))
    return {key: _session(_first_of_each(some)) for key, some in facts.items()}


def first_copies(values: list[bytes]) -> dict[tuple[str, str, str], tuple[str, int, dict[str, Any]]]:
    """Hook events by (org, session, event id): type, timestamp and data of the copy that stands first in the log."""
    facts: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for value in values:
        record = json.loads(value)
        facts[record["org_id"], record["session_id"]].extend(_facts(record))
    return {
        (*key, fact["id"]): (fact["event_type"], fact["timestamp"], fact["data"])
        for key, some in facts.items()
        for fact in _first_of_each(some)
        if fact["kind"] == "events_recorded"
    }


def _facts(record: dict[str, Any]) -> list[dict[str, Any]]:
    if record["kind"] != "events_recorded":
        return [{**record, "id": record["fact_id"]}]
    return [{**record, **event, "id": event["event_id"]} for event in record["events"]]


def _first_of_each(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first: dict[str, dict[str, Any]] = {}
    for fact in facts:
        first.setdefault(fact["id"], fact)
    return list(first.values())


def _session(facts: list[dict[str, Any]]) -> dict[str, Any]:
    events = [fact for fact in facts if fact["kind"] == "events_recorded"]
    tools = [event for event in events if event["event_type"] in TOOL_TYPES]
    with_id = {_text(event, "tool_use_id") for event in tools} - {""}
    failures = [event for event in events if event["event_type"] == "PostToolUseFailure"]
    session = {
        "events": len(events),
        "prompts": _count(events, "UserPromptSubmit"),
        "tool_calls": len(with_id)
        + sum(1 for e in events if e["event_type"] == "PreToolUse" and not _text(e, "tool_use_id")),
        "tool_errors": len({_text(e, "tool_use_id") for e in failures} - {""})
        + sum(1 for e in failures if not _text(e, "tool_use_id")),
        "tasks": len(
            {_text(e, "task_id") for e in events if e["event_type"] in ("TaskCreated", "TaskCompleted")} - {""}
        ),
        "subagents": len({_text(e, "agent_id") for e in events} - {""}),
        "compactions": _count(events, "PreCompact"),
        "unknown_events": sum(1 for e in events if e["event_type"] not in KNOWN_EVENT_TYPES),
        "last_event_at": max((e["timestamp"] for e in events), default=None),
        "started_at": _started_at(facts[0]),
    }
    return {**session, **_lifecycle(facts, session["started_at"]), **_totals(facts, events)}


def _started_at(fact: dict[str, Any]) -> int:
    if fact["kind"] == "events_recorded":
        return int(fact["timestamp"])
    return int(fact.get("started_at") or fact["received_at"])


def _lifecycle(facts: list[dict[str, Any]], started_at: int) -> dict[str, Any]:
    out: dict[str, Any] = {"ended_at": None, "outcome": None, "user_id": facts[0]["actor"]["user_id"]}
    changed = dict.fromkeys(("title", "summary", "agent_name", "project_id", "branch"))
    for fact in facts:
        if fact["kind"] == "session_created":
            out["user_id"] = fact["actor"]["user_id"]
            for name in ("title", "agent_name", "project_id", "branch"):
                if changed[name] is None:
                    changed[name] = fact.get(name)
        elif fact["kind"] == "session_changed":
            changed.update({name: fact[name] for name in changed if name in fact})
        elif fact["kind"] == "session_ended":
            if out["ended_at"] is None:
                out["ended_at"] = max(fact.get("ended_at") or fact["received_at"], started_at)
                out["outcome"] = fact.get("outcome")
            if fact.get("summary") is not None:
                changed["summary"] = fact["summary"]
    return {**out, **changed}


def _totals(facts: list[dict[str, Any]], events: list[dict[str, Any]]) -> dict[str, Any]:
    latest: dict[str, Any] | None = None
    for fact in facts:
        report = fact.get("report")
        if report is None:
            continue
        old, new = (latest or {}).get("reported_at"), report.get("reported_at")
        if latest is None or old is None or new is None or new >= old:
            latest = report
    models = (latest or {}).get("models", [])
    return {
        "input_tokens": sum(model.get("input_tokens", 0) for model in models),
        "output_tokens": sum(model.get("output_tokens", 0) for model in models),
        "reported_cost": sum(model.get("cost_nano") or 0 for model in models),
    }


def _count(events: list[dict[str, Any]], event_type: str) -> int:
    return sum(1 for event in events if event["event_type"] == event_type)


def _text(event: dict[str, Any], name: str) -> str:
    value = event["data"].get(name)
    return value if isinstance(value, str) else ""
