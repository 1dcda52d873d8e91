"""An unmodified Claude Code that is connected only by settings: http hooks, and telemetry as `connect` prints it."""

import json
from typing import Any

import pytest

from tests.support.fakes.messages_api import messages_api, text, tool_use
from tests.support.fakes.model_api import Ledger
from tests.support.rigs.agent_home import AgentHome, used

EVENTS = (
    *("UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "PostToolBatch", "PermissionRequest"),
    *("Stop", "SessionEnd"),
)
TURNS = (
    [text("I try."), tool_use("Bash", "toolu_denied", command="rm -rf ./yard", description="Clear")],
    [tool_use("Read", "toolu_read", file_path="stone.py"), tool_use("Edit", "toolu_refused", file_path="stone.py")],
    [text("It turns.")],
)


def work(home: AgentHome, settings: dict[str, Any], **environment: str) -> tuple[dict[str, Any], Ledger]:
    """Run it once; return its result, and the model's answers."""
    (home.folder / ".claude").mkdir()
    (home.folder / ".claude" / "settings.json").write_text(json.dumps(settings))
    (home.work / "stone.py").write_text("turn = True\n")
    with messages_api(*TURNS) as (model, api):
        variables = {"ANTHROPIC_BASE_URL": model, "ANTHROPIC_API_KEY": "dummy", "DISABLE_AUTOUPDATER": "1"}
        ended = home.run("claude", "-p", "Turn the stone", "--output-format", "json", **variables, **environment)
        assert ended.returncode == 0, ended.stderr
        assert "hook" not in ended.stderr.lower(), ended.stderr
        return json.loads(ended.stdout), api


def test_http_hooks_become_a_session(home: AgentHome) -> None:
    """Every event that it sends is stored, the session is found by the client's id, and it has ended."""
    header = {"headers": {"Authorization": "Bearer $TOKEN"}, "allowedEnvVars": ["TOKEN"]}
    hook = {"type": "http", "url": f"{home.url}/hooks/claude-code", **header}
    settings = {"hooks": {event: [{"matcher": "", "hooks": [hook]}] for event in EVENTS}}

    result, _ = work(home, settings, TOKEN=home.token)

    events = home.events(home.session("claude-code", result["session_id"], status="ended"))
    sent = {*EVENTS} - {"PostToolUseFailure"}
    assert {event["event_type"] for event in events} == sent
    calls = [call for event in events for call in event["data"].get("tool_calls", [])]
    answers = {call["tool_use_id"]: call["tool_response"] for call in calls}
    assert answers.keys() == {"toolu_denied", "toolu_read", "toolu_refused"}
    assert answers["toolu_refused"].startswith("<tool_use_error>")


def test_the_printed_settings_count_what_the_model_answered(home: AgentHome) -> None:
    """Tokens equal the answers, to the last one, and the cost is the client's, to the nano-dollar."""
    result, api = work(home, home.printed_settings())

    session = home.session("claude-code", result["session_id"], status="ended")

    assert session["work"]["api_requests"] == len(api.answers)
    assert used(session["usage"]["measured"]) == api.total()
    assert session["model_metrics"]["cost_usd"] == pytest.approx(result["total_cost_usd"], abs=1e-9)
    assert (session["counts"]["prompts"], session["counts"]["tool_calls"]) == (1, 3)
    assert (session["client"], session["client_version"], session["summary"]) == ("claude-code", "2.1.332", "It turns.")
