"""Gemini CLI: where its files are, its hooks, and the settings with which it sends without this client."""

from __future__ import annotations

import json
from shlex import quote

from crewkit_hook.agents.agent import Agent
from crewkit_hook.agents.gemini_cli.transcript import GeminiCliReading
from crewkit_hook.settings import Settings


def without_client(chosen: Settings) -> dict[str, str]:
    """Return the settings of its exporter, which takes headers only from its environment.

    An alias sets them for Gemini CLI and for no other exporter. Gemini CLI does not read its own ``~/.gemini/.env`` in
    folders that are not trusted or that have an ``.env`` file.
    """
    telemetry = {
        "enabled": True,
        "target": "local",
        "otlpEndpoint": f"{chosen.base}/otlp",
        "otlpProtocol": "http",
        "logPrompts": False,
    }
    header = quote(f"Authorization=Bearer {chosen.token}")
    return {
        "~/.gemini/settings.json": json.dumps({"telemetry": telemetry}, indent=2) + "\n",
        "~/.bashrc": f"alias gemini={quote(f'OTEL_EXPORTER_OTLP_HEADERS={header} gemini')}\n",
    }


GEMINI_CLI = Agent(
    name="gemini-cli",
    program="gemini",
    variable="GEMINI_CLI_HOME",
    below=".gemini",
    folder=".gemini",
    user_file="settings.json",
    project_file=".gemini/settings.json",
    # Without `BeforeModel`, `AfterModel` and `BeforeToolSelection`, which carry the whole conversation each time, and
    # `PreCompress`, which precedes every request.
    events=("SessionStart", "SessionEnd", "BeforeAgent", "AfterAgent", "BeforeTool", "AfterTool", "Notification"),
    ends=frozenset({"AfterAgent", "SessionEnd"}),
    group={"matcher": "*"},
    hook={"name": "crewkit-hook", "timeout": 5_000},  # milliseconds
    without_client=without_client,
    reading=GeminiCliReading,
)
