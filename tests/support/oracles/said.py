"""What was said and done in sessions, read from JSON: the texts of their events, for the search."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from schemas import ids
from schemas.words import split_words
from tests.support.oracles.sessions import first_copies

LENGTH = 2_000


def said(values: list[bytes]) -> dict[tuple[str, str], list[str]]:
    """Return the texts of each session, sorted, as folded words, by org and id. Sessions without one are absent."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (org, session, _), (event_type, _, data) in first_copies(values).items():
        if ids.is_sensitive(UUID(session)) or not isinstance(data, dict):
            continue
        for text in _texts(event_type, data):
            if isinstance(text, str) and (words := split_words(text[:LENGTH])):
                found[org, session].append(" ".join(words))
    return {key: sorted(texts) for key, texts in found.items()}


def _texts(event_type: str, data: dict[str, Any]) -> list[Any]:
    match event_type:
        case "UserPromptSubmit":
            prompt = data.get("prompt")
            return [] if isinstance(prompt, str) and prompt.startswith("<task-notification>") else [prompt]
        case "Stop" | "SubagentStop":
            return [_string(data, "last_assistant_message") or _string(data, "prompt_response")]
        case "PreToolUse":
            return _of_input(data)
        case "PostToolUse":
            return _of_input(data) if data.get("telemetry") is True else []
        case "PostToolUseFailure":
            return [*(_of_input(data) if data.get("telemetry") is True else []), *_errors(data)]
        case "StopFailure" | "ApiError":
            return _errors(data)
        case "PostToolBatch":
            calls = data.get("tool_calls")
            if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
                return []
            answers = [call.get("tool_response") for call in calls]
            begin, end = "<tool_use_error>", "</tool_use_error>"
            refused = [answer for answer in answers if isinstance(answer, str) and answer.startswith(begin)]
            return [answer[len(begin) :].removesuffix(end) for answer in refused]
        case _:
            return []


def _of_input(data: dict[str, Any]) -> list[Any]:
    given = data.get("tool_input")
    if not isinstance(given, dict):
        return []
    command = given.get("command")
    if isinstance(command, list):
        command = " ".join(part for part in command if isinstance(part, str))
    paths = ("file_path", "notebook_path", "path", "absolute_path", "dir_path")
    return [command, next((given[name] for name in paths if given.get(name)), None)]


def _errors(data: dict[str, Any]) -> list[Any]:
    return [data.get(name) for name in ("error", "error_details", "message")]


def _string(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""
