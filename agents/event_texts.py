"""What an event says: the texts of its payload in which a search looks for words. Never raises.

The projector stores their words, and a search reads them again to find which event it was, so both use `TEXTS`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from agents.claude_code.hooks import MACHINE_PROMPT, REFUSED
from schemas.hooks import HookPayload

TEXT_CHARACTERS_MAX = 2_000  # of each text; a search does not find words beyond them
_CALLS_MAX = 1_000
EventTexts = tuple[tuple[str, str], ...]  # their kinds (prompt, answer, command, path or error), and the texts
_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)
_REFUSED = REFUSED.encode()


class _Input(Struct, gc=False):
    """What a tool is called with; agents name the same thing differently."""

    command: Any = None
    file_path: Any = None
    notebook_path: Any = None
    path: Any = None
    absolute_path: Any = None
    dir_path: Any = None


class _Failure(Struct, gc=False):
    error: Any = None
    error_details: Any = None
    message: Any = None


class _Call(Struct):
    tool_response: Any = None


_input = msgspec.json.Decoder(_Input).decode
_failure = msgspec.json.Decoder(_Failure).decode
_calls = msgspec.json.Decoder(list[_Call]).decode


def event_texts(event_type: str, payload: HookPayload, data: Raw | bytes) -> EventTexts:
    """Return the texts of an event, each cut to `TEXT_CHARACTERS_MAX`."""
    read = TEXTS.get(event_type)
    return () if read is None else read(payload, data)


def _prompt(payload: HookPayload, _: Raw | bytes) -> EventTexts:
    prompt = payload.prompt
    return () if prompt is None or prompt.startswith(MACHINE_PROMPT) else _text("prompt", prompt)


def _answer(payload: HookPayload, _: Raw | bytes) -> EventTexts:
    return _text("answer", payload.last_assistant_message or payload.prompt_response)


def _tool_begun(payload: HookPayload, _: Raw | bytes) -> EventTexts:
    try:
        one = _input(payload.tool_input)
    except _ERRORS:
        return ()
    command = one.command
    path = one.file_path or one.notebook_path or one.path or one.absolute_path or one.dir_path
    if path is None and type(command) is str:
        return (("command", command[:TEXT_CHARACTERS_MAX]),)
    if type(command) is list:  # of arguments
        command = " ".join([part for part in command if isinstance(part, str)])
    if not command:
        return _text("path", path)
    return _text("command", command) + _text("path", path) if path else _text("command", command)


def _tool_done(payload: HookPayload, data: Raw | bytes) -> EventTexts:
    """Return the input only of telemetry: a hook before the use had it already."""
    return _tool_begun(payload, data) if payload.telemetry else ()


def _tool_failed(payload: HookPayload, data: Raw | bytes) -> EventTexts:
    return _tool_done(payload, data) + _failed(payload, data)


def _failed(_: HookPayload, data: Raw | bytes) -> EventTexts:
    try:
        one = _failure(data)
    except _ERRORS:
        return ()
    return _text("error", one.error) + _text("error", one.error_details) + _text("error", one.message)


def _batch(payload: HookPayload, _: Raw | bytes) -> EventTexts:
    """Return the errors of calls that were refused, which nothing else reports."""
    if _REFUSED not in bytes(payload.tool_calls):
        return ()
    try:
        answers = [call.tool_response for call in _calls(payload.tool_calls)[:_CALLS_MAX]]
    except _ERRORS:
        return ()
    refused = [text for text in answers if isinstance(text, str) and text.startswith(REFUSED)]
    errors = [text.removeprefix(REFUSED).removesuffix("</tool_use_error>") for text in refused]
    return tuple(found for error in errors for found in _text("error", error))


def _text(kind: str, text: object) -> EventTexts:
    return ((kind, text[:TEXT_CHARACTERS_MAX]),) if text and isinstance(text, str) else ()


TEXTS: Mapping[str, Callable[[HookPayload, Raw | bytes], EventTexts]] = {
    "UserPromptSubmit": _prompt,
    "Stop": _answer,
    "SubagentStop": _answer,
    "PreToolUse": _tool_begun,
    "PostToolUse": _tool_done,
    "PostToolUseFailure": _tool_failed,
    "PostToolBatch": _batch,
    "StopFailure": _failed,
    "ApiError": _failed,
}
