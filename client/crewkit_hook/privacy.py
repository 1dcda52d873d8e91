"""Decides how much of a payload leaves the machine: all of it, only metadata, or only as much as is accepted."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from crewkit_hook.repository import without_credentials
from crewkit_hook.settings import Settings

PAYLOAD_BYTES_MAX = 1_000_000  # the installation accepts 1 MiB, including what surrounds the payload
LEFT_OUT = "[left out: too long]"
# Names, ids, numbers and reasons: they say what an agent did, but not to what. Every other field may be content.
_ABOUT = frozenset(
    "session_id hook_event_name timestamp source reason model old_model new_model permission_mode effort trigger "
    "prompt_id turn_id message_id agent_id agent_type tool_name tool_use_id duration_ms is_interrupt stop_hook_active "
    "task_id notification_type terminal_reason is_error memory_type load_reason invoked_by command_source "
    "mcp_server_name action level error_type status".split()
)
_NAME = re.compile(r"[\w.:\[\] -]{0,200}")
_PLACES = frozenset({"remote_url", "branch"})
_CODE = re.compile(r"[\w.:-]{0,64}")
_CODES = frozenset({"reason", "source", "action", "status", "level", "error_type"})  # in some events: sentences


def is_sensitive(settings: Settings, folders: Sequence[str]) -> bool:
    """Return whether only metadata may leave the machine: a folder, or one above it, matches a pattern.

    Links are resolved in folders and patterns. Without a known folder it might be sensitive, so it is treated as such;
    an empty folder is not a known one.
    """
    if settings.metadata_only or not settings.sensitive_folders:
        return settings.metadata_only
    expanded = [str(Path(pattern).expanduser()) for pattern in settings.sensitive_folders]
    patterns = {*expanded, *map(os.path.realpath, expanded)}
    known = {path for folder in folders if folder for path in (folder, os.path.realpath(folder))}
    places = {*known, *(str(above) for path in known for above in Path(path).parents)}
    return not known or any(fnmatchcase(place, pattern) for place in places for pattern in patterns)


def leaving(payload: dict[str, Any], raw: bytes, *, is_private: bool) -> bytes:
    """Return what is sent of a payload; ``raw`` is its exact bytes."""
    if is_private:
        raw = metadata_of(payload)
        payload = json.loads(raw)
    return bounded(payload, raw)


def leaving_context(context: dict[str, Any], *, is_private: bool) -> dict[str, Any]:
    """Return what is sent of a context: remotes without credentials, and only printable texts."""
    if isinstance(context.get("remote_url"), str):
        context = {**context, "remote_url": without_credentials(context["remote_url"])[:2_048]}
    left_out = _PLACES if is_private else frozenset()
    sent = {name: value for name, value in context.items() if name not in left_out}
    return {name: value for name, value in sent.items() if not isinstance(value, str) or value.isprintable()}


def metadata_of(payload: dict[str, Any]) -> bytes:
    """Return a payload without content: no prompts, answers, inputs, outputs, paths or titles."""
    kept = {name: _without_content(value) for name, value in payload.items() if name in _ABOUT}
    kept.update({name: "" for name in _CODES & kept.keys() if not _CODE.fullmatch(str(kept[name]))})
    calls = payload.get("tool_calls")
    if isinstance(calls, list):
        kept["tool_calls"] = [_call(call) for call in calls if isinstance(call, dict)]
    if payload.get("error"):
        kept["error"] = ""
    if isinstance(payload.get("tool_response"), dict) and payload["tool_response"].get("error"):
        kept["tool_response"] = {"error": True}
    return json.dumps(kept).encode()


def bounded(payload: dict[str, Any], raw: bytes) -> bytes:
    """Return a payload that is small enough to be accepted: long texts are cut, at an ever lower limit, until it is."""
    limit = 100_000
    while len(raw) > PAYLOAD_BYTES_MAX:
        raw = json.dumps(_shortened(payload, limit)).encode()
        limit //= 4
        if limit < len(LEFT_OUT):
            return metadata_of(payload)
    return raw


def _without_content(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_content(inner) for name, inner in value.items()}
    if isinstance(value, str):
        return value if _NAME.fullmatch(value) else ""
    return value if isinstance(value, (int, float, bool)) or value is None else None


def _call(call: dict[str, Any]) -> dict[str, Any]:
    """Return a call of a batch: of its response, only the mark that it was refused is kept."""
    kept: dict[str, Any] = {name: _without_content(call[name]) for name in ("tool_name", "tool_use_id") if name in call}
    response = call.get("tool_response")
    is_refused = isinstance(response, str) and response.startswith("<tool_use_error>")
    return {**kept, "tool_response": "<tool_use_error>" if is_refused else ""}


def _shortened(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= limit else value[: limit // 2] + LEFT_OUT
    if isinstance(value, list):
        return [_shortened(inner, limit) for inner in value]
    if isinstance(value, dict):
        return {name: _shortened(inner, limit) for name, inner in value.items()}
    return value
