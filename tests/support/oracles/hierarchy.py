"""Subagents, tasks and tool calls, slowly: each is computed separately, from the whole log for every question.

Each question is asked at a place in the log: what is known of this call up to there? So nothing is remembered, and
the time grows with the cube of the log.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from tests.support.oracles.log_facts import (
    Fact,
    duration_of,
    events_of,
    first_text,
    is_of_person,
    is_telemetry,
    label,
    of_type,
    text,
    tool_name,
)
from tests.support.oracles.spans import Spans

TOOL_TYPES = ("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied")
DENIED = (
    "Permission to use ",
    "Claude requested permissions to ",
    "The user doesn't want to proceed with this tool use.",
    "The user doesn't want to take this action right now.",
)
UNAPPROVED = (" needs approval.", " parts require approval: ")
OVER = {
    **dict.fromkeys(("completed", "done", "exited"), "completed"),
    **dict.fromkeys(("failed", "error"), "failed"),
    **dict.fromkeys(("killed", "stopped", "cancelled", "canceled"), "cancelled"),
}
NOTIFIED = re.compile(r"<task-id>([^<]{1,200})</task-id>.*?<status>(\w+)</status>", re.DOTALL)
Task = dict[str, Any]


def hierarchy(facts: list[Fact]) -> dict[tuple[str, str], Task]:
    """Return the nodes of a session by (kind, id)."""
    return _Hierarchy(facts).nodes()


def calls_in(batch: Fact) -> list[tuple[str, str, str]]:
    """Return id, name and outcome (error, denied or "") of the calls in a `PostToolBatch`."""
    calls = batch["data"].get("tool_calls")
    return [
        (call["tool_use_id"], tool_name(batch, call.get("tool_name", "")), outcome_of(call.get("tool_response")))
        for call in (calls if isinstance(calls, list) else [])
        if isinstance(call, dict) and _is_text(call.get("tool_use_id")) and isinstance(call.get("tool_name", ""), str)
    ]


def agents_of(events: list[Fact]) -> list[str]:
    """Return the ids of subagents; a nameless one that appears only in its end is part of a compaction."""
    named = (
        text(event, "agent_id")
        for event in events
        if event["event_type"] != "SubagentStop" or event["data"].get("agent_type") != ""
    )
    return [*dict.fromkeys(filter(None, named))]


class Use:
    """Everything that a session's log says about one tool call."""

    def __init__(self, use_id: str, events: list[Fact], shell_ends: list[tuple[int, int, str, str]]) -> None:
        self.id = use_id
        self.said = [event for event in of_type(events, *TOOL_TYPES) if text(event, "tool_use_id") == use_id]
        self.calls = [
            (batch, name, outcome)
            for batch in of_type(events, "PostToolBatch")
            for called, name, outcome in calls_in(batch)
            if called == use_id
        ]
        self._events, self._shell_ends = events, shell_ends

    @property
    def named(self) -> list[tuple[int, bool, str]]:
        """Return every mention in log order: its place, whether telemetry reports it, and the tool's name."""
        said = [
            (event["place"], is_telemetry(event), tool_name(event, text(event, "tool_name"))) for event in self.said
        ]
        return sorted(said + [(batch["place"], False, name) for batch, name, _ in self.calls], key=lambda one: one[0])

    @property
    def name(self) -> str:
        by_hooks = [name for _, by_telemetry, name in self.named if not by_telemetry]
        return (by_hooks or [name for *_, name in self.named])[0]

    def parent(self, upto: int) -> str:
        """Return the first agent that a payload names."""
        mentions = sorted([*self.said, *(batch for batch, *_ in self.calls)], key=lambda event: int(event["place"]))
        return first_text([event for event in mentions if event["place"] <= upto], "agent_id")

    def started_at(self, upto: int) -> int | None:
        starts = [event for event in of_type(self.said, "PreToolUse") if event["place"] <= upto]
        found: int | None = _better(starts, lambda some: some[0]["timestamp"])
        return found

    def shell(self, upto: int) -> bool:
        """Return whether the call left a shell running."""
        return any(event["place"] <= upto and shell_of(event) for event in self.said)

    def end(self, upto: int) -> tuple[int, str] | None:
        """Return when it ended; if a shell ended it, also whether it failed or completed."""
        outcomes = [
            event for event in of_type(self.said, *TOOL_TYPES[1:]) if event["place"] <= upto and not shell_of(event)
        ]
        strong = [(event["place"], event["timestamp"], "") for event in outcomes if not is_telemetry(event)]
        strong += [one for one in self._ends_of_shell(upto) if one[2] != "cancelled"]
        if strong:
            return min(strong, key=lambda end: end[0])[1:]
        weak = [event["timestamp"] for event in outcomes if is_telemetry(event)]
        weak += [batch["timestamp"] for batch, *_ in self.calls if batch["place"] <= upto]
        return None if self.shell(upto) or not weak else (min(weak), "")

    def is_killed(self, upto: int) -> bool:
        """Return whether its shell was killed before it ended."""
        return any(
            status == "cancelled" and self.end(place - 1) is None for place, _, status in self._ends_of_shell(upto)
        )

    def _ends_of_shell(self, upto: int) -> list[tuple[int, int, str]]:
        return [
            (place, at, status)
            for place, at, shell, status in self._shell_ends
            if place <= upto and self._owner(shell, place) == self.id
        ]

    def _owner(self, shell: str, upto: int) -> str:
        """Return the call that left a shell running: the last one that says so."""
        left = [event for event in self._events if event["place"] < upto and shell_of(event) == shell]
        return text(left[-1], "tool_use_id") if left else ""

    @property
    def duration_ms(self) -> int | None:
        """Return the first duration that a hook reports, else telemetry's."""
        outcomes = of_type(self.said, "PostToolUse", "PostToolUseFailure")
        timed = [event for event in outcomes if duration_of(event) is not None]
        found: int | None = _better(timed, lambda some: duration_of(some[0]))
        return found

    @property
    def has_error(self) -> bool:
        return bool(of_type(self.said, "PostToolUseFailure")) or any(outcome == "error" for *_, outcome in self.calls)

    @property
    def is_denied(self) -> bool:
        """Return whether the call is reported as denied, or was requested in its turn, is in a batch, and never ran."""
        if of_type(self.said, "PermissionDenied"):
            return True
        if of_type(self.said, "PostToolUse", "PostToolUseFailure"):
            return False
        begun = [event for event in of_type(self.said, "PreToolUse") if not is_telemetry(event)]
        requests = [event for event in of_type(self._events, "PermissionRequest") if not is_telemetry(event)]
        is_asked = any(asks_for(request) == asks_for(begun[0]) for request in requests if begun)
        return any(outcome == "denied" for *_, outcome in self.calls) or (is_asked and bool(self.calls))


def uses_of(facts: list[Fact]) -> list[Use]:
    """Return a session's tool calls that have an id, by their first mention."""
    events = events_of(facts)
    ids: list[str] = []
    for event in events:
        if event["event_type"] in TOOL_TYPES:
            ids.append(text(event, "tool_use_id"))
        elif event["event_type"] == "PostToolBatch":
            ids += [use_id for use_id, *_ in calls_in(event)]
    shell_ends = [one for event in events for one in _shell_ends(event)]
    return [Use(use_id, events, shell_ends) for use_id in dict.fromkeys(filter(None, ids))]


class _Hierarchy:
    def __init__(self, facts: list[Fact]) -> None:
        self.events = events_of(facts)
        self.end = len(facts)
        self.uses = {use.id: use for use in uses_of(facts)}
        self.span_ends = Spans(facts).ends
        self.turn_ends = [
            (event["place"], event["timestamp"])
            for event in of_type(self.events, "Stop", "StopFailure", "UserPromptSubmit")
            if not text(event, "agent_id") and (event["event_type"] != "UserPromptSubmit" or is_of_person(event))
        ]

    def nodes(self) -> dict[tuple[str, str], Task]:
        found = {("tool", name): self._use(use) for name, use in self.uses.items()}
        of_tasks = of_type(self.events, "TaskCreated", "TaskCompleted")
        for name in dict.fromkeys(filter(None, (text(event, "task_id") for event in of_tasks))):
            found["task", name] = self._task([event for event in of_tasks if text(event, "task_id") == name])
        return found | {("subagent", name): self._agent(name) for name in agents_of(self.events)}

    def _use(self, use: Use) -> Task:
        started, ended = use.started_at(self.end), use.end(self.end)
        starts = [event["place"] for event in of_type(use.said, "PreToolUse")]
        starts += [event["place"] for event in use.said if shell_of(event)]
        is_cancelled = (
            use.is_killed(self.end)
            or self._is_closed(
                starts,
                use.started_at,
                lambda place: use.end(place) is not None or use.started_at(place) is None,
                lambda place: self._runs_on("tool", use.id, place),
            )
            or self._is_closed_by_agent(use)
        )
        failed = use.has_error or (ended is not None and ended[1] == "failed")
        node = _node(started, ended and ended[0], failed, use.is_denied, is_cancelled)
        if use.duration_ms is not None and not use.shell(self.end):
            node["duration_ms"] = use.duration_ms
        return {**node, "name": use.name, "agent_type": "", "parent_task_id": use.parent(self.end), "tool_calls": 0}

    def _is_closed_by_agent(self, use: Use) -> bool:
        """Return whether the agent that it belongs to stopped before it ended."""
        for stop in of_type(self.events, "SubagentStop"):
            place, agent_id = stop["place"], text(stop, "agent_id")
            started = use.started_at(place)
            is_open = started is not None and started <= stop["timestamp"] and use.end(place) is None
            if agent_id and is_open and use.parent(place) == agent_id and not use.shell(place):
                return True
        return False

    def _agent(self, name: str) -> Task:
        said = [event for event in self.events if text(event, "agent_id") == name]
        starts, stops = of_type(said, "SubagentStart"), of_type(said, "SubagentStop")

        def started(upto: int) -> int | None:
            return next((event["timestamp"] for event in starts if event["place"] <= upto), None)

        def ended(upto: int) -> int | None:
            known = [event for event in stops if event["place"] <= upto]
            hooks = [event["timestamp"] for event in known if not is_telemetry(event)]
            return hooks[0] if hooks else min((event["timestamp"] for event in known), default=None)

        is_cancelled = self._is_closed(
            [event["place"] for event in starts],
            started,
            lambda place: ended(place) is not None,
            lambda place: self._runs_on("subagent", name, place),
        )
        without_id = [event for event in of_type(said, "PreToolUse") if not text(event, "tool_use_id")]
        launches = self._launches(name, self.end)
        return {
            **_node(started(self.end), ended(self.end), False, False, is_cancelled),
            "name": first_text(said, "agent_type"),
            "agent_type": first_text(said, "agent_type"),
            "parent_task_id": text(launches[0], "tool_use_id") if launches else "",
            "tool_calls": len(without_id) + sum(use.parent(self.end) == name for use in self.uses.values()),
        }

    def _task(self, said: list[Fact]) -> Task:
        starts, ends = of_type(said, "TaskCreated"), of_type(said, "TaskCompleted")

        def first(events: list[Fact], upto: int) -> int | None:
            return next((event["timestamp"] for event in events if event["place"] <= upto), None)

        is_cancelled = self._is_closed(
            [event["place"] for event in starts],
            lambda place: first(starts, place),
            lambda place: first(ends, place) is not None,
            lambda _: True,  # only the end of a span ends it, not a turn
        )
        return {
            **_node(first(starts, self.end), first(ends, self.end), False, False, is_cancelled),
            "name": next(filter(None, map(label, said)), ""),
            "agent_type": "",
            "parent_task_id": text(said[0], "agent_id"),
            "tool_calls": 0,
        }

    def _is_closed(self, starts: Sequence[int], started_at: Any, is_over: Any, runs_on: Any) -> bool:
        """Return whether a turn or span ended while this was open, whether it was logged before or after that end.

        ``starts`` are the places where it is said to begin; the functions take a place, and answer up to there.
        """
        for ends, of_turn in ((self.turn_ends, True), (self.span_ends, False)):
            for place, at in ends:
                started = started_at(place)
                is_open = started is not None and not is_over(place) and not (of_turn and runs_on(place))
                if is_open and started <= at:
                    return True
                if any(
                    started_at(start) is not None
                    and started_at(start) < at
                    and not is_over(start)
                    and not (of_turn and runs_on(start))
                    for start in starts
                    if start > place
                ):
                    return True
        return False

    def _runs_on(self, kind: str, name: str, upto: int) -> bool:
        """Return whether it is a background shell, or belongs to a background agent."""
        seen = set()
        while name and (kind, name) not in seen:
            seen.add((kind, name))
            if kind == "tool":
                use = self.uses[name]
                if use.shell(upto):
                    return True
                kind, name = "subagent", use.parent(upto)
            else:
                launches = self._launches(name, upto)
                if launches and launches[-1]["data"]["tool_response"].get("status", "").endswith("_launched"):
                    return True
                kind, name = "tool", text(launches[0], "tool_use_id") if launches else ""
        return False

    def _launches(self, agent_id: str, upto: int) -> list[Fact]:
        """Return what tool calls report about having started an agent."""
        return [
            event
            for event in of_type(self.events, "PostToolUse")
            if event["place"] <= upto and text(event, "tool_use_id") and launched_by(event) == agent_id
        ]


def shell_of(event: Fact) -> str:
    """Return the shell that a tool call left running."""
    return _said_by(event, ("Bash", "PowerShell"), "backgroundTaskId") if text(event, "tool_use_id") else ""


def launched_by(event: Fact) -> str:
    """Return the agent that a tool call started."""
    return _said_by(event, ("Agent", "Task"), "agentId")


def _said_by(event: Fact, tools: tuple[str, ...], name: str) -> str:
    response = event["data"].get("tool_response")
    if event["event_type"] != "PostToolUse" or not isinstance(response, dict):
        return ""
    return str(response.get(name, "")) if tool_name(event, text(event, "tool_name")) in tools else ""


def _shell_ends(event: Fact) -> Iterable[tuple[int, int, str, str]]:
    """Yield place, time, shell and status."""
    said: list[tuple[str, str]] = []
    if event["event_type"] in ("Stop", "SubagentStop"):
        tasks = event["data"].get("background_tasks")
        said = [(task["id"], task.get("status", "")) for task in tasks] if isinstance(tasks, list) else []
    elif event["event_type"] == "UserPromptSubmit" and text(event, "prompt").startswith("<task-notification>"):
        said = [(found[1].strip(), found[2]) for found in NOTIFIED.finditer(text(event, "prompt"))][:1]
    for shell, status in said:
        if status in OVER:
            yield event["place"], event["timestamp"], shell, OVER[status]


def outcome_of(response: Any) -> str:
    """Return how a response in a batch says that a call did not succeed: error or denied."""
    if isinstance(response, list) and response:
        response = response[0].get("text", "") if isinstance(response[0], dict) else ""
    if not isinstance(response, str):
        return ""
    if response.startswith("<tool_use_error>"):
        return "error"
    return "denied" if response.startswith(DENIED) or any(one in response[:500] for one in UNAPPROVED) else ""


def _node(started: int | None, ended: int | None, failed: bool, denied: bool, cancelled: bool) -> Task:
    outcomes = {"failed": failed, "denied": denied, "unknown": started is None, "completed": ended is not None}
    outcomes |= {"cancelled": cancelled, "running": True}
    duration = None if started is None or ended is None else max(0, ended - started)
    status = next(name for name, applies in outcomes.items() if applies)
    return {"started_at": started, "ended_at": ended, "duration_ms": duration, "status": status}


def _better(events: list[Fact], value: Any) -> Any:
    """Return what hooks report, else telemetry."""
    by_hooks = [event for event in events if not is_telemetry(event)]
    return value(by_hooks or events) if events else None


def asks_for(event: Fact) -> tuple[Any, ...]:
    """Return what a request for permission and its call have in common."""
    return tool_name(event, text(event, "tool_name")), text(event, "prompt_id"), event["data"].get("tool_input")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
