"""Codex CLI: what its log records say. Its input tokens include those of the cache, written ones too. Pure.

Its metrics name no session.
"""

from agents.exported import Attributes
from agents.telemetry import Made, Telemetry, error_text, flag, less, made, text, tool_input, whole

_WITHHELD = "[REDACTED]"  # in place of a prompt, unless the user's settings log prompts
_ERROR_STATUS_MIN = 400


def _tool(a: Attributes) -> dict[str, str | None]:
    return {"tool_name": text(a, "tool_name"), "tool_use_id": text(a, "call_id")}


def _user_prompt(a: Attributes) -> Made:
    prompt = text(a, "prompt")
    return made(
        "UserPromptSubmit", prompt_length=whole(a, "prompt_length"), prompt=None if prompt == _WITHHELD else prompt
    )


def _sse_event(a: Attributes) -> Made | None:
    """Read the end of a response. Each has two records: one is about the stream, the other has the tokens."""
    if (error := error_text(a, "error.message")) is not None:
        return made("ApiError", model=text(a, "model"), error=error, duration_ms=whole(a, "duration_ms"))
    tokens = whole(a, "input_token_count")
    if text(a, "event.kind") != "response.completed" or tokens is None:
        return None
    cached, written = whole(a, "cached_token_count"), whole(a, "cache_write_token_count")
    return made(
        "ApiRequest",
        request_id=text(a, "response_id"),
        model=text(a, "model"),
        input_tokens=less(tokens, cached, written),
        output_tokens=whole(a, "output_token_count"),  # reasoning included
        cache_read_tokens=cached,
        cache_creation_tokens=written,
        duration_ms=whole(a, "duration_ms"),
        ttft_ms=whole(a, "ttft_ms") or None,
    )


def _api_request(a: Attributes) -> Made | None:
    """Read an attempt to call the model: only failures, since the stream of a success has the tokens."""
    status, error = whole(a, "http.response.status_code"), error_text(a, "error.message")
    if error is None and (status is None or status < _ERROR_STATUS_MIN):
        return None
    return made(
        "ApiError",
        model=text(a, "model"),
        status=status,
        attempt=whole(a, "attempt"),
        error=error,
        duration_ms=whole(a, "duration_ms"),
    )


def _tool_decision(a: Attributes) -> Made | None:
    decision = (text(a, "decision") or "").lower()
    if decision.startswith(("approved", "accept")):
        return made("PreToolUse", **_tool(a))
    return made("PermissionDenied", reason=decision, **_tool(a)) if decision else None


def _tool_result(a: Attributes) -> Made:
    said = {**_tool(a), "duration_ms": whole(a, "duration_ms"), "tool_input": tool_input(a, "arguments")}
    if flag(a, "success") is False:
        return made("PostToolUseFailure", error=error_text(a, "output", "error.message"), **said)
    return made("PostToolUse", **said)


TELEMETRY = Telemetry(
    client="codex",
    service="codex",
    prefix="codex.",
    session="conversation.id",
    events={
        "conversation_starts": lambda a: made("SessionStart", source="startup", model=text(a, "model")),
        "user_prompt": _user_prompt,
        "sse_event": _sse_event,
        "api_request": _api_request,
        "tool_decision": _tool_decision,
        "tool_result": _tool_result,
    },
    measures={},
    version=lambda a, resource: text(a, "app.version") or text(resource, "service.version"),
    attended=lambda a: False if text(a, "originator") == "codex_exec" else None,
)
