"""From an event in the spool to what is sent: its payload, its context, and the session's totals."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from typing import Any, Optional
from uuid import NAMESPACE_OID, UUID, uuid5

from crewkit_hook import processes, spool
from crewkit_hook.agents.agent import Agent
from crewkit_hook.agents.registry import AGENTS
from crewkit_hook.privacy import is_sensitive, leaving, leaving_context
from crewkit_hook.repository import described
from crewkit_hook.settings import Settings
from crewkit_hook.store import Item, Store, hook_item, report_item
from crewkit_hook.transcripts.lines import instant
from crewkit_hook.transcripts.past import event_id, key_of
from crewkit_hook.transcripts.reading import Reading, report

EARLIEST_MS = 946_684_800_000  # 2000-01-01: the installation refuses earlier times, and times a day ahead
AHEAD_MS = 60_000
_AT = re.compile(rb', "at": "[^"]*"')
ENDED = "SessionEnd"
KILLED = "killed"  # the reason for an end that the client itself reports
LOOKS = 6  # how often the files of an ended session are read for exact totals
_ATTENDED = {"1": True, "0": False}
State = dict[str, Any]
Report = Optional[dict[str, Any]]


class Unusable(Exception):
    """A payload that no installation would accept. The message says why."""


def prepare(name: str, record: bytes, settings: Settings, store: Store) -> list[Item]:
    """Return what to send for an event in the spool, and store what later events of its session need.

    For an erased session this is nothing, and nothing is read or stored.

    Raises `Unusable` if the payload is not valid, or its agent is unknown.
    """
    line, _, raw = record.partition(b"\n")
    header = spool.decode(line)
    agent = AGENTS.get(header.get("client", ""))
    if agent is None:
        raise Unusable(f"no agent is called {header.get('client')!r}")
    payload = _payload(raw)
    state = store.session(agent.name, payload["session_id"])
    if state.get("erased"):
        store.count("erased", 1)
        return []
    at_ms = _plausible(int(name.partition("-")[0]))
    _update(state, payload, header, at_ms)
    about, totals = _of_files(agent, payload, state, store)
    folders = [folder for folder in (header.get("folder"), payload.get("cwd")) if isinstance(folder, str)]
    state["sensitive"] = is_private = state.get("sensitive", False) or is_sensitive(settings, folders)
    process = {"process": int(state["process"])} if state["process"] else {}
    said = {"attended": _ATTENDED.get(header.get("attended", "")), "parent": state.get("parent"), **about}
    known = {name: value for name, value in said.items() if value is not None}
    context = {**leaving_context({**described(header), **known}, is_private=is_private), **process}
    # An event with a key gets the id that an import would give it.
    key, own_id = key_of(payload), name.rpartition("-")[2]
    hook_id = event_id(agent.name, payload["session_id"], key) if key else str(UUID(own_id, version=4))
    hook: dict[str, Any] = {"id": hook_id, "at": instant(at_ms)}
    if context != state.get("said"):
        state["said"] = hook["context"] = context
    items = [hook_item(agent.name, hook, leaving(payload, raw, is_private=is_private))]
    if totals is not None:
        items.append(report_item(agent.name, totals))
    _remember(store, agent.name, payload["session_id"], state)
    return items


def _of_files(agent: Agent, payload: dict[str, Any], state: State, store: Store) -> tuple[dict[str, Any], Report]:
    """Return what the session's files say about it, and its running totals at the end of a turn; update its state."""
    session_id, event = payload["session_id"], payload["hook_event_name"]
    reading = agent.reading(session_id, state.get("reading"))
    source = payload.get("source") if event == "SessionStart" else ""
    if source == "clear":  # `/clear` gives the process a new session
        before = store.last_of_process(agent.name, state.get("process", ""), session_id)
        if before:
            state["parent"] = {"session_id": before, "relation": "clear"}
    elif source == "resume" and not state["was_over"]:
        _advance(reading, state)  # what a run without an end left behind
        reading.killed()
    totals = None
    if event in agent.ends and state.get("transcript"):
        _advance(reading, state)
        totals = _report(session_id, state, reading)
        if event == ENDED and reading.totals().is_partial:
            state["looks"] = LOOKS  # with /clear, Claude Code writes its exact totals after the hook
    state["reading"] = reading.kept
    return reading.about(), totals


def _advance(reading: Reading, state: State) -> None:
    """Read what is new. Without a valid path, only the totals are lost; an agent that was killed at once named none."""
    with suppress(OSError, ValueError, RuntimeError):
        if state.get("transcript"):
            reading.advance(state["transcript"])


def _report(session_id: str, state: State, reading: Reading) -> Report:
    return report(session_id, state["last_at"], reading.totals(), has_telemetry=bool(state.get("telemetry")))


def without_time(item: Item) -> Item | None:
    """Return a hook without its time, so that it counts when it is received; None if it has no time."""
    text, found = _AT.subn(b"", item.text, count=1)
    return Item(item.client, item.kind, text) if found and item.kind == "hook" else None


def look_after(store: Store) -> list[Item]:
    """Return what is due without a new event: ends of agents that are gone without one, and late totals."""
    items: list[Item] = []
    for client, session_id, state in store.open_sessions():
        if not state["is_over"] and processes.runs(state.get("process", ""), state.get("began", "")):
            continue
        reading = AGENTS[client].reading(session_id, state.get("reading"))
        _advance(reading, state)
        if not state["is_over"]:
            items += _end_of_the_dead(client, session_id, state, reading)
        elif not reading.totals().is_partial and (found := _report(session_id, state, reading)):
            items.append(report_item(client, found))  # its agent has written exact totals by now
            state["looks"] = 0
        else:
            state["looks"] -= 1
        state["reading"] = reading.kept
        _remember(store, client, session_id, state)
    return items


def _end_of_the_dead(client: str, session_id: str, state: State, reading: Reading) -> list[Item]:
    """Return the totals of a session whose agent is gone, and an end at the time of its last event."""
    reading.killed()
    found = _report(session_id, state, reading)
    at_ms, state["is_over"] = state["last_at"], True
    identity = f"{client} {session_id} {state['process']} {state['began']} {at_ms}"
    hook = {"id": str(uuid5(NAMESPACE_OID, identity)), "at": instant(at_ms)}
    payload = {"session_id": session_id, "hook_event_name": ENDED, "reason": KILLED}
    end = hook_item(client, hook, json.dumps(payload).encode())
    return [report_item(client, found), end] if found else [end]


def _remember(store: Store, client: str, session_id: str, state: State) -> None:
    is_watched = bool(state.get("process")) and not state["is_over"]
    is_open = is_watched or state.get("looks", 0) > 0
    store.remember(client, session_id, state["last_at"], is_open, state)


def _update(state: State, payload: dict[str, Any], header: dict[str, str], at_ms: int) -> None:
    """Update what is known about the session with this event."""
    process = header["process"] if header.get("process", "").isdigit() else ""
    state["was_over"] = state.get("is_over", True)
    state["is_over"] = payload["hook_event_name"] == ENDED
    state.setdefault("first_at", at_ms)
    state["last_at"] = max(at_ms, state.get("last_at", 0))
    if process != state.get("process"):
        state["process"], state["began"] = process, processes.started(process)
    if isinstance(payload.get("transcript_path"), str):
        state["transcript"] = payload["transcript_path"]
    if header.get("telemetry") == "1":
        state["telemetry"] = True


def _payload(raw: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(raw)
    except ValueError as error:
        raise Unusable(f"the payload is not valid JSON: {error}") from error
    for field in ("session_id", "hook_event_name"):
        if not (isinstance(payload, dict) and isinstance(payload.get(field), str) and payload[field]):
            raise Unusable(f"the payload has no {field}")
    return dict(payload)


def _plausible(at_ms: int) -> int:
    """Return a time that the installation accepts: a wrong clock must not lose the event."""
    now_ms = time.time_ns() // 1_000_000
    return at_ms if EARLIEST_MS <= at_ms <= now_ms + AHEAD_MS else now_ms
