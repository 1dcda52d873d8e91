"""Claude Code: its names are the known ones."""

from agents.claude_code.telemetry import TELEMETRY
from agents.client import Client

# How the answer to a refused or denied call begins in the ``tool_calls`` of PostToolBatch. If a shell command needs an
# approval and there is no user to give it, the answer begins with the command, or mentions the approval later.
REFUSED = "<tool_use_error>"
DENIED = (
    "Claude requested permissions to ",
    "Permission to use ",
    "The user doesn't want to proceed with this tool use.",
    "The user doesn't want to take this action right now.",
)
UNAPPROVED: tuple[str, ...] = (" needs approval.", " parts require approval: ")
MACHINE_PROMPT = "<task-notification>"  # how a prompt begins that the client wrote itself

CLAUDE_CODE = Client("claude-code", event_types={}, tools={}, telemetry=TELEMETRY)
