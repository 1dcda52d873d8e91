"""A past event: what a hook would have sent."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any, NamedTuple

_NAMESPACE = uuid.UUID("6f3a1d52-6d0e-5f0b-9a53-3f1f3c0b7d11")


class Past(NamedTuple):
    """``key`` names the event within its session, so that every import gives it the same id."""

    key: str
    at_ms: int
    payload: dict[str, Any]


def event_id(client: str, session_id: str, key: str) -> str:
    """Return the id of an event with a key. A hook's event with the same key has the same id."""
    return str(uuid.uuid5(_NAMESPACE, f"{client} {session_id} {key}"))


def key_of(payload: dict[str, Any]) -> str:
    """Return the key of an event that occurs once in its session; empty for any other event."""
    event = payload.get("hook_event_name")
    if event in ("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied"):
        use = payload.get("tool_use_id")
        return f"{event} {use}" if isinstance(use, str) and use else ""
    if event == "UserPromptSubmit":
        prompt = payload.get("prompt_id") or payload.get("turn_id")
        if isinstance(prompt, str) and prompt:  # one turn may have several prompts
            digest = hashlib.sha256(json.dumps(payload.get("prompt")).encode()).hexdigest()
            return f"{event} {prompt} {digest[:16]}"
    return ""
