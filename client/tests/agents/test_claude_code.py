"""An unmodified Claude Code, connected by `crewkit-hook connect`: its sessions are counted to the last token."""

import json
import os
import signal
import subprocess
import time
from typing import Any

import pytest

from tests.support.fakes.messages_api import messages_api, text, tool_use
from tests.support.fakes.model_api import Used
from tests.support.rigs.agent_home import PROGRAMS, AgentHome, counted, used
from tests.support.rigs.terminal import Terminal
from tests.support.waiting import eventually

Run = dict[str, Any]


@pytest.fixture
def claude(home: AgentHome) -> AgentHome:
    """Connect Claude Code."""
    (home.folder / ".claude").mkdir()
    home.connect("claude-code")
    return home


def environment(model: str) -> dict[str, str]:
    return {"ANTHROPIC_BASE_URL": model, "ANTHROPIC_API_KEY": "dummy", "DISABLE_AUTOUPDATER": "1"}


def ask(home: AgentHome, model: str, *arguments: str) -> Run:
    """Run it once, and return its result."""
    ended = home.run("claude", "-p", *arguments, "--output-format", "json", **environment(model))
    assert ended.returncode == 0, ended.stderr
    assert "hook" not in ended.stderr.lower(), ended.stderr
    result: Run = json.loads(ended.stdout)
    return result


def less(total: Used, part: Used) -> Used:
    return Used(*(one - other for one, other in zip(total, part, strict=True)))


def test_tools_failures_and_denials(claude: AgentHome) -> None:
    """Counts equal the turns; tokens and cost equal the answers."""
    (claude.work / "stone.py").write_text("turn = True\n")
    turns = (
        [text("I try."), tool_use("Bash", "toolu_denied", command="rm -rf ./yard", description="Clear")],
        [tool_use("Read", "toolu_read", file_path="stone.py"), tool_use("Read", "toolu_failed", file_path="none.py")],
        [tool_use("Edit", "toolu_refused", file_path="stone.py")],
        [text("It turns.")],
    )
    with messages_api(*turns) as (model, api):
        result = ask(claude, model, "Turn the stone")

    session = claude.session("claude-code", result["session_id"], status="ended")

    assert used(session["model_metrics"]) == api.total()
    assert session["model_metrics"]["cost_usd"] == pytest.approx(result["total_cost_usd"], abs=5e-10)
    counts = session["counts"]
    assert (counts["prompts"], counts["tool_calls"], counts["tool_errors"]) == (1, 4, 2)
    assert (session["trigger"], session["client_version"], session["summary"]) == ("headless", "2.1.332", "It turns.")
    assert "incomplete" not in session["usage"]
    statuses = {event["event_type"] for event in claude.events(session)}
    assert {"SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolBatch", "Stop"} <= statuses


def test_a_session_that_is_taken_up_again_and_forked(claude: AgentHome) -> None:
    """A resume adds to its session. A fork is a separate session, and does not count its parent's usage again."""
    with messages_api() as (model, api):
        first = ask(claude, model, "Begin")
        ask(claude, model, "Go on", "--resume", first["session_id"])
        of_parent = api.total()
        fork = ask(claude, model, "Another way", "--resume", first["session_id"], "--fork-session")

    parent = claude.session("claude-code", first["session_id"], status="ended")
    forked = claude.session("claude-code", fork["session_id"], status="ended")

    assert (used(parent["model_metrics"]), used(forked["model_metrics"])) == (of_parent, less(api.total(), of_parent))
    assert (parent["counts"]["prompts"], forked["counts"]["prompts"]) == (2, 1)
    assert (forked["relation"], forked["parent_id"]) == ("fork", parent["id"])
    total = parent["model_metrics"]["cost_usd"] + forked["model_metrics"]["cost_usd"]
    assert total == pytest.approx(fork["total_cost_usd"], abs=1e-9)


def test_a_subagent_in_the_background(claude: AgentHome) -> None:
    """Its tokens count for the session, its tools are its own, and the message about its end is not a prompt."""
    agent = tool_use("Agent", "toolu_agent", description="Look", prompt="Look around", subagent_type="general-purpose")
    bash = tool_use("Bash", "toolu_inside", command="echo hi", description="Say hi")
    with messages_api([agent], [bash], [text("Seen.")], [text("All done.")]) as (model, api):
        result = ask(claude, model, "Let others look", "--allowedTools", "Bash")

    session = claude.session("claude-code", result["session_id"], status="ended")

    assert used(session["model_metrics"]) == api.total()
    assert session["model_metrics"]["cost_usd"] == pytest.approx(result["total_cost_usd"], abs=5e-10)
    assert [session["counts"][name] for name in ("prompts", "subagents", "tool_calls")] == [1, 1, 2]


def test_telemetry_beside_hooks_counts_nothing_twice(claude: AgentHome) -> None:
    """Both report the same usage."""
    file = claude.folder / ".claude" / "settings.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "env": claude.printed_settings()["env"]}))
    turns = ([tool_use("Bash", "toolu_hi", command="echo hi", description="Say hi")], [text("Done.")])
    with messages_api(*turns) as (model, api):
        result = ask(claude, model, "Say hi", "--allowedTools", "Bash")

    session = claude.session("claude-code", result["session_id"], status="ended")

    assert session["work"]["api_requests"] == len(api.answers)
    assert used(session["model_metrics"]) == api.total() == used(session["usage"]["measured"])
    assert session["model_metrics"]["cost_usd"] == pytest.approx(result["total_cost_usd"], abs=5e-10)
    assert [session["counts"][name] for name in ("prompts", "tool_calls")] == [1, 1]
    assert "incomplete" not in session["usage"]


def test_an_import_says_what_hooks_said(claude: AgentHome, elsewhere: AgentHome) -> None:
    """It adds everything for sessions without hooks, and nothing for sessions with hooks."""
    agent = tool_use("Agent", "toolu_agent", description="Look", prompt="Look around", subagent_type="general-purpose")
    bash = tool_use("Bash", "toolu_inside", command="exit 3", description="Fail")
    denied = tool_use("Bash", "toolu_denied", command="rm -rf ./yard", description="Clear")
    with messages_api([agent], [bash], [text("Seen.")], [text("All done.")]) as (model, _):
        first = ask(claude, model, "Let others look", "--allowedTools", "Bash(exit:*)")
    with messages_api([denied], [text("Not allowed.")]) as (model, _):
        ask(claude, model, "Now clear", "--resume", first["session_id"])
        ask(claude, model, "Another way", "--resume", first["session_id"], "--fork-session")
    claude.settled()
    hooked = eventually(lambda: ended(claude, 2))
    elsewhere.connect("codex")
    folder = claude.folder / ".claude" / "projects"

    imported = elsewhere.imports(folder)
    again = claude.imports(folder)

    assert [counted(session) for session in imported] == [counted(session) for session in hooked]
    assert [session["counts"] for session in again] == [session["counts"] for session in hooked]
    assert [counted(session) for session in again] == [counted(session) for session in hooked]


def ended(home: AgentHome, number: int) -> list[dict[str, Any]]:
    """Return the sessions, once this many have ended."""
    found = home.sessions()
    return found if sum(session["status"] == "ended" for session in found) == number else []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_session_that_is_stopped(claude: AgentHome, number: signal.Signals) -> None:
    """After SIGTERM its totals are exact. After SIGKILL they are those of its messages, and marked as incomplete."""
    turns = (
        [text("First."), tool_use("Bash", "toolu_short", command="echo hi", description="Say hi")],
        [tool_use("Bash", "toolu_long", command="timeout 30 tail -f /dev/null", description="Wait")],
    )
    with messages_api(*turns) as (model, api):
        command = [str(PROGRAMS / "claude"), "-p", "Wait", "--allowedTools", "Bash"]
        variables = {**claude.environment, **environment(model)}
        agent = subprocess.Popen(command, cwd=claude.work, env=variables, stdin=subprocess.DEVNULL)
        while len(api.answers) < len(turns):
            time.sleep(0.05)
        time.sleep(1)
        os.kill(agent.pid, number)
        agent.wait(timeout=30)
        session_id = claude.sessions_of_hooks()[0]

    session = claude.session("claude-code", session_id, status="ended")

    is_killed = number == signal.SIGKILL
    assert ("incomplete" in session["usage"]) is is_killed
    assert session["counts"]["tool_calls"] == 2
    if is_killed:
        assert all(0 < one <= other for one, other in zip(used(session["model_metrics"]), api.total(), strict=True))
    else:
        assert used(session["model_metrics"]) == api.total()


def test_a_person_clears_and_compacts(claude: AgentHome) -> None:
    """`/clear` begins a session whose parent is the previous one; compaction and titles are counted too."""
    settings = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": ["dummy"], "rejected": []},
        "projects": {str(claude.work): {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}},
    }
    (claude.folder / ".claude.json").write_text(json.dumps(settings))
    bash = tool_use("Bash", "toolu_asked", command="echo hi", description="Say hi")
    turns = ([text("Good morning.")], [bash], [text("It said so.")], [text("A new day.")])
    with messages_api(*turns) as (model, api):
        variables = {**claude.environment, **environment(model)}
        screen = Terminal([str(PROGRAMS / "claude"), "--allowedTools", "Bash"], claude.work, variables)
        screen.shows("shift+tab to cycle")
        screen.type("Hello")
        screen.shows("Good morning.")
        time.sleep(2)
        screen.type("Say hi")
        screen.shows("It said so.")
        time.sleep(2)
        screen.type("/clear")
        time.sleep(3)
        screen.type("And now?")
        screen.shows("A new day.")
        time.sleep(2)
        screen.type("/compact")
        time.sleep(6)
        screen.type("/exit")
        screen.wait()

    claude.settled()
    sessions = [session for session in claude.sessions() if session["counts"]["prompts"]]
    before, after = sessions

    assert Used(*map(sum, zip(used(before["model_metrics"]), used(after["model_metrics"]), strict=True))) == api.total()
    assert [session["counts"]["prompts"] for session in sessions] == [2, 1]
    assert [session["counts"]["compactions"] for session in sessions] == [0, 1]
    assert (after["relation"], after["parent_id"]) == ("clear", before["id"])
    assert {session["trigger"] for session in sessions} == {"interactive"}
    assert all("incomplete" not in session["usage"] for session in sessions)
