"""A slow oracle: a session's counts from the events that clients sent, by the rules alone, without code of the fold."""

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
    """Return the ``counts`` of a session, by the rules of the API's reference."""
    sent = [(event.event_type, json.loads(event.data)) for event in events]
    return {
        "events": len(sent),
        "prompts": _of_type(sent, "UserPromptSubmit"),
        "tool_calls": len(_ids(sent, "tool_use_id", CALLS)) + _without(sent, "PreToolUse"),
        "tool_errors": len(_ids(sent, "tool_use_id", ("PostToolUseFailure",))) + _without(sent, "PostToolUseFailure"),
        "tasks": len(_ids(sent, "task_id", ("TaskCreated", "TaskCompleted"))),
        "subagents": len({payload["agent_id"] for _, payload in sent if payload.get("agent_id")}),
        "compactions": _of_type(sent, "PreCompact"),
        "unknown_events": sum(1 for kind, _ in sent if kind not in KNOWN),
    }


SentEvents = list[tuple[str, dict[str, Any]]]


def _of_type(sent: SentEvents, kind: str) -> int:
    return sum(1 for found, _ in sent if found == kind)


def _ids(sent: SentEvents, name: str, kinds: tuple[str, ...]) -> set[str]:
    return {payload[name] for kind, payload in sent if kind in kinds and payload.get(name)}


def _without(sent: SentEvents, kind: str) -> int:
    return sum(1 for found, payload in sent if found == kind and not payload.get("tool_use_id"))
