"""Claude Code: its names are the known ones."""

from schemas.clients.client import Client

# How the answer to a call begins in the ``tool_calls`` of PostToolBatch, if the call was refused or denied. Not every
# denial begins so: some name the command first.
REFUSED = "<tool_use_error>"
DENIED = ("Claude requested permissions to ", "Permission to use ")
MACHINE_PROMPT = "<task-notification>"  # how a prompt begins that no person wrote

CLAUDE_CODE = Client("claude-code", event_types={}, tools={})
