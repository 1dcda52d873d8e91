"""The hook client's commands against an installation: connect, status, flush, import, disconnect."""

import json
import os
import re
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import jwt
import pytest
from crewkit_hook import spool

from prices.price_file import PRICED_TOKENS
from prices.price_list import list_prices
from schemas.log.records import ModelUsage
from tests.support import CHECKOUT
from tests.support.clients.sending import wait_for_all
from tests.support.clients.transcript_folder import MODELS, Pace, Transcript, Writer
from tests.support.oracles.transcript_totals import Counted, costs_in_folder, count_folder, spent_in_folder
from tests.support.rigs.agent_home import COMMAND, USER, AgentHome
from tests.support.rigs.installation import Installation
from tests.support.rigs.terminal import Terminal
from tests.support.waiting import eventually

HOOKED = 30
BEFORE = '{\n    "model": "opus",\n    "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "./mine.sh"}]}]}}'


@pytest.fixture
def home(tmp_path: Path, installation: Installation, fresh_org: str) -> Iterator[AgentHome]:
    """Return an empty home folder with a settings file of Claude Code."""
    made = AgentHome(tmp_path / "home", installation, fresh_org)
    (made.folder / ".claude").mkdir()
    (made.folder / ".claude" / "settings.json").write_text(BEFORE)
    yield made
    made.end()


def test_it_is_connected_and_disconnected_by_a_command_each(home: AgentHome) -> None:
    """Connecting twice is the same as once; the test event is read back; at the end the file is as before."""
    file = home.folder / ".claude" / "settings.json"
    home.connect("claude-code")
    connected = file.read_text()
    said = home.connect("claude-code").stdout

    assert file.read_text() == connected
    assert "a test event was recorded at" in said
    (test,) = home.all_sessions()
    assert (test["title"], test["status"], test["outcome"]) == ("Connection test", "ended", "success")
    own = home.folder / ".crewkit-hook"
    assert (own.stat().st_mode & 0o777, (own / "token").stat().st_mode & 0o777) == (0o700, 0o600)
    assert home.token not in connected + (own / "settings.json").read_text()
    assert json.loads(connected)["hooks"]["Stop"][0]["hooks"][0]["command"] == "./mine.sh"
    assert home.status()["connected"] == ["claude-code"]

    assert home.command("disconnect").returncode == 0
    assert file.read_text() == BEFORE
    assert home.status()["connected"] == []


def test_it_asks_for_address_and_token(home: AgentHome) -> None:
    """In a terminal, without options. The token is not echoed."""
    screen = Terminal([str(COMMAND), "connect", "--client", "claude-code"], home.work, home.environment)
    screen.shows("Address of the installation")
    screen.type(home.address[1])
    screen.shows("Token")
    screen.type(home.token)
    screen.shows("Connected.")
    shown = screen.screen
    screen.wait()

    assert home.token not in shown
    assert home.status()["connected"] == ["claude-code"]


def test_an_installation_on_this_machine_makes_the_token(home: AgentHome) -> None:
    """It is for the agents of this user and org only, it can't read, and it is valid for a year."""
    connected = home.command("connect", "--client", "claude-code", *home.local)
    assert connected.returncode == 0, connected.stderr

    token = (home.folder / ".crewkit-hook" / "token").read_text().strip()
    read = httpx.get(f"{home.url}/sessions", headers={"Authorization": f"Bearer {token}"})
    claims = jwt.decode(token, options={"verify_signature": False})
    assert read.status_code == 403
    assert (claims["role"], claims["sub"], claims["org_id"]) == ("agent", USER, home.org)
    assert 364 * 86_400 < claims["exp"] - time.time() <= 365 * 86_400
    assert token not in connected.stdout + connected.stderr
    home.hook({"session_id": "one", "hook_event_name": "UserPromptSubmit", "prompt": "Are you there?"})
    assert home.session("claude-code", "one")["counts"]["prompts"] == 1


def test_what_up_prints_connects_agents(home: AgentHome, installation: Installation) -> None:
    """The line works as printed, in any folder."""
    out = installation.data / "up.out"
    eventually(lambda: "Stop it with Ctrl-C." in out.read_text())
    (*_, line) = re.findall(r"^Connect your coding agents: (.+)$", out.read_text(), re.MULTILINE)
    environment = {**home.environment, "PATH": f"{COMMAND.parent}:{home.environment['PATH']}"}

    connected = subprocess.run(
        ["/bin/sh", "-c", line], env=environment, cwd=home.work, capture_output=True, text=True, check=False
    )

    assert connected.returncode == 0, connected.stderr
    assert "claude-code" in home.status()["connected"]


def test_the_hooks_outlive_the_checkout(home: AgentHome) -> None:
    """From a checkout, they run a copy in the client's folder, by a Python that is not the checkout's."""
    home.connect("claude-code")

    settings = (home.folder / ".claude" / "settings.json").read_text()
    assert str(CHECKOUT) not in settings
    assert str(home.folder / ".crewkit-hook" / "program-") in settings
    assert home.status()["outdated"] == []


def test_what_is_printed_connects_an_agent(home: AgentHome) -> None:
    """A hook sent with these settings becomes a session of the user."""
    settings = home.printed_settings()
    hook = settings["hooks"]["UserPromptSubmit"][0]["hooks"][0]
    token = settings["env"]["CREWKIT_TOKEN"]
    headers = {"Authorization": hook["headers"]["Authorization"].replace("$CREWKIT_TOKEN", token)}
    payload = {"hook_event_name": "UserPromptSubmit", "session_id": "s-1", "prompt": "hello"}

    sent = httpx.post(hook["url"], json=payload, headers=headers)

    assert (sent.status_code, sent.content) == (204, b"")
    assert not (home.folder / ".crewkit-hook").exists()
    eventually(lambda: [session["external_id"] for session in home.sessions()] == ["claude-code:s-1"])


def test_hooks_may_come_from_managed_settings(home: AgentHome) -> None:
    """The hooks' text is printed; each user is connected without hooks."""
    printed = home.command("connect", "--managed")
    assert json.loads(printed.stdout)["hooks"].keys() >= {"SessionStart", "Stop", "SessionEnd"}
    assert not (home.folder / ".crewkit-hook").exists()

    assert home.command("connect", "--no-hooks", *home.address).returncode == 0

    assert (home.folder / ".claude" / "settings.json").read_text() == BEFORE
    assert home.status()["installation"] == home.address[1]


def test_a_settings_file_that_is_broken_is_left_alone(home: AgentHome) -> None:
    """Nothing is written for any agent; the message names the file."""
    (home.folder / ".gemini").mkdir()
    broken = home.folder / ".gemini" / "settings.json"
    broken.write_text('{"hooks": [')

    failed = home.command("connect", *home.address)

    assert failed.returncode == 1
    assert f"{broken} is not valid JSON" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert (home.folder / ".claude" / "settings.json").read_text() == BEFORE
    assert broken.read_text() == '{"hooks": ['


@pytest.mark.parametrize("wrong", ["nobody listens", "no token", "forged", "another server"])
def test_what_does_not_answer_as_it_should_is_said(home: AgentHome, installation: Installation, wrong: str) -> None:
    """A sentence says what to do; no file is changed."""
    token = {"no token": "hello", "forged": home.token[:-4] + "AAAA"}.get(wrong, home.token)
    (home.folder / "token").write_text(token)
    url = {"nobody listens": f"http://127.0.0.1:{free_port()}", "another server": f"{installation.url}/elsewhere"}
    options = ("--client", "claude-code", "--url", url.get(wrong, installation.url))

    failed = home.command("connect", *options, "--token-file", str(home.folder / "token"))

    assert failed.returncode == 1, failed.stdout
    assert failed.stderr.startswith("Error: ")
    assert "Traceback" not in failed.stderr
    assert token not in failed.stderr + failed.stdout
    assert (home.folder / ".claude" / "settings.json").read_text() == BEFORE
    assert not (home.folder / ".crewkit-hook" / "settings.json").exists()


def test_what_waits_for_one_installation_goes_to_no_other(home: AgentHome) -> None:
    """To connect to another installation, the waiting events must be sent first."""
    home.connect("claude-code")
    file = home.folder / ".crewkit-hook" / "settings.json"
    lock = spool.lock_sender(str(file.parent))
    assert lock is not None
    home.hook({"session_id": "one", "hook_event_name": "UserPromptSubmit", "prompt": "For whom?"})
    right = file.read_text()
    file.write_text(right.replace(home.org, "another-org"))

    failed = home.command("connect", "--client", "claude-code", *home.address)

    assert (failed.returncode, "run `crewkit-hook flush` first" in failed.stderr) == (1, True)
    file.write_text(right)
    os.close(lock)
    assert home.command("flush").returncode == 0
    eventually(lambda: home.status()["sender"])  # `flush` starts one, which has to be ended


def test_to_connect_elsewhere_loses_nothing_that_comes_meanwhile(home: AgentHome, installation: Installation) -> None:
    """The running sender is ended before the former org's data is forgotten; on failure everything stays."""
    home.connect("claude-code")
    home.hook({"session_id": "one", "hook_event_name": "UserPromptSubmit", "prompt": "For the first"})
    home.settled()
    state = home.folder / ".crewkit-hook" / "state.db"
    wrong = home.folder / "other-token"
    wrong.write_text(home.token[:-4] + "AAAA")
    other = AgentHome(home.folder / "other", installation, f"{home.org}-other")
    wrong_address = ("--url", f"{installation.url}/elsewhere", "--token-file", str(wrong))
    assert home.command("connect", "--client", "claude-code", *wrong_address).returncode == 1
    assert state.exists()

    assert home.command("connect", "--client", "claude-code", *other.address).returncode == 0
    home.hook({"session_id": "two", "hook_event_name": "UserPromptSubmit", "prompt": "For the other"})
    home.settled()

    assert other.session("claude-code", "two")["counts"]["prompts"] == 1
    assert [session["external_id"] for session in home.sessions()] == ["claude-code:one"]


def test_flush_takes_over_from_a_sender_that_waits(home: AgentHome) -> None:
    """For example from one whose server was unreachable; afterwards a sender serves the agents again."""
    home.connect("claude-code")
    file = home.folder / ".crewkit-hook" / "settings.json"
    right = file.read_text()
    file.write_text(right.replace(home.address[1], f"http://127.0.0.1:{free_port()}"))
    home.hook({"session_id": "one", "hook_event_name": "UserPromptSubmit", "prompt": "Are you there?"})
    eventually(lambda: home.status()["last_error"])
    before = home.status()
    file.write_text(right)

    assert home.command("flush").stdout == "Everything was sent.\n"

    assert (before["waiting"], home.status()["waiting"]) == (1, 0)
    eventually(lambda: home.status()["sender"] not in (0, before["sender"]))


def test_flush_sends_what_waits(home: AgentHome) -> None:
    """The command says what it sent, and `status` counts it."""
    home.connect("claude-code")
    own = str(home.folder / ".crewkit-hook")
    lock = spool.lock_sender(own)
    assert lock is not None
    for n in range(3):
        payload = {"session_id": "one", "hook_event_name": "UserPromptSubmit", "prompt": f"Question {n}"}
        assert spool.put(own, time.time_ns() // 1_000_000, {"client": "claude-code"}, json.dumps(payload).encode())
    assert (home.status()["waiting"], home.status()["sender"]) == (3, os.getpid())
    os.close(lock)

    flushed = home.command("flush")

    assert (flushed.returncode, flushed.stdout) == (0, "Everything was sent.\n")
    assert (home.status()["waiting"], home.status()["sent"]) == (0, 3)
    assert home.session("claude-code", "one")["counts"]["prompts"] == 3


@pytest.mark.timeout(600)
@pytest.mark.parametrize("transcripts", [120, pytest.param(500, marks=pytest.mark.part("volume", instead=True))])
def test_an_import_counts_each_session_once(home: AgentHome, transcripts: int) -> None:
    """The counts equal an independent reader's, even if hooks reported it all or partly, and if imported twice."""
    home.connect("claude-code")
    folder = home.folder / ".claude" / "projects" / "-home-alice-shop"
    writer = Writer(folder, 7)
    writer.write(transcripts)
    for file in folder.rglob("*.jsonl"):
        os.utime(file, (time.time() - 86_400,) * 2)
    for number, transcript in enumerate(writer.written[:HOOKED]):
        hook(home, transcript, len(transcript.hooks) * (number % 3) // 3)
    assert home.command("flush").returncode == 0

    once, twice = by_own_id(home.imports()), by_own_id(home.imports())

    assert {name: counted(session) for name, session in once.items()} == count_folder(folder)
    assert twice == once


@pytest.mark.timeout(600)
def test_an_import_shows_past_days_as_they_were(home: AgentHome) -> None:
    """A month of sessions, by day and model: tokens and costs equal an independent reader's, in four time zones.

    Two of the zones change their clocks in it, and sessions go on over midnight or are resumed days later.
    """
    home.connect("claude-code")
    folder = home.folder / ".claude" / "projects" / "-home-alice-shop"
    start_ms = round(datetime(2026, 10, 5, tzinfo=UTC).timestamp() * 1000)
    writer = Writer(folder, 11, Pace(start_ms, every_ms=12_600_000, line_ms=900_000, run_ms=100_000_000))
    writer.write(200)
    for file in folder.rglob("*.jsonl"):
        os.utime(file, (time.time() - 86_400,) * 2)

    home.imports()
    with home.reader() as api:
        wait_for_all(api, home.org, "sessions/analytics/summary")

    assert len({one.at.date() for one in spent_in_folder(folder)}) > 30
    assert len(costs_in_folder(folder)) > 100
    for zone in ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"):
        assert by_day(home, zone) == by_day_expected(folder, ZoneInfo(zone))


def test_an_import_goes_on_past_what_is_refused(home: AgentHome) -> None:
    """A tool call with two invalid halves is reported and the rest arrives; a refused token stops the import."""
    home.connect("claude-code")
    folder = home.folder / ".claude" / "projects" / "-home-alice-shop"
    writer = Writer(folder, 3)
    writer.write(20)
    chosen = folder / f"{writer.written[4].session_id}.jsonl"
    text = chosen.read_text()
    assert text.count('"x": 1') > 0
    chosen.write_text(text.replace('"x": 1', '"x": NaN', 1))

    done = home.command("import")

    assert (done.returncode, done.stderr.count("not accepted:")) == (1, 2)
    home.settled()
    prompts = sum(session["counts"]["prompts"] for session in home.sessions())
    assert prompts == sum(counts.prompts for counts in count_folder(folder).values())
    (home.folder / ".crewkit-hook" / "token").write_text("no.token.atall")
    failed = home.command("import")
    assert (failed.returncode, "401" in failed.stderr, "Run it again" in failed.stderr) == (1, True, True)


def test_what_is_refused_or_erased_holds_nothing_up(home: AgentHome) -> None:
    """An item that is refused is put aside, one of an erased session is removed, and the events after them arrive."""
    home.connect("claude-code")
    home.hook({"session_id": "gone", "hook_event_name": "UserPromptSubmit", "prompt": "Begin"})
    gone = home.session("claude-code", "gone")["id"]
    with home.reader("admin") as api:
        body = {"subject": {"kind": "session", "session_id": gone}}
        assert api.post(f"{home.path}/erasures", json=body).status_code == 202

    home.hook({"session_id": "gone", "hook_event_name": "UserPromptSubmit", "prompt": "Once more"})
    home.hook({"session_id": "one", "hook_event_name": "x" * 1_000})
    home.hook({"session_id": "one", "hook_event_name": "UserPromptSubmit", "prompt": "Are you there?"})

    assert home.session("claude-code", "one")["counts"]["prompts"] == 1
    status = home.status()
    assert (status["erased"], status["refused"], status["last_error"]) == (1, 1, None)
    assert [one["external_id"].partition(":")[2] for one in home.sessions() if one["id"] == gone] == []


def hook(home: AgentHome, transcript: Transcript, since: int) -> None:
    """Note what a session's hooks sent from some point on, as if it had been connected then."""
    for at_ms, payload in transcript.hooks[since:]:
        assert spool.put(
            str(home.folder / ".crewkit-hook"), at_ms, {"client": "claude-code"}, json.dumps(payload).encode()
        )


def by_own_id(sessions: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return sessions by the client's id, without the position of their last record."""
    return {
        session["external_id"].partition(":")[2]: {name: value for name, value in session.items() if name != "position"}
        for session in sessions
    }


def counted(session: dict[str, Any]) -> Counted:
    """Return the API's numbers in the form of the independent reader."""
    counts = session["counts"]
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cache_creation_1h_tokens")
    tokens = {model["model"]: tuple(model[name] for name in names) for model in session["models"]}
    return Counted(
        *(counts[name] for name in ("prompts", "tool_calls", "tool_errors", "subagents", "compactions")),
        tokens,  # type: ignore[arg-type]  # five numbers each
    )


def by_day(home: AgentHome, zone: str) -> dict[tuple[str, str], list[int]]:
    """Return the tokens and the cost (in nano-dollars) by day and model, as the API shows them."""
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    range_ = {"start_date": "2026-10-01", "end_date": "2026-11-30", "interval": "day", "tz": zone}
    with home.reader() as api:
        for number, (metric, scale) in enumerate((("tokens", 1), ("cost", 10**9))):
            for model in MODELS:
                asked = {**range_, "metric": metric, "model": model}
                reply = api.get(f"{home.path}/sessions/analytics/timeseries", params=asked)
                for period in reply.json()["data"]:
                    day = datetime.fromisoformat(period["period_start"]).astimezone(ZoneInfo(zone)).date()
                    found[str(day), model][number] += round(period["value"] * scale)
    return {key: values for key, values in found.items() if any(values)}


def by_day_expected(folder: Path, zone: ZoneInfo) -> dict[tuple[str, str], list[int]]:
    """Return the same according to the transcripts.

    Until a session's last message its tokens are priced, rounded down as a sum; then it costs what it says itself.
    """
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    spent, costs = spent_in_folder(folder), costs_in_folder(folder)
    last = {one.session: one.at for one in sorted(spent, key=lambda one: one.at)}
    by_model = groupby(
        sorted(spent, key=lambda one: (one.session, one.model, one.at)), lambda one: (one.session, one.model)
    )
    for (session, model), parts in by_model:
        sums, cost = [0] * 5, 0
        for day, of_day in groupby(parts, lambda one: str(one.at.astimezone(zone).date())):
            for one in of_day:
                sums = [total + more for total, more in zip(sums, one.tokens, strict=True)]
                found[day, model][0] += sum(one.tokens[:4])
            exact = list_prices().exact_cost(model, ModelUsage(model, *sums), round(one.at.timestamp() * 1000)) or 0
            before, cost = cost, exact // PRICED_TOKENS
            found[day, model][1] += cost - before
        found[str(last[session].astimezone(zone).date()), model][1] += costs.get((session, model), cost) - cost
    return {key: values for key, values in found.items() if any(values)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
