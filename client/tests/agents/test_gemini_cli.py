"""An unmodified Gemini CLI, connected by `crewkit-hook connect`."""

import json

import pytest
from generate_content_api import call, generate_content_api, text

from tests.support.rigs.agent_home import AgentHome, used

MODEL = "gemini-2.5-pro"


@pytest.fixture
def gemini(home: AgentHome) -> AgentHome:
    """Connect Gemini CLI, whose settings file is not empty."""
    folder = home.folder / ".gemini"
    folder.mkdir()
    (folder / "settings.json").write_text('{"security": {"auth": {"selectedType": "gemini-api-key"}}}\n')
    home.connect("gemini-cli")
    return home


def test_its_sessions_are_counted(gemini: AgentHome) -> None:
    """Tokens equal the answers; a failed command counts; the report is marked as incomplete."""
    turns = (
        call("run_shell_command", command="echo hi", description="Say hi"),
        call("run_shell_command", command="exit 3", description="Fail"),
        text("Done."),
    )
    with generate_content_api(*turns) as (url, api):
        environment = {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": "dummy"}
        options = ("--skip-trust", "--yolo", "-m", MODEL, "-o", "json", "-p", "Say hi")
        ended = gemini.run("gemini", *options, **environment)
        assert ended.returncode == 0, ended.stderr
        session_id = json.loads(ended.stdout)["session_id"]

    session = gemini.session("gemini-cli", session_id, status="ended")

    total = api.total()
    assert used(session["model_metrics"]) == total._replace(cache_creation=0, cache_creation_1h=0)
    assert session["trigger"] == "headless"
    assert session["usage"]["incomplete"] is True
    counts = session["counts"]
    assert (counts["prompts"], counts["tool_calls"], counts["tool_errors"]) == (1, 2, 1)
    assert session["summary"] == "Done."
    types = {event["event_type"] for event in gemini.events(session)}
    assert types == {
        "SessionStart",
        "UserPromptSubmit",
        "PreToolUse",
        "PostToolUse",
        "PostToolUseFailure",
        "Stop",
        "SessionEnd",
    }
