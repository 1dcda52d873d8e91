"""The settings that connect a coding agent. They were tested with the agents themselves. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from shlex import quote as quoted
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

Way = Literal["hooks", "otlp"]

# All events of Claude Code 2.1.332 except `SessionStart` and `Setup`, for which it refuses hooks of type `http`;
# `WorktreeCreate`, which expects a path as the answer; and `MessageDisplay`, which repeats each answer in pieces.
CLAUDE_CODE_EVENTS = (
    *("SessionEnd", "UserPromptSubmit", "UserPromptExpansion", "PreToolUse", "PermissionRequest", "PermissionDenied"),
    *("PostToolUse", "PostToolUseFailure", "PostToolBatch", "PreSkillShellCommand", "Notification", "SubagentStart"),
    *("SubagentStop", "Stop", "StopFailure", "PreCompact", "PostCompact", "PreModelSwitch", "PostModelSwitch"),
    *("TaskCreated", "TaskCompleted", "TeammateIdle", "InstructionsLoaded", "ConfigChange", "CwdChanged"),
    *("DirectoryAdded", "FileChanged", "WorktreeRemove", "Elicitation", "ElicitationResult"),
)
HOOK_TIMEOUT_S = 5  # the agent waits for its hooks
TOKEN_VARIABLE = "CREWKIT_TOKEN"  # noqa: S105 (a name)


class Doors(NamedTuple):
    """The endpoints to which an org's agents write, and the token that they send."""

    url: str
    org: str
    token: str

    @property
    def otlp(self) -> str:
        """The base address of the OTLP endpoints."""
        return f"{self._org}/otlp"

    def hooks(self, client: str) -> str:
        """Return the address for a client's hooks."""
        return f"{self._org}/hooks/{client}"

    @property
    def _org(self) -> str:
        return f"{self.url.rstrip('/')}/api/v1/{quote(self.org, safe='')}"


class AgentFile(NamedTuple):
    """A file in the user's home folder, and what to put in it."""

    path: str
    text: str


def claude_code(doors: Doors, ways: Sequence[Way]) -> list[AgentFile]:
    """Return the settings for Claude Code. Hooks and exporter both take the token from its ``env``."""
    environment: dict[str, str] = {}
    settings: dict[str, Any] = {"env": environment}
    if "hooks" in ways:
        environment[TOKEN_VARIABLE] = doors.token
        hook = {
            "type": "http",
            "url": doors.hooks("claude-code"),
            "headers": {"Authorization": f"Bearer ${TOKEN_VARIABLE}"},
            "allowedEnvVars": [TOKEN_VARIABLE],
            "timeout": HOOK_TIMEOUT_S,
        }
        settings["hooks"] = {event: [{"matcher": "", "hooks": [hook]}] for event in CLAUDE_CODE_EVENTS}
    if "otlp" in ways:
        environment |= {
            "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
            "OTEL_EXPORTER_OTLP_ENDPOINT": doors.otlp,
            "OTEL_EXPORTER_OTLP_HEADERS": _otlp_headers(doors.token),
        }
    return [AgentFile("~/.claude/settings.json", _as_json(settings))]


def codex(doors: Doors, _ways: Sequence[Way]) -> list[AgentFile]:
    """Return the telemetry settings for Codex CLI: only logs, because its metrics don't name their session."""
    headers = f"{{ Authorization = {_toml(f'Bearer {doors.token}')} }}"
    exporter = f'{{ endpoint = {_toml(f"{doors.otlp}/v1/logs")}, protocol = "json", headers = {headers} }}'
    return [
        AgentFile("~/.codex/config.toml", f"[otel]\nlog_user_prompt = false\nexporter = {{ otlp-http = {exporter} }}\n")
    ]


def gemini_cli(doors: Doors, _ways: Sequence[Way]) -> list[AgentFile]:
    """Return the telemetry settings for Gemini CLI, which takes headers only from its environment.

    An alias sets them for Gemini CLI and for no other exporter. Gemini CLI does not read its own ``~/.gemini/.env`` in
    folders that are not trusted or that have an ``.env`` file.
    """
    headers = quoted(_otlp_headers(doors.token))
    telemetry = {
        "enabled": True,
        "target": "local",
        "otlpEndpoint": doors.otlp,
        "otlpProtocol": "http",
        "logPrompts": False,
    }
    return [
        AgentFile("~/.gemini/settings.json", _as_json({"telemetry": telemetry})),
        AgentFile("~/.bashrc", f"alias gemini={quoted(f'OTEL_EXPORTER_OTLP_HEADERS={headers} gemini')}\n"),
    ]


Settings = Callable[[Doors, Sequence[Way]], list[AgentFile]]
AGENTS: Mapping[str, tuple[Settings, Sequence[Way]]] = {
    "claude-code": (claude_code, ("hooks", "otlp")),
    "codex": (codex, ("otlp",)),
    "gemini-cli": (gemini_cli, ("otlp",)),
}


def _otlp_headers(token: str) -> str:
    return f"Authorization=Bearer {token}"  # with a space: Claude Code would send `%20` literally


def _as_json(settings: Mapping[str, Any]) -> str:
    return json.dumps(settings, indent=2) + "\n"


def _toml(text: str) -> str:
    return json.dumps(text)  # a JSON string is a TOML string
