"""Makes the column `parsed` of a hook event. Never raises: a field of the wrong type counts as absent."""

import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Raw, Struct

from agents.claude_code.hooks import DENIED, MACHINE_PROMPT, REFUSED, UNAPPROVED
from processors.fold.parsed import Call, EndedTask, Measured, Parsed, encode_parsed
from schemas.hooks import HookPayload
from schemas.money import USD_MAX, nano_of
from schemas.store.rows import Usage

ANSWER_CHARACTERS_MAX = 2_000
TITLE_CHARACTERS_MAX = 512
_CALLS_MAX, _ENDED_MAX = 1_000, 100
_TOKENS_MAX = 1 << 53
_OF_PEOPLE = frozenset({"", "user", "sdk"})
_LAUNCHERS, _SHELLS = frozenset({"Agent", "Task"}), frozenset({"Bash", "PowerShell"})
_LEAVE_SOMETHING = _LAUNCHERS | _SHELLS  # running, as their responses say
_APPROVAL_WITHIN = 500  # characters
_PROMPT_ID_CHARACTERS_MAX = 128  # a longer one doesn't count
_PERMISSION_BYTES = 8
_ENDS = {
    **dict.fromkeys(("completed", "done", "exited"), "completed"),
    **dict.fromkeys(("failed", "error"), "failed"),
    **dict.fromkeys(("killed", "stopped", "cancelled", "canceled"), "cancelled"),
}
_NOTIFIED = re.compile(r"<task-id>([^<]{1,200})</task-id>.*?<status>(\w+)</status>", re.DOTALL)
_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


class _ToolResponse(Struct, rename="camel"):
    agent_id: str = ""
    background_task_id: str = ""
    status: str = ""


class _Call(Struct):
    tool_use_id: str
    tool_name: str = ""
    tool_response: Raw = Raw(b'""')


class _Block(Struct):
    text: str = ""


class _Task(Struct):
    id: str
    status: str = ""


class _Request(Struct):
    request_id: Any = None
    input_tokens: Any = None
    output_tokens: Any = None
    cache_read_tokens: Any = None
    cache_creation_tokens: Any = None
    cache_creation_1h_tokens: Any = None
    cost_usd: Any = None


class _Measurement(Struct):
    name: Any = None
    value: Any = None
    series: Any = None
    cumulative: Any = None


_response = msgspec.json.Decoder(_ToolResponse)
_raws = msgspec.json.Decoder(list[Raw])
_call = msgspec.json.Decoder(_Call)
_task = msgspec.json.Decoder(_Task)
_text = msgspec.json.Decoder(str)
_blocks = msgspec.json.Decoder(list[_Block])
_request = msgspec.json.Decoder(_Request)
_measurement = msgspec.json.Decoder(_Measurement)


def parsed_bytes(event_type: str, payload: HookPayload, tool_name: str, tools: Mapping[str, str], data: Raw) -> bytes:
    """Return the column of an event; ``tool_name`` is a known name, ``tools`` has those of a client's own."""
    read = _READERS.get(event_type)
    if read is None or (parsed := read(payload, tool_name, tools, data)) is None:
        return b""
    return encode_parsed(parsed)


def _telemetry(payload: HookPayload, *_: Any) -> Parsed | None:
    return Parsed(telemetry=True) if payload.telemetry else None


def _session_start(payload: HookPayload, *_: Any) -> Parsed | None:
    title = _title(payload)
    return Parsed(title=title) if title else None


def _prompt(payload: HookPayload, *_: Any) -> Parsed | None:
    source = payload.source or ""
    prompt = payload.prompt or ""
    by_machine = source not in _OF_PEOPLE or prompt.startswith(MACHINE_PROMPT)
    title, prompt_id = _title(payload), payload.prompt_id or ""
    if len(prompt_id) > _PROMPT_ID_CHARACTERS_MAX:
        prompt_id = ""
    if not (by_machine or title or prompt_id or payload.telemetry):
        return None
    ended: tuple[EndedTask, ...] = ()
    if by_machine and (found := _NOTIFIED.search(prompt[:2_000])) and found[2] in _ENDS:
        ended = (EndedTask(found[1].strip(), _ENDS[found[2]]),)
    asked_by = (source or "system") if by_machine else ""
    return Parsed(bool(payload.telemetry), source=asked_by, prompt_id=prompt_id, title=title, ended=ended)


def _stop(payload: HookPayload, *_: Any) -> Parsed | None:
    answer = (payload.last_assistant_message or payload.prompt_response or "")[:ANSWER_CHARACTERS_MAX]
    ended = _ended(payload.background_tasks)
    return Parsed(answer=answer, ended=ended) if answer or ended else None


def _subagent_stop(payload: HookPayload, *_: Any) -> Parsed | None:
    ended = _ended(payload.background_tasks)
    nameless = payload.agent_type == ""
    if not (ended or nameless or payload.telemetry):
        return None
    return Parsed(bool(payload.telemetry), nameless, ended=ended)


def _ended(raw: Raw) -> tuple[EndedTask, ...]:
    tasks = (_read(_task, one) for one in _elements(raw)[:_ENDED_MAX])
    return tuple(EndedTask(task.id, _ENDS[task.status]) for task in tasks if task is not None and task.status in _ENDS)


def _batch(payload: HookPayload, _: str, tools: Mapping[str, str], __: Raw) -> Parsed | None:
    calls = []
    for one in _elements(payload.tool_calls)[:_CALLS_MAX]:
        call = _read(_call, one)
        if call is not None and call.tool_use_id:
            name = tools.get(call.tool_name, call.tool_name)
            calls.append(Call(call.tool_use_id, name, _outcome(call.tool_response)))
    return Parsed(calls=tuple(calls)) if calls else None


def _outcome(response: Raw) -> str:
    """Return how a call ended, as far as the answer to the model says it: a text, or a list of blocks."""
    text = _read(_text, response)
    if text is None:
        blocks = _read(_blocks, response)
        text = blocks[0].text if blocks else ""
    if text.startswith(REFUSED):
        return "error"
    is_denied = text.startswith(DENIED) or any(sign in text[:_APPROVAL_WITHIN] for sign in UNAPPROVED)
    return "denied" if is_denied else ""


def _tool_asked(payload: HookPayload, tool_name: str, *_: Any) -> Parsed:
    """Return what a tool use, or a request for it, asks for. Both payloads have the same bytes of the input."""
    if payload.telemetry:
        return Parsed(telemetry=True)
    permission = blake2b(payload.tool_input, digest_size=_PERMISSION_BYTES)
    permission.update(f"\n{tool_name}\n{payload.prompt_id or ''}".encode())
    return Parsed(permission=permission.hexdigest())


def _tool_done(payload: HookPayload, tool_name: str, *_: Any) -> Parsed | None:
    if not payload.tool_response or tool_name not in _LEAVE_SOMETHING:
        return _telemetry(payload)
    response = _read(_response, payload.tool_response) or _ToolResponse()
    if tool_name in _SHELLS and response.background_task_id:
        return Parsed(background=response.background_task_id)
    if tool_name in _LAUNCHERS and response.agent_id:
        runs_on = response.status.endswith("_launched")
        return Parsed(agent_id=response.agent_id, background="agent" if runs_on else "")
    return _telemetry(payload)


def _api_request(_: HookPayload, __: str, ___: Any, data: Raw) -> Parsed:
    one = _read(_request, data) or _Request()
    request_id = one.request_id if isinstance(one.request_id, str) else ""
    caches = one.cache_read_tokens, one.cache_creation_tokens, one.cache_creation_1h_tokens
    tokens = map(_count, (one.input_tokens, one.output_tokens, *caches))
    return Parsed(usage=Usage._make((request_id, *tokens, _cost(one.cost_usd))))


def _measured(_: HookPayload, __: str, ___: Any, data: Raw) -> Parsed | None:
    one = _read(_measurement, data)
    if one is None or not isinstance(one.name, str) or one.name not in _MEASURES:
        return None
    column, scale = _MEASURES[one.name]
    if not _is_number(one.value) or not 0 <= one.value * scale < _TOKENS_MAX:
        return None
    series = one.series if one.cumulative is True and isinstance(one.series, str) else ""
    return Parsed(measured=Measured(column, round(one.value * scale), series))


_MEASURES = {
    "lines_added": ("lines_added", 1),
    "lines_removed": ("lines_removed", 1),
    "commits": ("commits", 1),
    "pull_requests": ("pull_requests", 1),
    "active_seconds": ("active_ms", 1_000),
}


def _count(value: Any) -> int:
    return round(value) if _is_number(value) and 0 <= value <= _TOKENS_MAX else 0


def _cost(value: Any) -> int | None:
    return nano_of(value) if _is_number(value) and 0 <= value <= USD_MAX else None


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _title(payload: HookPayload) -> str:
    return (payload.session_title or "")[:TITLE_CHARACTERS_MAX]


def _elements(raw: Raw) -> list[Raw]:
    return (_read(_raws, raw) or []) if raw else []


def _read(decoder: msgspec.json.Decoder[Any], raw: Raw | bytes) -> Any:
    try:
        return decoder.decode(raw)
    except _ERRORS:
        return None


_READERS: Mapping[str, Callable[[HookPayload, str, Mapping[str, str], Raw], Parsed | None]] = {
    "SessionStart": _session_start,
    "UserPromptSubmit": _prompt,
    "PreToolUse": _tool_asked,
    "PermissionRequest": _tool_asked,
    "PostToolUse": _tool_done,
    "PostToolUseFailure": _telemetry,
    "PermissionDenied": _telemetry,
    "PostToolBatch": _batch,
    "Stop": _stop,
    "SubagentStop": _subagent_stop,
    "PostCompact": _telemetry,
    "PostModelSwitch": lambda payload, *_: Parsed(model=payload.to_model) if payload.to_model else None,
    "ApiRequest": _api_request,
    "Measurement": _measured,
}
