"""What is known of an agent's session beside its hooks: how it relates to others, and what it has used."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from crewkit_hook.store import Store
from crewkit_hook.transcripts import claude_code, codex, gemini_cli
from crewkit_hook.transcripts.lines import instant
from crewkit_hook.transcripts.reading import Reading
from crewkit_hook.transcripts.usage import report_of

ENDED = "SessionEnd"
LOOKS = 6  # at the files of a session that has ended, for exact totals
State = dict[str, Any]
_ATTENDED = {"1": True, "0": False}


class Agent(NamedTuple):
    """An agent: its name, the events at which turns and runs end, and what reads its files."""

    name: str
    ends: frozenset[str]
    reading: type[Reading]


AGENTS: Mapping[str, Agent] = {
    agent.name: agent
    for agent in (
        Agent("claude-code", frozenset({"Stop", "StopFailure", "SubagentStop", ENDED}), claude_code.Reading),
        Agent("codex", frozenset({"Stop", "SubagentStop", "Interrupt", ENDED}), codex.Reading),
        Agent("gemini-cli", frozenset({"AfterAgent", ENDED}), gemini_cli.Reading),
    )
}


class Told(NamedTuple):
    """What there is to tell with an event: a context and running totals, as the batch format has them."""

    context: dict[str, Any]
    report: dict[str, Any] | None


def tell(agent: Agent, payload: Mapping[str, Any], header: Mapping[str, str], state: State, store: Store) -> Told:
    """Return what there is to tell with an event, and change what is remembered of its session."""
    session_id, event = payload["session_id"], payload["hook_event_name"]
    reading = agent.reading(session_id, state.get("reading"))
    if event == "SessionStart":
        _started(agent, payload, state, store, reading)
    report = None
    if event in agent.ends and state.get("transcript"):
        _advance(reading, state["transcript"])
        report = _report(session_id, state, reading)
        if event == ENDED and reading.totals().is_partial:
            state["looks"] = LOOKS  # with /clear the exact totals of Claude Code are written behind the hook
    state["reading"] = reading.kept
    context = {"attended": _ATTENDED.get(header.get("attended", "")), "parent": state.get("parent"), **reading.about()}
    return Told({name: value for name, value in context.items() if value is not None}, report)


def late_totals(agent: Agent, session_id: str, state: State) -> dict[str, Any] | None:
    """Return the exact totals of a session that has ended, if they have been written since."""
    reading = agent.reading(session_id, state.get("reading"))
    _advance(reading, state["transcript"])
    state["reading"] = reading.kept
    return None if reading.totals().is_partial else _report(session_id, state, reading)


def last_totals(agent: Agent, session_id: str, state: State) -> dict[str, Any] | None:
    """Return the totals of a session whose agent is gone without an end."""
    reading = agent.reading(session_id, state.get("reading"))
    _note_kill(reading, state)
    state["reading"] = reading.kept
    return _report(session_id, state, reading)


def report(session_id: str, at_ms: int, reading: Reading, *, has_telemetry: bool = False) -> dict[str, Any] | None:
    """Return running totals; None if there are none. Telemetry says more about work, so a report says nothing of it."""
    totals = reading.totals()
    if not totals.models:
        return None
    told = {
        "session_id": session_id,
        "at": instant(at_ms),
        "model_metrics": {"models": report_of(totals.models)},
        "incomplete": totals.is_partial,
    }
    return told if totals.work is None or has_telemetry else {**told, "work": totals.work}


def _report(session_id: str, state: State, reading: Reading) -> dict[str, Any] | None:
    return report(session_id, state["last_at"], reading, has_telemetry=bool(state.get("telemetry")))


def _started(agent: Agent, payload: Mapping[str, Any], state: State, store: Store, reading: Reading) -> None:
    """Take the beginning of a run: after one that did not end, and after `/clear`, which makes a new session."""
    if payload.get("source") == "clear":
        before = store.last_of_process(agent.name, state.get("process", ""), payload["session_id"])
        if before:
            state["parent"] = {"session_id": before, "relation": "clear"}
    elif payload.get("source") == "resume" and not state["was_over"]:
        _note_kill(reading, state)


def _note_kill(reading: Reading, state: State) -> None:
    """Read what a run without an end has left. An agent that was killed at once has named no file."""
    if state.get("transcript"):
        _advance(reading, state["transcript"])
    reading.killed()


def _advance(reading: Reading, transcript: str) -> None:
    """Read what is new. A path that no system takes, or a folder that can't be read, costs only the totals."""
    with suppress(OSError, ValueError, RuntimeError):
        reading.advance(transcript)
