"""Strips the content of facts whose session may store only metadata. Pure; the tables below decide.

Fields for counts, pairs, hierarchy and times stay; users' text and tools' output go. A stripped session has the same
counts as a full one. A field stays only with a value of the expected kind: a ``tool_name`` that is a paragraph
is content, and so is an unknown ``reason``.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, structs

from agents import CLIENTS
from agents.claude_code.hooks import DENIED, MACHINE_PROMPT, REFUSED
from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.log.records import Event, LifecycleRecord
from schemas.surrogates import replace_lone

F = TypeVar("F", bound=LifecycleRecord)
T = TypeVar("T")
Check = Callable[[Any], bool]
Allowed = Mapping[str, Callable[[Any, bytes], Any]]  # what may stay of each field; None: nothing

CONTENT = ("title", "summary", "branch", "instructions")  # of lifecycle facts; their other fields stay


def _matches(pattern: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < 1 << 53


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_one_of(words: str) -> Check:
    known = frozenset(words.split())
    return lambda value: isinstance(value, str) and value in known


_is_name = _matches(r"[A-Za-z0-9_.:@/+\[\]-]{1,128}")
_is_uuid = _matches(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_is_word = _matches(r"[a-z_]{1,32}")
_is_time = _matches(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,18}(?:Z|[+-][0-9]{2}:[0-9]{2})")
_EVENTS = KNOWN_EVENT_TYPES.union(*(client.event_types for client in CLIENTS.values()))

# Names and ids: a value that isn't an identifier is replaced by its digest, so that equal values still count as one.
NAMES = (
    *("tool_name", "tool_use_id", "agent_id", "agent_type", "task_id", "model"),
    *("session_id", "prompt_id", "turn_id", "message_id", "request_id"),  # UUIDs of one client, other ids of another
    *("from_model", "to_model", "requested_model"),
    *("source", "series"),  # a prompt from an unknown source counts as a machine's
)

CHECKS: Mapping[str, Check] = {
    "hook_event_name": lambda value: isinstance(value, str) and value in _EVENTS,
    "elicitation_id": _is_uuid,
    **dict.fromkeys(("duration_ms", "context_tokens", "seconds_since_last_response", "index"), _is_number),
    **dict.fromkeys(("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"), _is_number),
    **dict.fromkeys(("cache_creation_1h_tokens", "cost_usd", "ttft_ms", "attempt", "value"), _is_number),
    **dict.fromkeys(("pre_tokens", "post_tokens", "prompt_length", "estimated_cache_write_usd"), _is_number),
    **dict.fromkeys(("stop_hook_active", "is_interrupt", "final", "telemetry", "cumulative"), _is_flag),
    **dict.fromkeys(("prompt_cache_warm", "prompt_cache_likely_expired"), _is_flag),
    **dict.fromkeys(
        ("permission_mode", "from_mode", "to_mode"),
        _is_one_of("default plan acceptEdits auto dontAsk bypassPermissions"),
    ),
    "name": _is_one_of("lines_added lines_removed commits pull_requests active_seconds"),
    "interval_end": lambda value: _is_number(value) or _is_time(value),
    "status": lambda value: _is_number(value) or _is_word(value),
    "reason": _is_one_of("clear resume logout prompt_input_exit other exit bypass_permissions_disabled"),
    "trigger": _is_one_of("init maintenance manual auto"),
    "expansion_type": _is_one_of("slash_command mcp_prompt"),
    "notification_type": _is_one_of("permission_prompt idle_prompt auth_success agent_needs_input agent_completed"),
    "error": _is_one_of(
        "authentication_failed oauth_org_not_allowed account_on_hold verification_required billing_error rate_limit"
        " overloaded invalid_request model_not_found server_error unknown max_output_tokens cloud_credential_error"
    ),
    "cache_ttl": _is_one_of("5m 1h"),
    "pricing": _is_one_of("configured catalog default"),
    "memory_type": _is_one_of("User Project Local Managed"),
    "event": _is_one_of("change add unlink"),
    "mode": _is_one_of("form url"),
    "action": _is_one_of("accept decline cancel"),
}

# Text beginnings that affect counts; the rest of the text goes.
_PROMPT_BEGINS = (MACHINE_PROMPT,)
_ANSWER_BEGINS = (REFUSED, *DENIED)

_fields: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_items: msgspec.json.Decoder[list[Raw]] = msgspec.json.Decoder(list[Raw])
_scalar: msgspec.json.Decoder[str | int | float | bool | None] = msgspec.json.Decoder(str | int | float | bool | None)
_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


def strip_event(event: Event, key: bytes) -> Event:
    """Return the event with only metadata in its payload. ``key`` makes digests that only its owner can compute."""
    sent = replace_lone(bytes(event.data))
    stripped = _object(_ALLOWED, sent, key)
    fields = _read(_fields, sent) or {}
    for name, strip in _NESTED.items():
        if name in fields and (parts := strip(fields[name], key)):
            stripped[name] = parts
    data = Raw(msgspec.json.encode(dict(sorted(stripped.items()))))
    return structs.replace(event, event_type=_name(event.event_type, key), data=data, data_base64=None)


def strip_record(record: F) -> F:
    """Return the record with null in its content fields, as if the client had sent null."""
    content = {name: None for name in CONTENT if getattr(record, name, None)}
    return structs.replace(record, **content) if content else record


def _object(allowed: Allowed, data: bytes | Raw, key: bytes) -> dict[str, Any]:
    """Return an object's allowed fields that have scalar values; none if the value is not an object."""
    fields = _read(_fields, data) or {}
    stripped = {}
    for name in fields.keys() & allowed.keys():
        try:
            value = _scalar.decode(fields[name])
        except _ERRORS:
            continue  # not a scalar: content, or a value that nothing needs
        if (kept := allowed[name](value, key)) is not None:
            stripped[name] = kept
    return stripped


def _objects(allowed: Allowed, data: Raw, key: bytes) -> list[dict[str, Any]]:
    return [stripped for item in _read(_items, data) or () if (stripped := _object(allowed, item, key))]


def _read(decoder: msgspec.json.Decoder[T], data: bytes | Raw) -> T | None:
    try:
        return decoder.decode(data)
    except _ERRORS:
        return None


def _checked(check: Check, value: Any, _key: bytes) -> Any:
    return value if check(value) else None


def _named(value: Any, key: bytes) -> str | None:
    """Return the name; an empty one is meaningful too."""
    return (_name(value, key) if value else value) if isinstance(value, str) else None


def _name(text: str, key: bytes) -> str:
    if _is_name(text):
        return text
    return f"digest:{hashlib.blake2b(text.encode(), key=key[:64], person=b'reduced-name', digest_size=16).hexdigest()}"


def _beginning(beginnings: tuple[str, ...], value: Any, _key: bytes) -> str | None:
    return next((begin for begin in beginnings if isinstance(value, str) and value.startswith(begin)), None)


_ALLOWED: Allowed = {
    **dict.fromkeys(NAMES, _named),
    **{name: partial(_checked, check) for name, check in CHECKS.items()},
    "prompt": partial(_beginning, _PROMPT_BEGINS),
}
_OF_A_CALL: Allowed = {
    **dict.fromkeys(("tool_name", "tool_use_id"), _named),
    "tool_response": partial(_beginning, _ANSWER_BEGINS),
}
_OF_A_RESPONSE: Allowed = dict.fromkeys(("agentId", "agentType", "status", "backgroundTaskId"), _named)
_OF_A_BACKGROUND_TASK: Allowed = dict.fromkeys(("id", "type", "status", "agent_type"), _named)
_NESTED: Mapping[str, Callable[[Raw, bytes], Any]] = {
    "tool_calls": partial(_objects, _OF_A_CALL),
    "tool_response": partial(_object, _OF_A_RESPONSE),
    "background_tasks": partial(_objects, _OF_A_BACKGROUND_TASK),
}
