"""Uses of tools: a call and how it came out, in the shapes of Claude Code's hooks."""

from collections.abc import Callable, Iterator

from cli.demo import sample_data
from cli.demo.session_builder import Extra, Happening, Stage

Agent = tuple[str, str] | None  # (id, type) of the subagent that uses the tool


def _bash(stage: Stage) -> tuple[Extra, Extra]:
    command = stage.rng.choice(sample_data.COMMANDS)
    if stage.chance(0.02):  # somebody always does; it must not reach the log
        command = f"AWS_ACCESS_KEY_ID=AKIA{stage.hex(16).upper()} aws s3 ls"
    response = {"stdout": stage.lines(1, 8), "stderr": "", "interrupted": False, "isImage": False}
    return {"command": command, "description": "Look at what happens", "timeout": 120_000}, response


def _read(stage: Stage) -> tuple[Extra, Extra]:
    path, count = stage.path(), stage.rng.randint(4, 14)
    file = {"filePath": path, "content": stage.lines(count, count), "numLines": count, "startLine": 1}
    return {"file_path": path, "offset": 0, "limit": 200}, {"type": "text", "file": file}


def _edit(stage: Stage) -> tuple[Extra, Extra]:
    path, old, new = stage.path(), stage.lines(1, 2), stage.lines(1, 3)
    request = {"file_path": path, "old_string": old, "new_string": new, "replace_all": False}
    return request, {"filePath": path, "oldString": old, "newString": new, "userModified": False}


def _write(stage: Stage) -> tuple[Extra, Extra]:
    path, content = stage.path(), stage.lines(3, 10)
    return {"file_path": path, "content": content}, {"type": "create", "filePath": path}


def _grep(stage: Stage) -> tuple[Extra, Extra]:
    files = [stage.path() for _ in range(stage.rng.randint(0, 5))]
    return {"pattern": "refund\\(", "path": stage.base["cwd"]}, {"filenames": files, "numFiles": len(files)}


def _issue(stage: Stage) -> tuple[Extra, Extra]:
    number = stage.rng.randint(100, 2_000)
    return {"number": number}, {
        "title": stage.rng.choice(sample_data.PROMPTS),
        "state": "open",
        "body": stage.prose(1, 3),
    }


_TOOLS: dict[str, tuple[int, Callable[[Stage], tuple[Extra, Extra]]]] = {
    "Bash": (30, _bash),
    "Read": (30, _read),
    "Edit": (20, _edit),
    "Grep": (12, _grep),
    "Write": (5, _write),
    "mcp__github__get_issue": (3, _issue),
}
_NAMES, _WEIGHTS = list(_TOOLS), [weight for weight, _ in _TOOLS.values()]


def tool_use(stage: Stage, agent: Agent = None) -> Iterator[Happening]:
    """One call: asked for, sometimes waited for, and then done, failed or denied; a few never come back."""
    name = stage.rng.choices(_NAMES, _WEIGHTS)[0]
    request, response = _TOOLS[name][1](stage)
    call: Extra = {"tool_name": name, "tool_input": request, "tool_use_id": f"toolu_{stage.hex(24)}"}
    if name.startswith("mcp__"):
        call["mcp_server"] = {"name": "github", "source": "project"}
    yield stage.event("PreToolUse", agent, **call)
    if stage.chance(0.08):
        yield stage.event("PermissionRequest", agent, tool_name=name, tool_input=request)
        if stage.chance(0.2):
            yield stage.event("PermissionDenied", agent, **call, reason="Not on this branch")
            return
    yield from _outcome(stage, agent, call, response)


def _outcome(stage: Stage, agent: Agent, call: Extra, response: Extra) -> Iterator[Happening]:
    duration = round(stage.rng.expovariate(1 / 900)) + 3
    if stage.chance(0.06):
        error = stage.rng.choice(sample_data.ERRORS)
        yield stage.event("PostToolUseFailure", agent, **call, error=error, is_interrupt=False, duration_ms=duration)
    elif stage.chance(0.99):
        yield stage.event("PostToolUse", agent, **call, tool_response=response, duration_ms=duration)
        if call["tool_name"] in ("Edit", "Write") and stage.chance(0.3):
            yield stage.event("FileChanged", agent, file_path=call["tool_input"]["file_path"], event="change")


def tool_batch(stage: Stage) -> Iterator[Happening]:
    """Two to four calls at once, and the summary of them all."""
    calls = []
    for _ in range(stage.rng.randint(2, 4)):
        for kind, data in tool_use(stage):
            if kind == "PreToolUse":
                calls.append({name: data[name] for name in ("tool_name", "tool_input", "tool_use_id")})
            yield kind, data
    yield stage.event("PostToolBatch", tool_calls=calls)


def subagent(stage: Stage) -> Iterator[Happening]:
    """A subagent, from the call of the Agent tool to its answer."""
    agent = (f"a{stage.hex(16)}", stage.rng.choice(sample_data.SUBAGENTS))
    request: Extra = {"description": "Look around", "prompt": stage.prose(1, 3), "subagent_type": agent[1]}
    call: Extra = {"tool_name": "Agent", "tool_input": request, "tool_use_id": f"toolu_{stage.hex(24)}"}
    yield stage.event("PreToolUse", **call)
    yield stage.event("SubagentStart", agent)
    for _ in range(stage.rng.randint(2, 7)):
        yield from tool_use(stage, agent)
    answer, transcript = stage.prose(2, 4), f"{stage.base['transcript_path'][:-6]}/subagents/agent-{agent[0]}.jsonl"
    stop: Extra = {"agent_transcript_path": transcript, "stop_hook_active": False, "last_assistant_message": answer}
    yield stage.event("SubagentStop", agent, **stop)
    duration = stage.rng.randint(4_000, 90_000)
    response: Extra = {"status": "completed", "agentId": agent[0], "content": answer, "totalDurationMs": duration}
    yield stage.event("PostToolUse", **call, tool_response=response, duration_ms=duration)
