"""Claude Code: its names are the known ones."""

from schemas.clients.client import Client

# How the answer to a call begins in the ``tool_calls`` of PostToolBatch, if the call was refused or denied. Where a
# shell command needs an approval that no person can give, the answer names the command first, or says so later.
REFUSED = "<tool_use_error>"
DENIED = (
    "Claude requested permissions to ",
    "Permission to use ",
    "The user doesn't want to proceed with this tool use.",
    "The user doesn't want to take this action right now.",
)
UNAPPROVED: tuple[str, ...] = (" needs approval.", " parts require approval: ")
MACHINE_PROMPT = "<task-notification>"  # how a prompt begins that no person wrote

CLAUDE_CODE = Client("claude-code", event_types={}, tools={})
