"""Gemini CLI: the names in its hooks, and its telemetry."""
