"""Claude Code: where its files are, its hooks, and the settings with which it sends without this client."""

from __future__ import annotations

import json

from crewkit_hook.agents.agent import Agent
from crewkit_hook.agents.claude_code.past import PastSessions
from crewkit_hook.agents.claude_code.transcript import ClaudeCodeReading
from crewkit_hook.settings import Settings

# All events of Claude Code 2.1.332 except `WorktreeCreate`, which expects a path in reply, and `MessageDisplay`, which
# repeats each answer in pieces.
_EVENTS = (
    *("Setup", "SessionStart", "SessionEnd", "UserPromptSubmit", "UserPromptExpansion", "PreToolUse", "PostToolUse"),
    *("PostToolUseFailure", "PostToolBatch", "PermissionRequest", "PermissionDenied", "PreSkillShellCommand"),
    *("Notification", "SubagentStart", "SubagentStop", "Stop", "StopFailure", "PreCompact", "PostCompact"),
    *("PreModelSwitch", "PostModelSwitch", "TaskCreated", "TaskCompleted", "TeammateIdle", "InstructionsLoaded"),
    *("ConfigChange", "CwdChanged", "DirectoryAdded", "FileChanged", "WorktreeRemove"),
    *("Elicitation", "ElicitationResult"),
)
_NOT_OVER_HTTP = frozenset({"Setup", "SessionStart"})  # it refuses hooks of type `http` for these
_TIMEOUT_S = 5  # the agent waits for its hooks
_TOKEN = "CREWKIT_TOKEN"


def without_client(chosen: Settings) -> dict[str, str]:
    """Return its settings: http hooks, and the environment of its exporter. Both take the token from the latter."""
    hook = {
        "type": "http",
        "url": f"{chosen.base}/hooks/claude-code",
        "headers": {"Authorization": f"Bearer ${_TOKEN}"},
        "allowedEnvVars": [_TOKEN],
        "timeout": _TIMEOUT_S,
    }
    environment = {
        _TOKEN: chosen.token,
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{chosen.base}/otlp",
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer {chosen.token}",  # it would send `%20` as it is
    }
    group = {"matcher": "", "hooks": [hook]}
    hooks = {event: [group] for event in _EVENTS if event not in _NOT_OVER_HTTP}
    return {"~/.claude/settings.json": json.dumps({"env": environment, "hooks": hooks}, indent=2) + "\n"}


CLAUDE_CODE = Agent(
    name="claude-code",
    program="claude",
    variable="CLAUDE_CONFIG_DIR",
    folder=".claude",
    user_file="settings.json",
    project_file=".claude/settings.local.json",
    events=_EVENTS,
    ends=frozenset({"Stop", "StopFailure", "SubagentStop", "SessionEnd"}),
    group={"matcher": ""},
    hook={"timeout": _TIMEOUT_S},
    without_client=without_client,
    reading=ClaudeCodeReading,
    past=PastSessions,
)
