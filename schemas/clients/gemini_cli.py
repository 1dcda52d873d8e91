"""Gemini CLI: its own names of events and tools."""

from schemas.clients.client import Client

GEMINI_CLI = Client(
    "gemini-cli",
    event_types={
        "BeforeAgent": "UserPromptSubmit",
        "AfterAgent": "Stop",
        "BeforeTool": "PreToolUse",
        "AfterTool": "PostToolUse",
    },
    tools={
        "run_shell_command": "Bash",
        "read_file": "Read",
        "read_many_files": "Read",
        "list_directory": "LS",
        "write_file": "Write",
        "replace": "Edit",
        "glob": "Glob",
        "search_file_content": "Grep",
        "grep_search": "Grep",
        "web_fetch": "WebFetch",
        "google_web_search": "WebSearch",
        "write_todos": "TodoWrite",
    },
)
