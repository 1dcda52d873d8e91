"""A slow oracle: a session's counts from the events that clients sent, by the rules alone; no code of the fold."""

import json
from collections.abc import Iterable
from typing import Any

from tests.support.clients.journal import SentEvent

CALLS = ("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied")
KNOWN = frozenset(
    """
    SessionStart Setup SessionEnd UserPromptSubmit UserPromptExpansion PreToolUse PermissionRequest PermissionDenied
    PostToolUse PostToolUseFailure PostToolBatch Notification MessageDisplay SubagentStart SubagentStop Stop StopFailure
    PreCompact PostCompact PreModelSwitch PostModelSwitch TaskCreated TaskCompleted TeammateIdle InstructionsLoaded
    ConfigChange CwdChanged DirectoryAdded FileChanged WorktreeCreate WorktreeRemove Elicitation ElicitationResult
    """.split()
)


def counts(events: Iterable[SentEvent]) -> dict[str, int]:
    """The ``counts`` of a session, by the rules of the API's reference."""
    told = [(event.event_type, json.loads(event.data)) for event in events]
    return {
        "events": len(told),
        "prompts": _of_type(told, "UserPromptSubmit"),
        "tool_calls": len(_ids(told, "tool_use_id", CALLS)) + _without(told, "PreToolUse"),
        "tool_errors": len(_ids(told, "tool_use_id", ("PostToolUseFailure",))) + _without(told, "PostToolUseFailure"),
        "tasks": len(_ids(told, "task_id", ("TaskCreated", "TaskCompleted"))),
        "subagents": len({payload["agent_id"] for _, payload in told if payload.get("agent_id")}),
        "compactions": _of_type(told, "PreCompact"),
        "unknown_events": sum(1 for kind, _ in told if kind not in KNOWN),
    }


Told = list[tuple[str, dict[str, Any]]]


def _of_type(told: Told, kind: str) -> int:
    return sum(1 for found, _ in told if found == kind)


def _ids(told: Told, name: str, kinds: tuple[str, ...]) -> set[str]:
    return {payload[name] for kind, payload in told if kind in kinds and payload.get(name)}


def _without(told: Told, kind: str) -> int:
    return sum(1 for found, payload in told if found == kind and not payload.get("tool_use_id"))
