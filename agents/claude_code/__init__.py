"""Claude Code: the names in its hooks, and its telemetry."""
