"""What is known about an agent's session besides its hooks: its relation to other sessions, and what it used."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from crewkit_hook.agents.agent import Agent
from crewkit_hook.store import Store
from crewkit_hook.transcripts.reading import Reading, report

ENDED = "SessionEnd"
LOOKS = 6  # how often the files of an ended session are read for exact totals
State = dict[str, Any]
_ATTENDED = {"1": True, "0": False}


class Extras(NamedTuple):
    """What is sent with an event, in the batch format: a context and running totals."""

    context: dict[str, Any]
    report: dict[str, Any] | None


def extras(agent: Agent, payload: Mapping[str, Any], header: Mapping[str, str], state: State, store: Store) -> Extras:
    """Return what is sent with an event, and update the state of its session."""
    session_id, event = payload["session_id"], payload["hook_event_name"]
    reading = agent.reading(session_id, state.get("reading"))
    if event == "SessionStart":
        _started(agent, payload, state, store, reading)
    totals = None
    if event in agent.ends and state.get("transcript"):
        _advance(reading, state["transcript"])
        totals = _report(session_id, state, reading)
        if event == ENDED and reading.totals().is_partial:
            state["looks"] = LOOKS  # with /clear, Claude Code writes its exact totals after the hook
    state["reading"] = reading.kept
    context = {"attended": _ATTENDED.get(header.get("attended", "")), "parent": state.get("parent"), **reading.about()}
    return Extras({name: value for name, value in context.items() if value is not None}, totals)


def late_totals(agent: Agent, session_id: str, state: State) -> dict[str, Any] | None:
    """Return the exact totals of a session that has ended, if they have been written by now."""
    reading = agent.reading(session_id, state.get("reading"))
    _advance(reading, state["transcript"])
    state["reading"] = reading.kept
    return None if reading.totals().is_partial else _report(session_id, state, reading)


def last_totals(agent: Agent, session_id: str, state: State) -> dict[str, Any] | None:
    """Return the totals of a session whose agent is gone without reporting an end."""
    reading = agent.reading(session_id, state.get("reading"))
    _note_kill(reading, state)
    state["reading"] = reading.kept
    return _report(session_id, state, reading)


def _report(session_id: str, state: State, reading: Reading) -> dict[str, Any] | None:
    return report(session_id, state["last_at"], reading.totals(), has_telemetry=bool(state.get("telemetry")))


def _started(agent: Agent, payload: Mapping[str, Any], state: State, store: Store, reading: Reading) -> None:
    """Handle the start of a run: after a run that did not end, and after `/clear`, which makes a new session."""
    if payload.get("source") == "clear":
        before = store.last_of_process(agent.name, state.get("process", ""), payload["session_id"])
        if before:
            state["parent"] = {"session_id": before, "relation": "clear"}
    elif payload.get("source") == "resume" and not state["was_over"]:
        _note_kill(reading, state)


def _note_kill(reading: Reading, state: State) -> None:
    """Read what a run without an end left behind. An agent that was killed at once has not named a file."""
    if state.get("transcript"):
        _advance(reading, state["transcript"])
    reading.killed()


def _advance(reading: Reading, transcript: str) -> None:
    """Read what is new. With an invalid path, or a folder that can't be read, only the totals are lost."""
    with suppress(OSError, ValueError, RuntimeError):
        reading.advance(transcript)
