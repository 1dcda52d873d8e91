"""The known types of events, and the payload fields that are projected. All other fields are stored verbatim."""

from typing import get_type_hints

import msgspec
from msgspec import Raw, Struct

from schemas.surrogates import replace_lone

CLAUDE_CODE_HOOKS = frozenset(
    """
    SessionStart Setup SessionEnd UserPromptSubmit UserPromptExpansion PreToolUse PermissionRequest PermissionDenied
    PostToolUse PostToolUseFailure PostToolBatch Notification MessageDisplay SubagentStart SubagentStop Stop StopFailure
    PreCompact PostCompact PreModelSwitch PostModelSwitch TaskCreated TaskCompleted TeammateIdle InstructionsLoaded
    ConfigChange CwdChanged DirectoryAdded FileChanged WorktreeCreate WorktreeRemove Elicitation ElicitationResult
    PreSkillShellCommand
    """.split()
)
# Hooks of Gemini CLI without a counterpart in Claude Code, and events that only telemetry reports.
_OTHERS = "BeforeModel AfterModel BeforeToolSelection PreCompress ApiRequest ApiError Measurement PermissionModeChanged"
KNOWN_EVENT_TYPES = CLAUDE_CODE_HOOKS | set(_OTHERS.split())

LABEL_CHARACTERS_MAX = 200  # of prompts and task subjects
NO_JSON = Raw(b"")  # an absent field; the type `Raw | None` would accept only null
_DURATION_MS_MAX = 1 << 48


class HookPayload(Struct, gc=False):
    """The projected fields of a payload. A field that is missing, empty or of another type is absent."""

    tool_name: str | None = None
    tool_use_id: str | None = None
    agent_id: str | None = None
    agent_type: str | None = None
    task_id: str | None = None
    task_subject: str | None = None
    prompt: str | None = None
    prompt_id: str | None = None
    model: str | None = None
    duration_ms: int | float | None = None
    source: str | None = None
    session_title: str | None = None
    last_assistant_message: str | None = None
    prompt_response: str | None = None  # Gemini's name for the last answer
    to_model: str | None = None
    telemetry: bool | None = None
    tool_input: Raw = NO_JSON
    tool_calls: Raw = NO_JSON
    tool_response: Raw = NO_JSON
    background_tasks: Raw = NO_JSON


_strict = msgspec.json.Decoder(HookPayload)
_loose = msgspec.json.Decoder(dict[str, Raw])
_of_fields = {name: msgspec.json.Decoder(kind) for name, kind in get_type_hints(HookPayload).items()}
_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


def read_payload(data: Raw | bytes) -> HookPayload:
    """Read the projected fields. Never raises: payloads of unexpected shape are stored and counted too."""
    try:
        return _strict.decode(data)
    except _ERRORS:
        return _read_field_by_field(replace_lone(bytes(data)))


def duration_of(payload: HookPayload) -> int | None:
    """Return whole milliseconds; None if the payload has no valid duration."""
    value = payload.duration_ms
    return None if value is None or not 0 <= value < _DURATION_MS_MAX else round(value)


def _read_field_by_field(data: bytes) -> HookPayload:
    payload = HookPayload()
    try:
        fields = _loose.decode(data)
    except _ERRORS:
        return payload
    for name in HookPayload.__struct_fields__:
        if name in fields:
            try:
                setattr(payload, name, _of_fields[name].decode(fields[name]))
            except _ERRORS:
                continue  # wrong type: only this column stays empty
    return payload
