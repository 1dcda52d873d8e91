"""The agents that this client knows."""

from __future__ import annotations

from collections.abc import Mapping

from crewkit_hook.agents.agent import Agent
from crewkit_hook.agents.claude_code.settings import CLAUDE_CODE
from crewkit_hook.agents.codex.settings import CODEX
from crewkit_hook.agents.gemini_cli.settings import GEMINI_CLI

AGENTS: Mapping[str, Agent] = {agent.name: agent for agent in (CLAUDE_CODE, CODEX, GEMINI_CLI)}
