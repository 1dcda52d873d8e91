"""What the names of each coding agent mean: one table a client, which the doors and the projector share.

Payloads are stored as they were sent. Their events get known types at the door; the names of their tools are read as
known ones when they are projected, so that a corrected table corrects history with the next generation.
"""

from collections.abc import Mapping

from schemas.clients.claude_code import CLAUDE_CODE
from schemas.clients.client import Client
from schemas.clients.codex import CODEX
from schemas.clients.gemini_cli import GEMINI_CLI

CLIENTS: Mapping[str, Client] = {client.name: client for client in (CLAUDE_CODE, CODEX, GEMINI_CLI)}
