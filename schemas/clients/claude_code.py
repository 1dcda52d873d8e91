"""Claude Code: its names are the known ones."""

from schemas.clients.client import Client

CLAUDE_CODE = Client("claude-code", event_types={}, tools={})
