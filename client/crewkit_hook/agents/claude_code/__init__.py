"""Claude Code: what its hook notes. The agent waits for this import, so it stays small."""

from __future__ import annotations

# It says more about itself than the hook could find out. Agents that it starts inherit these variables.
ENVIRONMENT = {
    "process": "CLAUDE_PID",
    "attended": "CLAUDE_CODE_SESSION_ATTENDED",
    "telemetry": "CLAUDE_CODE_ENABLE_TELEMETRY",
}
HEADLESS: tuple[str, ...] = ()
