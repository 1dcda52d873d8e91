"""Tool uses: a call and its outcome, in the shapes of Claude Code's hooks."""

from collections.abc import Callable, Iterator

from cli.demo import sample_data
from cli.demo.session_builder import Extra, SampleEvent, SessionBuilder

Agent = tuple[str, str] | None  # (id, type) of the subagent that uses the tool


def _bash(builder: SessionBuilder) -> tuple[Extra, Extra]:
    command = builder.rng.choice(sample_data.COMMANDS)
    if builder.chance(0.02):  # a secret in a command; it must not reach the log
        command = f"AWS_ACCESS_KEY_ID=AKIA{builder.hex(16).upper()} aws s3 ls"
    response = {"stdout": builder.lines(1, 8), "stderr": "", "interrupted": False, "isImage": False}
    return {"command": command, "description": "Look at what happens", "timeout": 120_000}, response


def _read(builder: SessionBuilder) -> tuple[Extra, Extra]:
    path, count = builder.path(), builder.rng.randint(4, 14)
    file = {"filePath": path, "content": builder.lines(count, count), "numLines": count, "startLine": 1}
    return {"file_path": path, "offset": 0, "limit": 200}, {"type": "text", "file": file}


def _edit(builder: SessionBuilder) -> tuple[Extra, Extra]:
    path, old, new = builder.path(), builder.lines(1, 2), builder.lines(1, 3)
    request = {"file_path": path, "old_string": old, "new_string": new, "replace_all": False}
    return request, {"filePath": path, "oldString": old, "newString": new, "userModified": False}


def _write(builder: SessionBuilder) -> tuple[Extra, Extra]:
    path, content = builder.path(), builder.lines(3, 10)
    return {"file_path": path, "content": content}, {"type": "create", "filePath": path}


def _grep(builder: SessionBuilder) -> tuple[Extra, Extra]:
    files = [builder.path() for _ in range(builder.rng.randint(0, 5))]
    return {"pattern": "refund\\(", "path": builder.base["cwd"]}, {"filenames": files, "numFiles": len(files)}


def _issue(builder: SessionBuilder) -> tuple[Extra, Extra]:
    number, title = builder.rng.randint(100, 2_000), builder.rng.choice(sample_data.PROMPTS)
    return {"number": number}, {"title": title, "state": "open", "body": builder.prose(1, 3)}


_TOOLS: dict[str, tuple[int, Callable[[SessionBuilder], tuple[Extra, Extra]]]] = {
    "Bash": (30, _bash),
    "Read": (30, _read),
    "Edit": (20, _edit),
    "Grep": (12, _grep),
    "Write": (5, _write),
    "mcp__github__get_issue": (3, _issue),
}
_NAMES, _WEIGHTS = list(_TOOLS), [weight for weight, _ in _TOOLS.values()]


def tool_use(builder: SessionBuilder, agent: Agent = None) -> Iterator[SampleEvent]:
    """Yield one call: requested, sometimes held for permission, then done, failed or denied; a few never return."""
    name = builder.rng.choices(_NAMES, _WEIGHTS)[0]
    request, response = _TOOLS[name][1](builder)
    call: Extra = {"tool_name": name, "tool_input": request, "tool_use_id": f"toolu_{builder.hex(24)}"}
    if name.startswith("mcp__"):
        call["mcp_server"] = {"name": "github", "source": "project"}
    yield builder.event("PreToolUse", agent, **call)
    if builder.chance(0.08):
        yield builder.event("PermissionRequest", agent, tool_name=name, tool_input=request)
        if builder.chance(0.2):
            yield builder.event("PermissionDenied", agent, **call, reason="Not on this branch")
            return
    duration = round(builder.rng.expovariate(1 / 900)) + 3
    if builder.chance(0.06):
        error = builder.rng.choice(sample_data.ERRORS)
        yield builder.event("PostToolUseFailure", agent, **call, error=error, is_interrupt=False, duration_ms=duration)
    elif builder.chance(0.99):
        yield builder.event("PostToolUse", agent, **call, tool_response=response, duration_ms=duration)
        if name in ("Edit", "Write") and builder.chance(0.3):
            yield builder.event("FileChanged", agent, file_path=request["file_path"], event="change")


def tool_batch(builder: SessionBuilder) -> Iterator[SampleEvent]:
    """Yield two to four calls and their summary."""
    calls = []
    for _ in range(builder.rng.randint(2, 4)):
        for kind, data in tool_use(builder):
            if kind == "PreToolUse":
                calls.append({name: data[name] for name in ("tool_name", "tool_input", "tool_use_id")})
            yield kind, data
    yield builder.event("PostToolBatch", tool_calls=calls)


def subagent(builder: SessionBuilder) -> Iterator[SampleEvent]:
    """Yield a subagent's events, from the call of the Agent tool to its answer."""
    agent = (f"a{builder.hex(16)}", builder.rng.choice(sample_data.SUBAGENTS))
    request: Extra = {"description": "Look around", "prompt": builder.prose(1, 3), "subagent_type": agent[1]}
    call: Extra = {"tool_name": "Agent", "tool_input": request, "tool_use_id": f"toolu_{builder.hex(24)}"}
    yield builder.event("PreToolUse", **call)
    yield builder.event("SubagentStart", agent)
    for _ in range(builder.rng.randint(2, 7)):
        yield from tool_use(builder, agent)
    answer, transcript = builder.prose(2, 4), f"{builder.base['transcript_path'][:-6]}/subagents/agent-{agent[0]}.jsonl"
    stop: Extra = {"agent_transcript_path": transcript, "stop_hook_active": False, "last_assistant_message": answer}
    yield builder.event("SubagentStop", agent, **stop)
    duration = builder.rng.randint(4_000, 90_000)
    response: Extra = {"status": "completed", "agentId": agent[0], "content": answer, "totalDurationMs": duration}
    yield builder.event("PostToolUse", **call, tool_response=response, duration_ms=duration)
