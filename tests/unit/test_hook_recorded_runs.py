"""Runs of real agents, replayed: the client makes the same of their hooks and session files as when they were recorded.

`make clients RECORD=1` records them (`tests/support/rigs/run_recorder.py`).
"""

import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from crewkit_hook import settings as client_settings
from crewkit_hook import spool
from crewkit_hook.agents.registry import AGENTS
from crewkit_hook.importing import files_of, sessions_of
from crewkit_hook.sender import Sender
from crewkit_hook.settings import Settings
from crewkit_hook.transcripts.past import Session, event_id

from prices.price_list import list_prices
from processors.projections.sessions import session_row
from schemas.store.rows import SessionRow
from tests.support.fakes.hook_server import HookServer
from tests.support.folded import fold_log
from tests.support.rigs.run_recorder import FOLDER, HOME
from tests.support.rigs.write_api import write_api

TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cache_creation_1h_tokens")
IMPORTED = {name: agent.past for name, agent in AGENTS.items() if agent.past}
COUNTS = ("prompts", "tool_calls", "tool_errors", "tasks", "subagents", "compactions", "unknown_events")
Json = dict[str, Any]


class Run(NamedTuple):
    """A recorded run in a home folder of this test."""

    home: Path
    hooks: list[Json]
    sessions: dict[str, Json]  # by external id, as the installation showed them when recorded


@pytest.fixture(params=sorted(FOLDER.glob("*.jsonl")), ids=lambda file: file.stem)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Write the files of a run, with this test's home folder instead of the recorded one."""
    text = request.param.read_text().replace(HOME, str(tmp_path))
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        if "file" in line:
            file = Path(line["file"])
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a") as stream:
                stream.write(line["text"] if "text" in line else json.dumps(line["line"]) + "\n")
            os.utime(file, (time.time() - 86_400,) * 2)
    sessions = {line["session"]["external_id"]: line["session"] for line in lines if "session" in line}
    return Run(tmp_path, [line["hook"] for line in lines if "hook" in line], sessions)


def test_there_is_one_of_each_agent() -> None:
    """So a renamed file leaves none out."""
    assert {file.stem.partition(".")[0].replace("_", "-") for file in FOLDER.glob("*.jsonl")} == set(AGENTS)


async def test_its_sessions_are_what_they_were(run: Run) -> None:
    """Counts, tokens and costs are exact, and so are names, relations, and whether something may be missing."""
    rows = {row.external_id: row async for row in rows_of(sent(run))}

    assert {name: shown(row) for name, row in rows.items()} == {
        name: expected(session) for name, session in run.sessions.items()
    }


def test_an_import_of_its_files_says_the_same(run: Run) -> None:
    """Except for Gemini CLI, whose files can't be imported."""
    imported = imported_from(run.home)

    found = {f"{session.client}:{session.session_id}": tokens_of(session) for session in imported}
    assert found == {
        name: tokens(session["models"])
        for name, session in run.sessions.items()
        if name.partition(":")[0] in IMPORTED and session["counts"]["prompts"]
    }
    for session in imported:
        kinds = Counter(event.payload["hook_event_name"] for event in session.events)
        counts = run.sessions[f"{session.client}:{session.session_id}"]["counts"]
        assert (kinds["PreToolUse"], kinds["PreCompact"]) == (counts["tool_calls"], counts["compactions"])


def test_prompts_and_uses_of_tools_have_the_ids_that_an_import_gives(run: Run) -> None:
    """So a session sent both ways counts once, even if the client has forgotten that it reported the session."""
    imported = imported_from(run.home)
    reported = [
        (hook["payload"]["hook_event_name"], hook["id"])
        for client, body in sent(run).got
        for hook in body["hooks"]
        if client in IMPORTED
    ]

    events = [(session, event) for session in imported for event in session.events]
    found = [
        (event.payload["hook_event_name"], event_id(session.client, session.session_id, event.key))
        for session, event in events
    ]
    for kind in ("UserPromptSubmit", "PreToolUse"):
        assert {own for name, own in reported if name == kind} <= {own for name, own in found if name == kind}


def imported_from(home: Path) -> list[Session]:
    """Return the sessions of all agents' files in a home folder."""
    folders = [home / AGENTS[name].folder / past.folder for name, past in IMPORTED.items()]
    return [session for session in sessions_of(files_of(folders, 0)) if session is not None]


def sent(run: Run) -> HookServer:
    """Replay the hooks, and return the server that received everything."""
    own, server = str(run.home / ".crewkit-hook"), HookServer()
    spool.make(own)
    client_settings.save(own, Settings("http://127.0.0.1:1", "acme", "a.b.c"))
    for hook in run.hooks:
        assert spool.put(own, hook["at_ms"], hook["header"], json.dumps(hook["payload"]).encode())
    sender = Sender(own, server)  # type: ignore[arg-type]  # it answers as the API does
    while sender.take():
        pass
    sender.look_after()
    while sender.send().items:
        pass
    sender.close()
    return server


async def rows_of(server: HookServer) -> AsyncIterator[SessionRow]:
    """Yield the sessions that an installation makes of the sent data."""
    async with write_api(clock=lambda: time.time_ns() // 1_000_000) as api:
        for client, body in server.got:
            reply = await api.send("POST", f"/hooks/{client}", body)
            assert reply.json()["data"]["rejected"] == []
        for state in fold_log(await api.log.read(0, 0, 9_999, 1 << 30), api.log.partitions).values():
            yield session_row(state, list_prices())


def shown(row: SessionRow) -> Json:
    models = {model.model: tuple(getattr(model, name) for name in (*TOKENS, "cost_nano")) for model in row.models}
    names = ("trigger", "relation", "repo", "branch", "client_version", "summary")
    said = {name: getattr(row, name) for name in names}
    counts = {name: getattr(row, name) for name in COUNTS}
    status = "active" if row.ended_at is None else "ended"
    return {**said, "counts": counts, "status": status, "models": models, "incomplete": row.is_incomplete}


def expected(session: Json) -> Json:
    models = {
        model["model"]: (*(model[name] for name in TOKENS), round(model["cost_usd"] * 1e9))
        for model in session["models"]
    }
    return {name: value for name, value in session.items() if name != "external_id"} | {"models": models}


def tokens(models: Any) -> dict[str, tuple[int, ...]]:
    return {model["model"]: tuple(model.get(name, 0) for name in TOKENS) for model in models}


def tokens_of(session: Session) -> dict[str, tuple[int, ...]]:
    return tokens(session.reports[-1]["model_metrics"]["models"]) if session.reports else {}
