"""Codex CLI: hooks with the names of Claude Code, and tools of its own."""

from schemas.clients.client import Client

CODEX = Client(
    "codex",
    event_types={},
    tools={
        "shell": "Bash",
        "local_shell": "Bash",
        "exec_command": "Bash",
        "unified_exec": "Bash",
        "apply_patch": "Edit",
        "update_plan": "TodoWrite",
        "web_search": "WebSearch",
        "view_image": "Read",
    },
)
