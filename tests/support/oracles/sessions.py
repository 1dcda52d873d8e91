"""A slow, plain recount of a log's sessions. It shares the rules with the projector, but no code.

Input: decoded JSON of the log's values in log order. Output: the numbers that each (org, session) must show.
"""

from collections import defaultdict
from typing import Any
from uuid import UUID

from prices.price_list import PriceList
from schemas.hooks import KNOWN_EVENT_TYPES
from tests.support.oracles.hierarchy import TOOL_TYPES, agents_of, hierarchy, uses_of
from tests.support.oracles.ledger import (
    given_cost,
    latest_report,
    ledger,
    main_output_by_model,
    requests_of,
    work,
)
from tests.support.oracles.log_facts import (
    Fact,
    SessionKey,
    duration_of,
    events_of,
    facts_by_session,
    is_of_person,
    is_telemetry,
    label,
    latest,
    of_type,
    prompt_id,
    text,
    tool_name,
)
from tests.support.oracles.spans import Spans, started_at

GIVEN_OR_SAID = ("trigger", "parent_id", "relation", "repo", "remote_url")
__all__ = ["TOOL_TYPES", "first_copies", "recount", "recount_ledger", "recount_tasks", "recount_tools"]


def recount(values: list[bytes]) -> dict[SessionKey, dict[str, Any]]:
    """Return sessions by (org, id), each with its counts, times, dimensions and totals."""
    return {key: _session(facts) for key, facts in facts_by_session(values).items()}


def recount_ledger(values: list[bytes], prices: PriceList) -> dict[SessionKey, dict[str, Any]]:
    """Return the cost of sessions at these prices: `models`, `measured` and `agents` by name, and `is_reported`."""
    return {key: ledger(facts, _own_model(facts) or "", prices) for key, facts in facts_by_session(values).items()}


def recount_tools(values: list[bytes]) -> dict[SessionKey, dict[str, tuple[int, int, int]]]:
    """Return calls, errors and duration by tool."""
    return {key: _tools(facts) for key, facts in facts_by_session(values).items()}


def recount_tasks(values: list[bytes]) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    """Return subagents, tasks and tool calls by (org, session, kind, id), as a hierarchy must show them."""
    return {
        (*key, *node): task
        for key, facts in facts_by_session(values).items()
        for node, task in hierarchy(facts).items()
    }


def first_copies(values: list[bytes]) -> dict[tuple[str, str, str], tuple[str, int, dict[str, Any]]]:
    """Return hook events by (org, session, event id): type, timestamp and data of the first copy in the log."""
    return {
        (*key, event["id"]): (event["event_type"], event["timestamp"], event["data"])
        for key, facts in facts_by_session(values).items()
        for event in events_of(facts)
    }


def _session(facts: list[Fact]) -> dict[str, Any]:
    events, tools, spans = events_of(facts), _tools(facts).values(), Spans(facts)
    prompts = [event for event in of_type(events, "UserPromptSubmit") if is_of_person(event)]
    by_telemetry = [prompt for prompt in prompts if is_telemetry(prompt)]
    by_hooks = [prompt for prompt in prompts if not is_telemetry(prompt)]
    compacted = [event for event in of_type(events, "PostCompact") if is_telemetry(event)]
    asked = [[label(prompt) for prompt in some if label(prompt)] for some in (by_hooks, by_telemetry)]
    of_tasks = of_type(events, "TaskCreated", "TaskCompleted")
    creates = [fact for fact in facts if fact["kind"] == "session_created"]
    return {
        "events": len(events),
        "prompts": _prompts(events),
        "tool_calls": sum(calls for calls, *_ in tools),
        "tool_errors": sum(errors for _, errors, _ in tools),
        "tasks": len({text(event, "task_id") for event in of_tasks} - {""}),
        "subagents": len(agents_of(events)),
        "compactions": max(len(of_type(events, "PreCompact")), len(compacted)),
        "unknown_events": sum(event["event_type"] not in KNOWN_EVENT_TYPES for event in events),
        "last_event_at": max((event["timestamp"] for event in events), default=None),
        "started_at": started_at(facts[0]),
        "ended_at": spans.last["ended_at"],
        "outcome": spans.last["outcome"],
        "duration_ms": spans.duration_ms(facts),
        "user_id": (creates or facts[:1])[-1]["actor"]["user_id"],
        "first_prompts": (asked[0] or asked[1])[:50],
        **_names(facts),
        **_usage(facts),
    }


def _prompts(events: list[Fact]) -> int:
    """Count each prompt by a user: all that hooks report, and those that only telemetry reports.

    Two prompts are the same if they have the same id, and may be the same if one of them has none.
    """
    asked = of_type(events, "UserPromptSubmit")
    by_hooks = [prompt for prompt in asked if not is_telemetry(prompt)]
    known = {prompt_id(prompt) for prompt in by_hooks} - {""}
    persons = [prompt_id(prompt) for prompt in by_hooks if is_of_person(prompt)]
    others = [prompt_id(prompt) for prompt in asked if is_telemetry(prompt) and is_of_person(prompt)]
    alone = [one for one in others if one not in known]
    free = [one for one in persons if one not in others or not one]
    return len(persons) + len(alone) - _pairs(free, alone)


def _pairs(free: list[str], alone: list[str]) -> int:
    """Return how many pairs are possible if one of each has no id: first match those that need such a partner."""
    pairs = 0
    for one in sorted(free, reverse=True):
        partner = "" if one else max(alone, default=None)
        if partner in alone:
            alone.remove(partner)
            pairs += 1
    return pairs


def _tools(facts: list[Fact]) -> dict[str, tuple[int, int, int]]:
    """Return the counters by tool. Without ids, hooks and telemetry count the same calls: the higher count is shown."""
    with_ids, by_hooks, by_telemetry = (defaultdict[str, list[int]](lambda: [0, 0, 0]) for _ in range(3))
    for use in uses_of(facts):
        _add(with_ids[use.name], 1, use.has_error, use.duration_ms)
    for event in of_type(events_of(facts), "PreToolUse", "PostToolUse", "PostToolUseFailure"):
        if text(event, "tool_use_id"):
            continue
        is_outcome, has_failed = event["event_type"] != "PreToolUse", event["event_type"] == "PostToolUseFailure"
        duration = duration_of(event) if is_outcome else 0
        name = tool_name(event, text(event, "tool_name"))
        if is_telemetry(event) and is_outcome:
            _add(by_telemetry[name], 1, has_failed, duration)
        else:
            _add(by_hooks[name], 0 if is_outcome else 1, has_failed, duration)
    shown: dict[str, tuple[int, int, int]] = {}
    for name in with_ids.keys() | by_hooks.keys() | by_telemetry.keys():
        without = map(max, by_hooks[name], by_telemetry[name])
        calls, errors, duration_ms = (one + other for one, other in zip(with_ids[name], without, strict=True))
        shown[name] = calls, errors, duration_ms
    return {name: counts for name, counts in shown.items() if any(counts)}


def _add(counts: list[int], calls: int, errors: int, duration_ms: int | None) -> None:
    counts[:] = [counts[0] + calls, counts[1] + errors, counts[2] + (duration_ms or 0)]


def _names(facts: list[Fact]) -> dict[str, Any]:
    """Return the names given by a create or a change; otherwise those that the client reports."""
    events = events_of(facts)
    creates = [fact for fact in facts if fact["kind"] == "session_created"]
    described = [fact for fact in facts if fact["kind"] == "session_described"]
    said = {name: _last(fact.get(name) for fact in described) for name in (*GIVEN_OR_SAID, "branch", "client_version")}
    answers = [
        (stop["timestamp"], (text(stop, "last_assistant_message") or text(stop, "prompt_response"))[:2000])
        for stop in of_type(events, "Stop")
        if not text(stop, "agent_id")
    ]
    titled = of_type(events, "SessionStart", "UserPromptSubmit")
    said["title"] = latest([(e["timestamp"], text(e, "session_title")) for e in titled if text(e, "session_title")])
    said["summary"] = latest([answer for answer in answers if answer[1]])
    given, cleared = _given(facts)
    last_create = creates[-1] if creates else {}
    clients = [fact["client"] for fact in described][-1:] or [c["client"] for c in creates if c.get("client")]
    found = {name: last_create.get(name) or said[name] for name in GIVEN_OR_SAID}
    return {
        **found,
        "trigger": found["trigger"] or "interactive",
        "parent_id": UUID(found["parent_id"]) if found["parent_id"] else None,
        **{
            name: said.get(name) if given[name] is None and name not in cleared else given[name]
            for name in ("title", "summary", "branch", "agent_name", "project_id")
        },
        "model": _model(facts),
        "client": clients[0] if clients else None,
        "client_version": said["client_version"],
    }


def _given(facts: list[Fact]) -> tuple[dict[str, Any], set[str]]:
    """Return the given values, and the names of those that a change touched."""
    given: dict[str, Any] = dict.fromkeys(("title", "summary", "agent_name", "project_id", "branch"))
    changed: set[str] = set()
    for fact in facts:
        if fact["kind"] == "session_created":
            given |= {name: fact.get(name) for name, value in given.items() if value is None and name != "summary"}
        elif fact["kind"] == "session_changed":
            given |= {name: fact[name] for name in given if name in fact}
            changed |= {name for name in given if name in fact}
        elif fact["kind"] == "session_ended" and fact.get("summary") is not None:
            given["summary"] = fact["summary"]
    return given, changed


def _own_model(facts: list[Fact]) -> str | None:
    """Return the model of the create, else of the last `SessionStart`; a report without a model belongs to it."""
    creates = [fact for fact in facts if fact["kind"] == "session_created"]
    given = creates[-1].get("model") if creates else None
    started = [text(event, "model") for event in of_type(events_of(facts), "SessionStart") if text(event, "model")]
    return given or (started[-1] if started else None)


def _model(facts: list[Fact]) -> str | None:
    switches = of_type(events_of(facts), "PostModelSwitch")
    switched = latest([(e["timestamp"], text(e, "to_model")) for e in switches if text(e, "to_model")])
    if known := switched or _own_model(facts):
        return known
    models = [*ledger(facts, "", _NO_PRICES)["models"]]
    if len(models) == 1:
        return models[0] or None
    output = main_output_by_model(facts)
    return max(output, key=lambda name: (output[name], name)) or None if output else None


def _usage(facts: list[Fact]) -> dict[str, Any]:
    found = ledger(facts, _own_model(facts) or "", _NO_PRICES)
    totals = found["models"].values()
    reports = [fact["report"] for fact in facts if fact.get("report") is not None]
    report = latest_report([one for one in reports if one.get("models") or one.get("work") is None]) or {}
    return {
        "input_tokens": sum(total["input_tokens"] for total in totals),
        "output_tokens": sum(total["output_tokens"] for total in totals),
        "reported_cost": found["is_reported"] * sum(usage.get("cost_nano") or 0 for usage in report.get("models", [])),
        "is_reported": found["is_reported"],
        "is_incomplete": found["is_incomplete"],
        "measured_cost_nano": sum(given_cost(request) or 0 for request in requests_of(facts)),
        "api_requests": len(requests_of(facts)),
        "api_errors": len(of_type(events_of(facts), "ApiError")),
        **work(facts),
    }


def _last(values: Any) -> Any:
    known = [value for value in values if value is not None]
    return known[-1] if known else None


_NO_PRICES = PriceList([])
