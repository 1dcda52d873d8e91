"""Codex CLI: its hooks have Claude Code's names, its tools have their own."""

from agents.client import Client
from agents.codex.telemetry import TELEMETRY

CODEX = Client(
    "codex",
    event_types={},
    tools={
        **dict.fromkeys(("shell", "local_shell", "exec_command", "unified_exec"), "Bash"),
        "apply_patch": "Edit",
        "update_plan": "TodoWrite",
        "web_search": "WebSearch",
        "view_image": "Read",
    },
    telemetry=TELEMETRY,
)
