"""Codex CLI 0.169: Claude Code's event names, a model in nearly every payload, no failures and no durations."""

from typing import Any

from tests.support.clients.recorded.recording import Recording, Run

SESSION = "019f2c44-7a10-7c55-9d3e-4b5a6c7d8e9f"
TURN = "019f2c44-7b20-7e11-8f6a-1c2d3e4f5a6b"
CONTEXT = {"remote_url": "https://github.com/acme/mill", "branch": "main", "client_version": "0.169.0"}


def _one() -> Recording:
    base = {"transcript_path": f"/home/mia/.codex/sessions/rollout-{SESSION}.jsonl", "cwd": "/work/mill"}
    run = Run(SESSION, base, CONTEXT)
    common: dict[str, Any] = {"model": "gpt-5.1-codex", "permission_mode": "default"}
    turn = {"turn_id": TURN, **common}
    agent = {"agent_id": "019f2c44-8c30-7a22-b1c2-3d4e5f607182", "agent_type": "explorer"}
    run.send("SessionStart", **common, source="startup")
    run.send("UserPromptSubmit", **turn, prompt="Oil the axle")
    for use_id, command, output in (("call_o1", "ls", "axle.py\n"), ("call_o2", "exit 3", "")):
        asked = {"tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": use_id}
        run.send("PreToolUse", **turn, **asked)
        run.send("PostToolUse", **turn, **asked, tool_response=output)
    patch = {"tool_name": "apply_patch", "tool_input": {"command": "*** Begin Patch"}, "tool_use_id": "call_o3"}
    run.send("PreToolUse", **turn, **patch)
    run.send("PostToolUse", **turn, **patch, tool_response="Success.")
    run.send("SubagentStart", **turn, **agent)
    run.send("UserPromptSubmit", **turn, **agent, prompt="Look at the axle")
    run.send("SubagentStop", **turn, **agent, stop_hook_active=False, last_assistant_message="Dry.")
    run.send("Stop", **turn, stop_hook_active=False, last_assistant_message="It is oiled.")
    run.send("SessionEnd", reason="other")
    counts = {"prompts": 1, "tool_calls": 3, "subagents": 1}
    return Recording("codex one", "codex", run.sent, {SESSION: counts}, {SESSION: 1})


CODEX = (_one(),)
