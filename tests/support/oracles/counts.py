"""A slow oracle: a session's counts from the events that clients sent, by the documented rules and without the fold."""

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
    PreSkillShellCommand BeforeModel AfterModel BeforeToolSelection PreCompress PermissionModeChanged
    ApiRequest ApiError Measurement
    """.split()
)
SentEvents = list[tuple[str, dict[str, Any]]]


def counts(events: Iterable[SentEvent]) -> dict[str, int]:
    """Return the ``counts`` of a session, by the rules of the API's reference."""
    sent = [(event.event_type, json.loads(event.data)) for event in events]
    batched = [call for kind, payload in sent if kind == "PostToolBatch" for call in payload.get("tool_calls", [])]
    failed = _ids(sent, "tool_use_id", ("PostToolUseFailure",)) | {c["tool_use_id"] for c in batched if _is_refused(c)}
    called = _ids(sent, "tool_use_id", CALLS) | {call["tool_use_id"] for call in batched}
    return {
        "events": len(sent),
        "prompts": sum(1 for kind, payload in sent if kind == "UserPromptSubmit" and _is_of_person(payload)),
        "tool_calls": len(called) + _without(sent, "PreToolUse"),
        "tool_errors": len(failed) + _without(sent, "PostToolUseFailure"),
        "tasks": len(_ids(sent, "task_id", ("TaskCreated", "TaskCompleted"))),
        "subagents": len({payload["agent_id"] for kind, payload in sent if _is_agents(kind, payload)}),
        "compactions": sum(1 for kind, _ in sent if kind == "PreCompact"),
        "unknown_events": sum(1 for kind, _ in sent if kind not in KNOWN),
    }


def measured(events: Iterable[SentEvent]) -> dict[str, float] | None:
    """Return totals of a session's model requests, each counted once; None if there are none."""
    sent = [json.loads(event.data) for event in events if event.event_type == "ApiRequest"]
    requests = {payload["request_id"]: payload for payload in sent}.values()
    nano = sum(round(payload["cost_usd"] * 10**9) for payload in requests)
    tokens = sum(payload["input_tokens"] for payload in requests)
    return {"input_tokens": tokens, "cost_usd": nano / 10**9} if sent else None


def _is_of_person(prompt: dict[str, Any]) -> bool:
    by_client = prompt.get("source", "user") not in ("user", "sdk")
    return not (by_client or prompt.get("agent_id") or str(prompt.get("prompt")).startswith("<task-notification>"))


def _is_refused(call: dict[str, Any]) -> bool:
    return str(call.get("tool_response")).startswith("<tool_use_error>")


def _is_agents(kind: str, payload: dict[str, Any]) -> bool:
    is_nameless = kind == "SubagentStop" and payload.get("agent_type") == ""
    return bool(payload.get("agent_id")) and not is_nameless


def _ids(sent: SentEvents, name: str, kinds: tuple[str, ...]) -> set[str]:
    return {payload[name] for kind, payload in sent if kind in kinds and payload.get(name)}


def _without(sent: SentEvents, kind: str) -> int:
    return sum(1 for found, payload in sent if found == kind and not payload.get("tool_use_id"))
