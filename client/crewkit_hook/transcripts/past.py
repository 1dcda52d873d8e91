"""Past events and sessions: what hooks would have sent."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

_NAMESPACE = uuid.UUID("6f3a1d52-6d0e-5f0b-9a53-3f1f3c0b7d11")


class Past(NamedTuple):
    """``key`` names the event within its session, so that every import gives it the same id."""

    key: str
    at_ms: int
    payload: dict[str, Any]


def past(event: str, key: Any, at_ms: int, *fields: Mapping[str, Any]) -> Past:
    """Return an event; later ``fields`` replace earlier ones.

    If its payload has no key of its own (`key_of`), its name and ``key`` are the key.
    """
    payload = {"hook_event_name": event}
    for more in fields:
        payload.update(more)
    return Past(key_of(payload) or f"{event} {key}", at_ms, payload)


class Session(NamedTuple):
    """A past session."""

    client: str
    session_id: str
    folders: Sequence[str]  # in which it worked
    context: dict[str, Any]
    events: Sequence[Past]
    reports: Sequence[dict[str, Any]]  # of its running totals, in order


class PastSessions(Protocol):
    """The session files of one agent, as an import reads them: one after the other, the oldest first."""

    folder: str  # in the agent's own folder

    @staticmethod
    def has(file: Path) -> bool:
        """Return whether a file is a session's, by its name."""

    def session(self, file: Path, *, is_over: bool) -> Session | None:
        """Return the session of a file; None if the file has none, or only a part of another one.

        ``is_over``: nothing will be added, so the last run has ended even if the file does not say so.
        """


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
