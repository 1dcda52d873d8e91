"""Gemini CLI: what its log records and metrics say. Its input tokens include those of the cache. Pure.

Its tool calls have no id, so a call and its end can't be paired: each record is an event of its own.
"""

from agents.exported import Attributes
from agents.telemetry import Made, Telemetry, changed_lines, error_text, flag, less, made, text, tool_input, whole


def _api_response(a: Attributes) -> Made:
    answered, thought = whole(a, "output_token_count"), whole(a, "thoughts_token_count")
    cached = whole(a, "cached_content_token_count")
    return made(
        "ApiRequest",
        model=text(a, "model"),
        input_tokens=less(whole(a, "input_token_count"), cached),
        output_tokens=None if answered is None and thought is None else (answered or 0) + (thought or 0),
        cache_read_tokens=cached,
        duration_ms=whole(a, "duration_ms"),
        prompt_id=text(a, "prompt_id"),
        source=text(a, "role"),
    )


def _tool_call(a: Attributes) -> Made:
    said = {
        "tool_name": text(a, "function_name"),
        "prompt_id": text(a, "prompt_id"),
        "tool_input": tool_input(a, "function_args"),
    }
    if text(a, "decision") == "reject":
        return made("PermissionDenied", reason="reject", **said)
    duration = whole(a, "duration_ms")
    if flag(a, "success") is False:
        error = error_text(a, "error.message", "error", "error_type")
        return made("PostToolUseFailure", duration_ms=duration, error=error, **said)
    return made("PostToolUse", duration_ms=duration, **said)


def _agent(a: Attributes) -> dict[str, str | None]:
    return {"agent_id": text(a, "agent_id"), "agent_type": text(a, "agent_name")}


TELEMETRY = Telemetry(
    client="gemini-cli",
    service="gemini-cli",
    prefix="gemini_cli.",
    session="session.id",
    events={
        "user_prompt": lambda a: made(
            "UserPromptSubmit",
            prompt_id=text(a, "prompt_id"),
            prompt_length=whole(a, "prompt_length"),
            prompt=text(a, "prompt"),
        ),
        "api_response": _api_response,
        "api_error": lambda a: made(
            "ApiError",
            model=text(a, "model") or text(a, "model_name"),
            status=whole(a, "status_code") or whole(a, "http.status_code"),
            error=error_text(a, "error.message", "error", "error_type"),
            duration_ms=whole(a, "duration_ms"),
            prompt_id=text(a, "prompt_id"),
            source=text(a, "role"),
        ),
        "tool_call": _tool_call,
        "chat_compression": lambda a: made(
            "PostCompact", pre_tokens=whole(a, "tokens_before"), post_tokens=whole(a, "tokens_after")
        ),
        "agent.start": lambda a: made("SubagentStart", **_agent(a)),
        "agent.finish": lambda a: made("SubagentStop", **_agent(a), duration_ms=whole(a, "duration_ms")),
        "approval_mode_switch": lambda a: made(
            "PermissionModeChanged", from_mode=text(a, "from_mode"), to_mode=text(a, "to_mode")
        ),
    },
    measures={"lines.changed": changed_lines},
    version=lambda _a, _resource: None,  # its service.version is that of Node.js
    attended=lambda a: flag(a, "interactive"),
)
