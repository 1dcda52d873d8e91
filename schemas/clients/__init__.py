"""Map each coding agent's names to the known ones: one table per client, for the agent endpoints and the projector.

Payloads are stored as they were sent. The endpoints map the types of events. The projector maps the names of tools, so
that a corrected table also corrects history, in the next generation.
"""

from collections.abc import Mapping

from schemas.clients.claude_code import CLAUDE_CODE
from schemas.clients.client import Client
from schemas.clients.codex import CODEX
from schemas.clients.gemini_cli import GEMINI_CLI

CLIENTS: Mapping[str, Client] = {client.name: client for client in (CLAUDE_CODE, CODEX, GEMINI_CLI)}
