"""The coding agents: one folder for each, with the names in its hooks and its telemetry.

Payloads are stored as they were sent. The endpoints map the types of events. The projector maps the names of tools, so
that a corrected table also corrects history, in the next generation.
"""

from collections.abc import Mapping

from agents.claude_code.hooks import CLAUDE_CODE
from agents.client import Client
from agents.codex.hooks import CODEX
from agents.gemini_cli.hooks import GEMINI_CLI

CLIENTS: Mapping[str, Client] = {client.name: client for client in (CLAUDE_CODE, CODEX, GEMINI_CLI)}
