"""Gemini CLI: what its hook notes. The agent waits for this import, so it stays small."""

from __future__ import annotations

ENVIRONMENT: dict[str, str] = {}
HEADLESS = ("-p", "--prompt")  # arguments that make it run without a user
