"""Transcripts of Claude Code: an import counts the same as an independent reader, however the files grew."""

import json
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crewkit_hook.agents.claude_code.transcript import ClaudeCodeReading
from crewkit_hook.importing import files_of, sessions_of
from crewkit_hook.transcripts.past import Session
from crewkit_hook.transcripts.reading import FIELDS
from tests.support.clients.transcript_folder import Writer
from tests.support.examples import examples
from tests.support.oracles.transcript_totals import Counted, count_folder

SESSIONS = examples(200, many=200)


@pytest.fixture(scope="module", params=range(3))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return transcripts that have not been written to for a while."""
    made = tmp_path_factory.mktemp("projects") / "-home-alice-shop"
    Writer(made, request.param).write(SESSIONS)
    for file in made.rglob("*.jsonl"):
        os.utime(file, (time.time() - 86_400,) * 2)
    return made


@pytest.fixture(scope="module")
def imported(folder: Path) -> list[Session]:
    return [session for session in sessions_of(files_of([folder], 0)) if session is not None]


def tokens_of(models: Any) -> dict[str, tuple[int, ...]]:
    return {model["model"]: tuple(model.get(field, 0) for field in FIELDS) for model in models}


def counted(session: Session) -> Counted:
    """Count events like the installation."""
    payloads = [event.payload for event in session.events]
    kinds = Counter(payload["hook_event_name"] for payload in payloads)
    asked = [p for p in payloads if p["hook_event_name"] == "UserPromptSubmit" and p.get("source") != "system"]
    reported = session.reports[-1]["model_metrics"]["models"] if session.reports else []
    return Counted(
        len(asked),
        len({payload["tool_use_id"] for payload in payloads if payload["hook_event_name"] == "PreToolUse"}),
        kinds["PostToolUseFailure"],
        kinds["SubagentStart"],
        kinds["PreCompact"],
        tokens_of(reported),  # type: ignore[arg-type]  # five numbers each
    )


def test_an_import_counts_what_another_reader_counts(folder: Path, imported: list[Session]) -> None:
    """Prompts, tools, failures, subagents, compactions and the tokens of each model, of every session."""
    assert {session.session_id: counted(session) for session in imported} == count_folder(folder)


def test_each_event_has_one_name(imported: list[Session]) -> None:
    """Ids are derived from names, and differ between sessions."""
    for session in imported:
        keys = [event.key for event in session.events]
        assert len(set(keys)) == len(keys)


def test_runs_begin_and_end(imported: list[Session]) -> None:
    """Starts and ends alternate; everything else happens in between."""
    for session in imported:
        edges = [name for event in session.events if (name := event.payload["hook_event_name"]).startswith("Session")]
        assert edges == ["SessionStart", "SessionEnd"] * (len(edges) // 2)
        assert edges


def test_a_file_that_grows_says_the_same_in_the_end(folder: Path, tmp_path: Path) -> None:
    """It is read in any pieces, even in the middle of a line, with the state in between stored as JSON."""
    chance = random.Random(5)
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)  # a session's parent and subagents exist before its file
    for file in sorted(folder.glob("*.jsonl")):
        at_once = ClaudeCodeReading(file.stem)
        at_once.advance(str(file))
        kept = None
        for _ in grown(file, tmp_path / file.name, chance):
            reading = ClaudeCodeReading(file.stem, json.loads(json.dumps(kept)))
            reading.advance(str(tmp_path / file.name))
            kept = reading.kept

        assert ClaudeCodeReading(file.stem, kept).totals() == at_once.totals()


def grown(file: Path, own: Path, chance: random.Random) -> Iterator[None]:
    """Write a transcript in the steps in which it grew."""
    text = file.read_bytes()
    own.unlink()
    cuts = sorted(chance.sample(range(len(text)), 5))
    for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        with own.open("ab") as stream:
            stream.write(text[begin:end])
        yield


def test_only_what_changed_since(folder: Path) -> None:
    """The time of the file decides."""
    assert files_of([folder], time.time()) == []
    one = next(folder.glob("*.jsonl"))
    assert files_of([one], 0) == [one]
