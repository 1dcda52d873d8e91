"""Claude Code: what its log records and metrics say. Its input tokens exclude those of the cache. Pure."""

from agents.exported import Attributes
from agents.telemetry import Made, Telemetry, changed_lines, error_text, flag, made, number, text, tool_input, whole

_WITHHELD = "<REDACTED>"  # in place of a prompt, unless the user's settings log prompts


def _common(a: Attributes) -> dict[str, str | None]:
    return {"prompt_id": text(a, "prompt.id"), "agent_id": text(a, "agent_id")}


def _agent(a: Attributes) -> dict[str, str | None]:
    return {**_common(a), "agent_type": text(a, "agent.name"), "source": text(a, "query_source")}


def _tool(a: Attributes) -> dict[str, str | None]:
    names = {name: text(a, name) for name in ("tool_name", "tool_use_id", "request_id")}
    return {**_common(a), **names}


def _tool_decision(a: Attributes) -> Made | None:
    decision = text(a, "decision")
    if decision == "accept":
        return made("PreToolUse", permission_mode=text(a, "permission_mode"), **_tool(a))
    if decision == "reject":
        mode, reason = text(a, "permission_mode"), text(a, "source")
        return made("PermissionDenied", permission_mode=mode, reason=reason, **_tool(a))
    return None


def _tool_result(a: Attributes) -> Made:
    said = {**_tool(a), "duration_ms": whole(a, "duration_ms"), "tool_input": tool_input(a, "tool_input")}
    if flag(a, "success") is False:
        return made("PostToolUseFailure", error=error_text(a, "error", "error_type"), **said)
    return made("PostToolUse", **said)


def _compaction(a: Attributes) -> Made | None:
    if flag(a, "success") is False:
        return None
    return made(
        "PostCompact",
        trigger=text(a, "trigger"),
        pre_tokens=whole(a, "pre_tokens"),
        post_tokens=whole(a, "post_tokens"),
        duration_ms=whole(a, "duration_ms"),
        **_common(a),
    )


def _user_prompt(a: Attributes) -> Made:
    prompt = text(a, "prompt")
    return made(
        "UserPromptSubmit",
        prompt_length=whole(a, "prompt_length"),
        prompt=None if prompt == _WITHHELD else prompt,
        command_name=text(a, "command_name"),
        **_common(a),
    )


TELEMETRY = Telemetry(
    client="claude-code",
    service="claude-code",
    prefix="claude_code.",
    session="session.id",
    events={
        "api_request": lambda a: made(
            "ApiRequest",
            request_id=text(a, "request_id"),
            model=text(a, "model"),
            input_tokens=whole(a, "input_tokens"),
            output_tokens=whole(a, "output_tokens"),
            cache_read_tokens=whole(a, "cache_read_tokens"),
            cache_creation_tokens=whole(a, "cache_creation_tokens"),
            cache_creation_1h_tokens=whole(a, "cache_creation_1h_tokens"),
            cost_usd=number(a, "cost_usd"),
            duration_ms=whole(a, "duration_ms"),
            ttft_ms=whole(a, "ttft_ms"),
            **_agent(a),
        ),
        "api_error": lambda a: made(
            "ApiError",
            request_id=text(a, "request_id"),
            model=text(a, "model"),
            status=whole(a, "status_code"),
            attempt=whole(a, "attempt"),
            error=error_text(a, "error"),
            duration_ms=whole(a, "duration_ms"),
            **_agent(a),
        ),
        "tool_decision": _tool_decision,
        "tool_result": _tool_result,
        "subagent_completed": lambda a: made(
            "SubagentStop",
            agent_id=text(a, "agent_id"),
            agent_type=text(a, "agent_type"),
            duration_ms=whole(a, "duration_ms"),
            total_tokens=whole(a, "total_tokens"),
            total_tool_uses=whole(a, "total_tool_uses"),
            model=text(a, "final_model") or text(a, "model"),
            prompt_id=text(a, "prompt.id"),
        ),
        "compaction": _compaction,
        "permission_mode_changed": lambda a: made(
            "PermissionModeChanged",
            from_mode=text(a, "from_mode"),
            to_mode=text(a, "to_mode"),
            trigger=text(a, "trigger"),
            **_common(a),
        ),
        "user_prompt": _user_prompt,
    },
    # Not cost.usage and token.usage: the log records say the same for each request.
    measures={
        "lines_of_code.count": changed_lines,
        "commit.count": lambda _: "commits",
        "pull_request.count": lambda _: "pull_requests",
        "active_time.total": lambda _: "active_seconds",
    },
    version=lambda a, resource: text(a, "app.version") or text(resource, "service.version"),
    attended=lambda _: None,
)
