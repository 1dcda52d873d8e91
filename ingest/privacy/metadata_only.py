"""Strips the content of facts whose session may have metadata only. Pure; the tables below decide.

Fields for counts, pairs, hierarchy and times stay; text from people and output of tools goes. A stripped session has
the same counts as a full one. A field stays only with a value of the expected kind: a ``tool_name`` that is a paragraph
is content, and so is an unknown ``reason``.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, structs

from kernel.surrogates import replace_lone
from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.log.records import Event, LifecycleRecord

F = TypeVar("F", bound=LifecycleRecord)
Check = Callable[[Any], bool]

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

# Names and ids: a value that is no identifier is replaced by its digest, so that equal values still count as one.
NAMES = ("tool_name", "tool_use_id", "agent_id", "agent_type", "task_id", "model")

CHECKS: Mapping[str, Check] = {
    "hook_event_name": lambda value: isinstance(value, str) and value in KNOWN_EVENT_TYPES,
    **dict.fromkeys(("session_id", "prompt_id", "turn_id", "message_id", "elicitation_id"), _is_uuid),
    **dict.fromkeys(("from_model", "to_model", "requested_model"), _is_name),
    **dict.fromkeys(("duration_ms", "context_tokens", "seconds_since_last_response", "index"), _is_number),
    "estimated_cache_write_usd": _is_number,
    **dict.fromkeys(("stop_hook_active", "is_interrupt", "final"), _is_flag),
    **dict.fromkeys(("prompt_cache_warm", "prompt_cache_likely_expired"), _is_flag),
    "permission_mode": _is_one_of("default plan acceptEdits auto dontAsk bypassPermissions"),
    "source": _is_one_of(
        "startup resume clear compact fork user sdk system loop_wakeup schedule_wakeup poll_event command picker auto"
        " user_settings project_settings local_settings policy_settings skills slash_command register_repo_root"
    ),
    "reason": _is_one_of("clear resume logout prompt_input_exit other bypass_permissions_disabled"),
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

_fields: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])
_scalar: msgspec.json.Decoder[str | int | float | bool | None] = msgspec.json.Decoder(str | int | float | bool | None)
_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


def strip_event(event: Event, key: bytes) -> Event:
    """Return the event with only metadata in its payload. ``key`` makes digests that only its owner can compute."""
    data = msgspec.json.encode(_stripped(bytes(event.data), key))
    return structs.replace(event, event_type=_name(event.event_type, key), data=Raw(data), data_base64=None)


def strip_record(record: F) -> F:
    """Return the record with null in its fields of content, as if the client had sent null."""
    content = {name: None for name in CONTENT if getattr(record, name, None)}
    return structs.replace(record, **content) if content else record


def _stripped(data: bytes, key: bytes) -> dict[str, Any]:
    try:
        fields = _fields.decode(replace_lone(data))
    except _ERRORS:
        return {}
    stripped: dict[str, Any] = {}
    for name in fields.keys() & _ALLOWED.keys():
        try:
            value = _scalar.decode(fields[name])
        except _ERRORS:
            continue  # another type: content, or a value that nothing needs
        if (allowed := _ALLOWED[name](value, key)) is not None:
            stripped[name] = allowed
    return dict(sorted(stripped.items()))


def _checked(check: Check, value: Any, _key: bytes) -> Any:
    return value if check(value) else None


def _named(value: Any, key: bytes) -> str | None:
    return _name(value, key) if isinstance(value, str) and value else None


def _name(text: str, key: bytes) -> str:
    return text if _is_name(text) else _digest(text, key)


def _digest(value: str, key: bytes) -> str:
    return f"digest:{hashlib.blake2b(value.encode(), key=key[:64], person=b'reduced-name', digest_size=16).hexdigest()}"


_ALLOWED: Mapping[str, Callable[[Any, bytes], Any]] = {
    **dict.fromkeys(NAMES, _named),
    **{name: partial(_checked, check) for name, check in CHECKS.items()},
}
