"""A slow, plain recount of a log's sessions. It shares the rules with the projector, but no code.

Input: decoded JSON of the log's values in log order. Output: per (org, session) the numbers a session must show.
"""

import json
from collections import defaultdict
from typing import Any

from schemas.hooks import KNOWN_EVENT_TYPES

TOOL_TYPES = ("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied")


def recount(values: list[bytes]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return sessions by (org, id), each with its counts, times, dimensions and totals."""
    facts = _by_session(values)
    return {key: _session(_first_of_each(some)) for key, some in facts.items()}


def _by_session(values: list[bytes]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    facts: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for record in map(json.loads, values):
        if record["kind"] != "prices_loaded":  # it is about no session
            facts[record["org_id"], record["session_id"]].extend(_facts(record))
    return facts


def first_copies(values: list[bytes]) -> dict[tuple[str, str, str], tuple[str, int, dict[str, Any]]]:
    """Return hook events by (org, session, event id): type, timestamp and data of the first copy in the log."""
    facts = _by_session(values)
    return {
        (*key, fact["id"]): (fact["event_type"], fact["timestamp"], fact["data"])
        for key, some in facts.items()
        for fact in _first_of_each(some)
        if fact["kind"] == "events_recorded"
    }


def recount_tasks(values: list[bytes]) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    """Return subagents, tasks and uses of tools by (org, session, kind, id): what a hierarchy must show of each."""
    facts = _by_session(values)
    return {
        (*key, kind, name): task
        for key, some in facts.items()
        for (kind, name), task in _tasks(
            [fact for fact in _first_of_each(some) if fact["kind"] == "events_recorded"]
        ).items()
    }


def _tasks(events: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    of_tools = [event for event in events if event["event_type"] in TOOL_TYPES]
    of_tasks = [event for event in events if event["event_type"] in ("TaskCreated", "TaskCompleted")]
    found = {("tool", name): _tool_use(some) for name, some in _by(of_tools, "tool_use_id").items()}
    found |= {("task", name): _task(some) for name, some in _by(of_tasks, "task_id").items()}
    without_id = [
        event for event in of_tools if event["event_type"] == "PreToolUse" and not _text(event, "tool_use_id")
    ]
    for name, some in _by(events, "agent_id").items():
        calls = [use for (kind, _), use in found.items() if kind == "tool" and use["parent_task_id"] == name]
        calls += [event for event in without_id if _text(event, "agent_id") == name]
        found["subagent", name] = {
            **_pair(some, "SubagentStart", ("SubagentStop",)),
            "name": _first(some, "agent_type"),
            "agent_type": _first(some, "agent_type"),
            "parent_task_id": "",
            "tool_calls": len(calls),
        }
    return found


def _tool_use(events: list[dict[str, Any]]) -> dict[str, Any]:
    pair = _pair(events, "PreToolUse", TOOL_TYPES[1:])
    durations = [
        round(event["data"]["duration_ms"])
        for event in events
        if event["event_type"] in ("PostToolUse", "PostToolUseFailure")
        and type(event["data"].get("duration_ms")) in (int, float)
        and event["data"]["duration_ms"] >= 0
    ]
    if durations:
        pair["duration_ms"] = durations[0]
    if any(event["event_type"] in ("PostToolUseFailure", "PermissionDenied") for event in events):
        pair["status"] = "failed"
    name, parent = _text(events[0], "tool_name"), _first(events, "agent_id")
    return {**pair, "name": name, "agent_type": "", "parent_task_id": parent, "tool_calls": 0}


def _task(events: list[dict[str, Any]]) -> dict[str, Any]:
    subjects = [(_text(event, "task_subject") or _text(event, "prompt"))[:200] for event in events]
    return {
        **_pair(events, "TaskCreated", ("TaskCompleted",)),
        "name": next(filter(None, subjects), ""),
        "agent_type": "",
        "parent_task_id": _text(events[0], "agent_id"),
        "tool_calls": 0,
    }


def _pair(events: list[dict[str, Any]], start: str, ends: tuple[str, ...]) -> dict[str, Any]:
    started = next((event["timestamp"] for event in events if event["event_type"] == start), None)
    ended = next((event["timestamp"] for event in events if event["event_type"] in ends), None)
    if started is None:
        return {"started_at": None, "ended_at": ended, "duration_ms": None, "status": "unknown"}
    if ended is None:
        return {"started_at": started, "ended_at": None, "duration_ms": None, "status": "running"}
    duration = max(0, ended - started)
    return {"started_at": started, "ended_at": ended, "duration_ms": duration, "status": "completed"}


def _by(events: list[dict[str, Any]], name: str) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        if _text(event, name):
            groups[_text(event, name)].append(event)
    return groups


def _first(events: list[dict[str, Any]], name: str) -> str:
    return next(filter(None, (_text(event, name) for event in events)), "")


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
    return {**session, **_lifecycle(facts, _started_at(facts[0])), **_totals(facts, events)}


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
