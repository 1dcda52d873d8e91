"""The settings with which an agent sends without the hook client, and the token that `connect` has made."""

import io
import json
import subprocess
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from crewkit_hook.agents.registry import AGENTS
from crewkit_hook.main import main
from crewkit_hook.settings import Settings

from edge.tokens import issue_token
from schemas.hooks import KNOWN_EVENT_TYPES
from tests.support.pages import blocks
from tests.support.rigs.command_here import command_here

KEY = b"a test key of at least 32 bytes, yes"
CHOSEN = Settings("https://sessions.example.com/", "a b", "a.b-c_d")
ORG_URL = "https://sessions.example.com/api/v1/a%20b"
CLAUDE_CODE = AGENTS["claude-code"].events
OVER_HTTP = set(CLAUDE_CODE) - {"SessionStart", "Setup"}  # Claude Code refuses http hooks for these
NOT_CONNECTED = {"WorktreeCreate", "MessageDisplay"}
OF_OTHERS = {"BeforeModel", "AfterModel", "BeforeToolSelection", "PreCompress"}
OF_TELEMETRY = {"ApiRequest", "ApiError", "Measurement", "PermissionModeChanged"}


def claude() -> dict[str, Any]:
    """Return Claude Code's settings as it reads them."""
    ((path, text),) = AGENTS["claude-code"].without_client(CHOSEN).items()
    assert path == "~/.claude/settings.json"
    settings: dict[str, Any] = json.loads(text)
    return settings


def token_of(org: str) -> str:
    """Return an agent's token."""
    return issue_token(KEY, "mia", org, "agent", 600, time.time())


def test_every_event_of_claude_code_is_connected_unless_it_can_not_be() -> None:
    """A new known event must be assigned: connected, refused, or from another source."""
    assert set(CLAUDE_CODE) | NOT_CONNECTED | OF_OTHERS | OF_TELEMETRY == KNOWN_EVENT_TYPES
    assert NOT_CONNECTED.isdisjoint(CLAUDE_CODE)


def test_claude_code_takes_the_token_from_its_environment() -> None:
    """Each event has one hook, whose header names a variable that it may read. The exporter appends `/v1/logs`.

    The exporter's header has a space: Claude Code does not decode `%20`.
    """
    settings = claude()

    assert settings["env"] == {
        "CREWKIT_TOKEN": CHOSEN.token,
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{ORG_URL}/otlp",
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer {CHOSEN.token}",
    }
    assert settings["hooks"].keys() == OVER_HTTP
    hook = {
        "type": "http",
        "url": f"{ORG_URL}/hooks/claude-code",
        "headers": {"Authorization": "Bearer $CREWKIT_TOKEN"},
        "allowedEnvVars": ["CREWKIT_TOKEN"],
        "timeout": 5,
    }
    assert all(groups == [{"matcher": "", "hooks": [hook]}] for groups in settings["hooks"].values())


def test_codex_sends_its_logs() -> None:
    """Codex takes the full address."""
    ((path, text),) = AGENTS["codex"].without_client(CHOSEN).items()

    exporter = {
        "endpoint": f"{ORG_URL}/otlp/v1/logs",
        "protocol": "json",
        "headers": {"Authorization": f"Bearer {CHOSEN.token}"},
    }
    assert path == "~/.codex/config.toml"
    assert tomllib.loads(text) == {"otel": {"log_user_prompt": False, "exporter": {"otlp-http": exporter}}}


def test_gemini_gets_the_header_by_an_alias(tmp_path: Path) -> None:
    """A shell that reads the line passes the header only to `gemini`, with its arguments."""
    files = AGENTS["gemini-cli"].without_client(CHOSEN)
    program = tmp_path / "gemini"
    program.write_text('#!/bin/sh\necho "$OTEL_EXPORTER_OTLP_HEADERS|$*"\n')
    program.chmod(0o700)
    script = f'shopt -s expand_aliases\n{files["~/.bashrc"]}\ngemini -p hello\necho "[$OTEL_EXPORTER_OTLP_HEADERS]"\n'

    printed = subprocess.run(
        ["/bin/bash", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": f"{tmp_path}:/bin:/usr/bin"},
    )

    assert json.loads(files["~/.gemini/settings.json"])["telemetry"] == {
        "enabled": True,
        "target": "local",
        "otlpEndpoint": f"{ORG_URL}/otlp",
        "otlpProtocol": "http",
        "logPrompts": False,
    }
    assert printed.stdout == f"Authorization=Bearer {CHOSEN.token}|-p hello\n[]\n"


def test_the_page_shows_what_the_command_prints() -> None:
    """Every block of settings for agents without the hook client, with one event instead of all."""
    of_agents = [block for block in blocks("docs/connect.md") if block.section == "With settings only"]
    shown = [block.text for block in of_agents if block.language not in ("sh", "")]
    chosen = Settings("http://127.0.0.1:8080", "acme", "TOKEN")

    (claude,) = (json.loads(text) for text in AGENTS["claude-code"].without_client(chosen).values())
    claude["hooks"] = {"UserPromptSubmit": claude["hooks"]["UserPromptSubmit"]}
    others = [*AGENTS["codex"].without_client(chosen).values(), *AGENTS["gemini-cli"].without_client(chosen).values()]
    assert json.loads(shown[0]) == claude
    assert shown[1:] == others


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home folder, without a terminal and without a token."""
    for variable in ("CREWKIT_TOKEN", "CREWKIT_HOOK_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def serve_in(folder: Path) -> None:
    """Write the address of an installation into its data folder."""
    (folder / "run").mkdir()
    (folder / "run" / "address.json").write_text('{"url": "http://h:1"}')


def connect(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run `crewkit-hook connect` in this process; return its exit code and output."""
    try:
        code = main(["connect", *arguments])
    except SystemExit as ended:
        code = int(ended.code or 0)
    return (code, *capsys.readouterr())


@pytest.mark.parametrize("name", sorted(AGENTS))
def test_people_see_which_file_gets_what(name: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each file's name comes before its content; the org is the token's; nothing is written."""
    token = token_of("acme")
    (home / "token").write_text(token)

    options = ("--client", name, "--url", "http://h:1", "--token-file", "token")
    code, output, complaint = connect(capsys, "--print", *options)

    files = AGENTS[name].without_client(Settings("http://h:1", "acme", token))
    assert (code, complaint) == (0, "")
    assert output == "\n".join(f"For {path}:\n\n{text}" for path, text in files.items())
    assert [file.name for file in home.iterdir()] == ["token"]


WRONG: dict[str, tuple[tuple[str, ...], int, str]] = {
    "an org alone": (("--org", "acme"), 2, "give --org and --user"),
    "a folder alone": (("--data", "var/up"), 2, "give --org and --user"),
    "a token for another address": (("--url", "http://h:1", "--org", "acme", "--user", "mia"), 2, "or --url"),
    "no token": (("--url", "http://h:1"), 1, "--token-file or CREWKIT_TOKEN"),
    "no address": ((), 1, "give --url"),
    "no web address": (("--url", "h:1", "--token-file", "token"), 1, "must begin with http"),
    "an unknown agent": (("--client", "emacs"), 2, "emacs"),
    "a folder without an installation": (("--org", "acme", "--user", "mia"), 1, "nothing was ever started in var/up"),
    "a file that is missing": (("--url", "http://h:1", "--token-file", "nowhere"), 1, "nowhere can't be read"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage_says_what_to_give(case: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed that could be mistaken for settings."""
    arguments, expected, why = WRONG[case]
    (home / "token").write_text(token_of("acme"))

    code, output, complaint = connect(capsys, "--print", "--client", "claude-code", *arguments)

    assert (code, output) == (expected, "")
    assert why in complaint


@pytest.mark.parametrize(
    ("settings", "org", "why"),
    [('jwks_file = "keys.json"\n', "acme", "your issuer makes the tokens"), ("", "a\nb", "1 to 200 printable")],
)
def test_what_refuses_a_token_is_passed_on(
    settings: str, org: str, why: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An installation with its own issuer makes no tokens, and some names are not valid."""
    (home / "settings.toml").write_text(settings)
    serve_in(home)

    code, output, complaint = connect(capsys, "--print", "--data", str(home), "--org", org, "--user", "mia")

    assert (code, output) == (1, "")
    assert "`crewkit-sessions token` made no token" in complaint
    assert why in complaint


def test_without_the_command_it_says_what_to_type(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The installation may be on another machine."""
    monkeypatch.setattr("sys.executable", str(home / "python"))
    monkeypatch.setenv("PATH", str(home))
    serve_in(home)

    code, _, complaint = connect(capsys, "--data", str(home), "--org", "acme", "--user", "Mia O.")

    assert code == 1
    assert "`crewkit-sessions token --org acme --user 'Mia O.' --role agent --ttl 365d`" in complaint


def test_the_former_command_names_this_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever options it was given."""
    code, output, complaint = command_here(capsys, "connect", "--client", "codex", "--url", "http://h:1", "x")

    assert (code, output) == (2, "")
    assert "`crewkit-hook connect`" in complaint
    assert "`crewkit-hook connect --print`" in complaint
