"""An unmodified Claude Code sends its hooks to the door by its settings alone, against a model on loopback.

It runs where ``CLAUDE_CODE_PROGRAM`` names the program, such as ``node_modules/.bin/claude`` after
``npm install @anthropic-ai/claude-code@2.1.332``.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.fakes.messages_api import messages_api, text, tool_use
from tests.support.rigs.installation import Installation
from tests.support.waiting import eventually

PROGRAM = os.environ.get("CLAUDE_CODE_PROGRAM", "")
VERSION = "2.1.332"
EVENTS = (
    *("UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "PostToolBatch", "PermissionRequest"),
    *("Stop", "SessionEnd"),
)
TURNS = (
    [text("I try."), tool_use("Bash", "toolu_denied", command="rm -rf ./yard", description="Clear")],
    [tool_use("Read", "toolu_read", file_path="stone.py"), tool_use("Edit", "toolu_refused", file_path="stone.py")],
    [text("It turns.")],
)

pytestmark = pytest.mark.skipif(not PROGRAM, reason="CLAUDE_CODE_PROGRAM names no program: it is not ours to install")


def with_hooks(url: str) -> dict[str, Any]:
    """Return settings that send some hooks to an address."""
    hook = {"type": "http", "url": url, "headers": {"Authorization": "Bearer $TOKEN"}, "allowedEnvVars": ["TOKEN"]}
    return {"hooks": {event: [{"matcher": "", "hooks": [hook]}] for event in EVENTS}}


def run_claude(folder: Path, settings: dict[str, Any], token: str = "") -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Let it work on a folder once; return its result, and the requests that the model got."""
    work, config = folder / "work", folder / "config"
    for made in (work, config):
        made.mkdir()
    (work / "stone.py").write_text("turn = True\n")
    (config / "settings.json").write_text(json.dumps(settings))
    with messages_api(*TURNS) as (model, api):
        environment = {
            **os.environ,
            "ANTHROPIC_BASE_URL": model,
            "ANTHROPIC_API_KEY": "dummy",
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CONFIG_DIR": str(config),
            "HOME": str(folder),
            "TOKEN": token,
        }
        command = [PROGRAM, "-p", "Turn the stone", "--output-format", "json"]
        ended = subprocess.run(
            command, cwd=work, env=environment, capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL
        )
    assert ended.returncode == 0, ended.stderr
    assert "hook" not in ended.stderr.lower(), ended.stderr
    return json.loads(ended.stdout), api.requests


def test_its_hooks_become_a_session(tmp_path: Path, installation: Installation, fresh_org: str) -> None:
    """Every event that it sends is stored, the session is found by the client's id, and it has ended."""
    token = installation.command("token", "--org", fresh_org, "--user", "mia", "--role", "agent").stdout.strip()
    result, _ = run_claude(tmp_path, with_hooks(f"{installation.url}/api/v1/{fresh_org}/hooks/claude-code"), token)

    with installation.client("member", fresh_org, "mia") as mia:
        path = f"/api/v1/{fresh_org}/sessions"
        asked = {"external_id": f"claude-code:{result['session_id']}", "status": "ended"}
        eventually(lambda: bool(mia.get(path, params=asked).json()["data"]))
        (session,) = mia.get(path, params=asked).json()["data"]
        events = mia.get(f"{path}/{session['id']}/events", params={"per_page": 1_000}).json()["data"]

    kinds = [event["event_type"] for event in events]
    assert sorted(set(kinds)) == sorted(
        {"UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolBatch", "PermissionRequest", "Stop", "SessionEnd"}
    )
    calls = [call for event in events for call in event["data"].get("tool_calls", [])]
    answers = {call["tool_use_id"]: call["tool_response"] for call in calls}
    assert answers.keys() == {"toolu_denied", "toolu_read", "toolu_refused"}
    assert answers["toolu_refused"].startswith("<tool_use_error>")


def test_the_printed_settings_count_what_the_model_answered(
    tmp_path: Path, installation: Installation, fresh_org: str
) -> None:
    """Tokens are those of the answers, to the last one, and the cost is what the client says, to the nano-dollar."""
    printed = installation.command("connect", "--org", fresh_org, "--user", "mia", "--json")
    (file,) = json.loads(printed.stdout)["files"]
    result, requests = run_claude(tmp_path, json.loads(file["text"]))

    with installation.client("member", fresh_org, "mia") as mia:
        path = f"/api/v1/{fresh_org}/sessions"

        def whole() -> dict[str, Any] | None:
            asked = {"external_id": f"claude-code:{result['session_id']}", "status": "ended"}
            some = mia.get(path, params=asked).json()["data"]
            return some[0] if some and some[0]["work"]["api_requests"] == len(requests) else None

        session = eventually(whole)

    used = session["usage"]["measured"]
    assert (used["input_tokens"], used["output_tokens"]) == (10 * len(requests), 5 * len(requests))
    caches = ("cache_read_tokens", "cache_creation_tokens", "cache_creation_1h_tokens")
    assert [used[name] for name in caches] == [number * len(requests) for number in (1_000, 300, 200)]
    assert session["model_metrics"]["cost_usd"] == pytest.approx(result["total_cost_usd"], abs=1e-9)
    assert session["counts"]["prompts"] == 1
    assert session["counts"]["tool_calls"] == 3
    assert (session["client"], session["client_version"]) == ("claude-code", VERSION)
    assert session["summary"] == "It turns."
