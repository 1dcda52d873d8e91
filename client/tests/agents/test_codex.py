"""An unmodified Codex CLI, connected by `crewkit-hook connect`."""

import json
import subprocess
from pathlib import Path

import pytest
from responses_api import call, message, responses_api

from tests.support.fakes.model_api import Used
from tests.support.rigs.agent_home import AgentHome, counted, used

MODEL = "gpt-5.1-codex"
TRUSTED = "--dangerously-bypass-hook-trust"  # instead of a user who accepts the hooks under /hooks


@pytest.fixture
def codex(home: AgentHome) -> AgentHome:
    """Connect Codex in a repository."""
    (home.folder / ".codex").mkdir()
    home.connect("codex")
    for command in (("init", "-q", "-b", "feature"), ("remote", "add", "origin", "git@github.com:acme/stones.git")):
        subprocess.run(["git", *command], cwd=home.work, check=True)
    return home


def configure(home: AgentHome, url: str) -> None:
    provider = f'name = "fake"\nbase_url = "{url}"\nenv_key = "FAKE_KEY"\nwire_api = "responses"\n'
    text = (
        f'model = "{MODEL}"\nmodel_provider = "fake"\n[model_providers.fake]\n{provider}[analytics]\nenabled = false\n'
    )
    Path(home.folder, ".codex", "config.toml").write_text(text)


def ask(home: AgentHome, *arguments: str) -> str:
    """Run it once, and return the id of its thread."""
    ended = home.run("codex", "exec", *arguments, FAKE_KEY="dummy")
    assert ended.returncode == 0, ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    assert not [line for line in lines if "timeout" in str(line)], "a hook's settings are not as Codex wants them"
    return str(next(line["thread_id"] for line in lines if line["type"] == "thread.started"))


def read_of(total: Used) -> Used:
    """Return the part that this API can report: it has no cache writes."""
    return total._replace(cache_creation=0, cache_creation_1h=0)


def test_its_sessions_are_counted(codex: AgentHome) -> None:
    """Tokens equal the answers, also across a resume; a failed command counts; repository and branch are known."""
    turns = (
        call("exec_command", cmd="echo hi"),
        call("exec_command", cmd="exit 3"),
        message("Done."),
        message("More."),
    )
    with responses_api(*turns) as (url, api):
        configure(codex, url)
        options = ("--json", "--dangerously-bypass-approvals-and-sandbox", TRUSTED)
        thread = ask(codex, *options, "Say hi")
        ask(codex, *options, "resume", thread, "Go on")

    session = codex.session("codex", thread, status="ended")

    assert used(session["model_metrics"]) == read_of(api.total())
    assert [model["model"] for model in session["models"]] == [MODEL]
    assert (session["counts"]["prompts"], session["counts"]["tool_calls"]) == (2, 2)
    assert (session["repo"], session["branch"]) == ("acme/stones", "feature")
    said = (session["client_version"], session["summary"], session["trigger"])
    assert said == ("0.169.0", "More.", "headless")
    types = {event["event_type"] for event in codex.events(session)}
    assert types == {"SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SessionEnd"}


def test_an_import_says_what_hooks_said(codex: AgentHome, elsewhere: AgentHome) -> None:
    """It adds everything for sessions without hooks, and nothing else for others. Exit codes are only in the files."""
    with responses_api(call("exec_command", cmd="exit 3"), message("Done."), message("More.")) as (url, _):
        configure(codex, url)
        options = ("--json", "--dangerously-bypass-approvals-and-sandbox", TRUSTED)
        thread = ask(codex, *options, "Say hi")
        ask(codex, *options, "resume", thread, "Go on")
    hooked = codex.session("codex", thread, status="ended")
    elsewhere.connect("gemini-cli")
    folder = codex.folder / ".codex" / "sessions"

    (imported,) = elsewhere.imports(folder)
    (again,) = codex.imports(folder)

    assert counted(again) == counted(hooked)
    assert counted(imported) == {**counted(hooked), "tool_errors": 1}
    assert again["counts"] == hooked["counts"]
    assert imported["repo"] == "acme/stones"


def test_without_trust_nothing_is_sent(codex: AgentHome) -> None:
    """Codex skips hooks that no user has accepted, so `connect` says what to do."""
    assert "/hooks" in codex.connect("codex").stdout
    with responses_api(message("Done.")) as (url, _):
        configure(codex, url)
        ask(codex, "--json", "--skip-git-repo-check", "Say hi")

    codex.settled()
    assert codex.sessions() == []
