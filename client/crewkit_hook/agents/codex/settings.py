"""Codex CLI: where its files are, its hooks, and the settings with which it sends without this client."""

from __future__ import annotations

import json

from crewkit_hook.agents.agent import Agent
from crewkit_hook.agents.codex.past import PastSessions
from crewkit_hook.agents.codex.transcript import CodexReading
from crewkit_hook.settings import Settings


def without_client(chosen: Settings) -> dict[str, str]:
    """Return the settings of its exporter: only logs, because its metrics don't name their session."""
    toml = json.dumps  # a JSON string is a TOML string
    headers = f"{{ Authorization = {toml(f'Bearer {chosen.token}')} }}"
    target = f'{{ endpoint = {toml(f"{chosen.base}/otlp/v1/logs")}, protocol = "json", headers = {headers} }}'
    return {"~/.codex/config.toml": f"[otel]\nlog_user_prompt = false\nexporter = {{ otlp-http = {target} }}\n"}


CODEX = Agent(
    name="codex",
    program="codex",
    variable="CODEX_HOME",
    folder=".codex",
    user_file="hooks.json",
    project_file=".codex/hooks.json",
    events=(
        *("SessionStart", "SessionEnd", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PermissionRequest"),
        *("PreCompact", "PostCompact", "SubagentStart", "SubagentStop", "Stop", "Interrupt"),
    ),
    ends=frozenset({"Stop", "SubagentStop", "Interrupt", "SessionEnd"}),
    group={},
    hook={"timeout": 3},  # seconds
    without_client=without_client,
    reading=CodexReading,
    past=PastSessions,
    advice="Codex runs a new hook only once you trust it: start codex, and accept them under /hooks.",
)
