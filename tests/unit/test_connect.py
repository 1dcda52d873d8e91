"""The settings that connect an agent: complete, exact, and refused if they could not work."""

import json
import subprocess
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from cli.agent_settings import AGENTS, CLAUDE_CODE_EVENTS, Doors, claude_code, codex, gemini_cli
from edge.tokens import issue_token
from schemas.hooks import KNOWN_EVENT_TYPES
from tests.support.pages import blocks
from tests.support.rigs.command_here import command_here

KEY = b"a test key of at least 32 bytes, yes"
DOORS = Doors("https://sessions.example.com/", "a b", "a.b-c_d")
ORG_URL = "https://sessions.example.com/api/v1/a%20b"
REFUSED_BY_CLAUDE = {"SessionStart", "Setup", "WorktreeCreate", "MessageDisplay"}
OF_OTHERS = {"BeforeModel", "AfterModel", "BeforeToolSelection", "PreCompress"}
OF_TELEMETRY = {"ApiRequest", "ApiError", "Measurement", "PermissionModeChanged"}


def claude(*ways: Any) -> dict[str, Any]:
    """Return Claude Code's settings as it reads them."""
    (file,) = claude_code(DOORS, ways)
    assert file.path == "~/.claude/settings.json"
    settings: dict[str, Any] = json.loads(file.text)
    return settings


def token_of(org: str) -> str:
    """Return an agent's token."""
    return issue_token(KEY, "mia", org, "agent", 600, time.time())


def test_every_event_of_claude_code_is_connected_unless_it_can_not_be() -> None:
    """A new known event must be assigned: connected, refused, or from another source."""
    assert set(CLAUDE_CODE_EVENTS) | REFUSED_BY_CLAUDE | OF_OTHERS | OF_TELEMETRY == KNOWN_EVENT_TYPES
    assert REFUSED_BY_CLAUDE.isdisjoint(CLAUDE_CODE_EVENTS)


def test_hooks_of_claude_code_send_the_token_of_its_environment() -> None:
    """Each event has one hook; its header names a variable that the hook may read and that the settings set."""
    settings = claude("hooks")

    assert settings["env"] == {"CREWKIT_TOKEN": DOORS.token}
    assert settings["hooks"].keys() == set(CLAUDE_CODE_EVENTS)
    for groups in settings["hooks"].values():
        assert groups == [
            {
                "matcher": "",
                "hooks": [
                    {
                        "type": "http",
                        "url": f"{ORG_URL}/hooks/claude-code",
                        "headers": {"Authorization": "Bearer $CREWKIT_TOKEN"},
                        "allowedEnvVars": ["CREWKIT_TOKEN"],
                        "timeout": 5,
                    }
                ],
            }
        ]


def test_telemetry_of_claude_code_is_set_by_its_environment() -> None:
    """The exporter appends `/v1/logs` and `/v1/metrics`. Its header has a space: Claude Code does not decode `%20`."""
    settings = claude("otlp")

    assert settings == {
        "env": {
            "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"{ORG_URL}/otlp",
            "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer {DOORS.token}",
        }
    }
    both = claude("hooks", "otlp")
    assert both["env"] == {**settings["env"], "CREWKIT_TOKEN": DOORS.token}
    assert both["hooks"] == claude("hooks")["hooks"]


def test_codex_sends_its_logs() -> None:
    """Codex takes the full address."""
    (file,) = codex(DOORS, ("otlp",))

    exporter = {
        "endpoint": f"{ORG_URL}/otlp/v1/logs",
        "protocol": "json",
        "headers": {"Authorization": f"Bearer {DOORS.token}"},
    }
    assert file.path == "~/.codex/config.toml"
    assert tomllib.loads(file.text) == {"otel": {"log_user_prompt": False, "exporter": {"otlp-http": exporter}}}


def test_gemini_gets_the_header_by_an_alias(tmp_path: Path) -> None:
    """A shell that reads the line passes the header only to `gemini`, with its arguments."""
    settings, profile = gemini_cli(DOORS, ("otlp",))
    program = tmp_path / "gemini"
    program.write_text('#!/bin/sh\necho "$OTEL_EXPORTER_OTLP_HEADERS|$*"\n')
    program.chmod(0o700)
    script = f'shopt -s expand_aliases\n{profile.text}\ngemini -p hello\necho "[$OTEL_EXPORTER_OTLP_HEADERS]"\n'

    printed = subprocess.run(
        ["/bin/bash", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": f"{tmp_path}:/bin:/usr/bin"},
    )

    assert (settings.path, profile.path) == ("~/.gemini/settings.json", "~/.bashrc")
    assert json.loads(settings.text)["telemetry"] == {
        "enabled": True,
        "target": "local",
        "otlpEndpoint": f"{ORG_URL}/otlp",
        "otlpProtocol": "http",
        "logPrompts": False,
    }
    assert printed.stdout == f"Authorization=Bearer {DOORS.token}|-p hello\n[]\n"


def test_the_page_shows_what_the_command_prints() -> None:
    """Every block of settings for agents without the hook client, with one event instead of all."""
    doors = Doors("http://127.0.0.1:8080", "acme", "TOKEN")
    of_agents = [block for block in blocks("docs/connect.md") if block.section == "With settings only"]
    shown = [block.text for block in of_agents if block.language not in ("sh", "")]

    hooks, telemetry = (json.loads(claude_code(doors, [way])[0].text) for way in ("hooks", "otlp"))
    hooks["hooks"] = {"UserPromptSubmit": hooks["hooks"]["UserPromptSubmit"]}
    gemini, alias = gemini_cli(doors, ("otlp",))
    assert [json.loads(text) for text in shown[:2]] == [hooks, telemetry]
    assert shown[2] == codex(doors, ("otlp",))[0].text
    assert shown[3:] == [gemini.text, alias.text]


def test_the_org_is_that_of_the_token(capsys: pytest.CaptureFixture[str]) -> None:
    """With an address, the token determines the rest; `--json` prints only the files."""
    token = token_of("acme")

    code, output, complaint = command_here(capsys, "connect", "--url", "http://h:1", "--token", token, "--json")

    printed = json.loads(output)
    assert (code, complaint) == (0, "")
    assert printed == {
        "client": "claude-code",
        "org": "acme",
        "files": [file._asdict() for file in claude_code(Doors("http://h:1", "acme", token), ("hooks", "otlp"))],
    }


def test_people_see_which_file_gets_what(capsys: pytest.CaptureFixture[str]) -> None:
    """Each file's name comes before its content."""
    token = token_of("acme")

    for client in AGENTS:
        code, output, _ = command_here(capsys, "connect", "--client", client, "--url", "http://h:1", "--token", token)
        settings, ways = AGENTS[client]
        files = settings(Doors("http://h:1", "acme", token), ways)
        assert code == 0
        assert output == "\n".join(f"For {file.path}:\n\n{file.text}" for file in files)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "give --org and --user"),
        (("--org", "acme"), "give --org and --user"),
        (("--org", "a\nb", "--user", "u"), "printable"),
        (("--url", "http://h:1"), "--url needs --token"),
        (("--url", "http://h:1", "--token", "x"), "not a token"),
        (("--url", "http://h:1", "--token", token_of("")), "names no org"),
        (("--client", "codex", "--way", "hooks", "--url", "http://h:1", "--token", "x"), "no hooks over HTTP"),
        (("--client", "emacs"), "emacs"),
    ],
)
def test_wrong_usage_says_what_to_give(
    arguments: tuple[str, ...], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed that could be mistaken for settings."""
    code, output, complaint = command_here(capsys, "connect", "--data", str(tmp_path), *arguments)

    assert (code, output) == (2, "")
    assert why in complaint


def test_a_folder_of_an_installation_that_never_ran_is_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has no address yet."""
    arguments = ("--data", str(tmp_path), "--org", "acme", "--user", "mia")

    code, output, complaint = command_here(capsys, "connect", *arguments)

    assert (code, output) == (69, "")
    assert "nothing was ever started" in complaint


def test_an_installation_with_its_issuer_makes_no_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One of our tokens would open nothing there."""
    (tmp_path / "settings.toml").write_text('jwks_file = "keys.json"\n')

    code, output, complaint = command_here(capsys, "connect", "--data", str(tmp_path), "--org", "acme", "--user", "mia")

    assert (code, output) == (2, "")
    assert "your issuer makes the tokens" in complaint
