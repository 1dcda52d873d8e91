"""From an event in the spool to what is sent: its payload, its context, and the session's totals."""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import Any

from crewkit_hook import processes, spool
from crewkit_hook.agents.agent import Agent
from crewkit_hook.agents.registry import AGENTS
from crewkit_hook.privacy import is_sensitive, leaving, leaving_context
from crewkit_hook.repository import described
from crewkit_hook.sessions import ENDED, extras, last_totals, late_totals
from crewkit_hook.settings import Settings
from crewkit_hook.store import Item, Store, hook_item, report_item
from crewkit_hook.transcripts.lines import instant
from crewkit_hook.transcripts.past import event_id, key_of

EARLIEST_MS = 946_684_800_000  # 2000-01-01: the installation refuses earlier times, and times a day ahead
AHEAD_MS = 60_000
_AT = re.compile(rb', "at": "[^"]*"')
KILLED = "killed"  # the reason for an end that the client itself reports


class Unusable(Exception):
    """A payload that no installation would accept. The message says why."""


def prepare(name: str, record: bytes, settings: Settings, store: Store) -> list[Item]:
    """Return what to send for an event in the spool, and store what later events of its session need.

    Raises:
        Unusable: the payload is not valid, or its agent is unknown.
    """
    line, _, raw = record.partition(b"\n")
    header = spool.decode(line)
    agent = AGENTS.get(header.get("client", ""))
    if agent is None:
        raise Unusable(f"no agent is called {header.get('client')!r}")
    payload = _payload(raw)
    at_ms = _plausible(int(name.partition("-")[0]))
    state = _remembered(agent, payload, header, store, at_ms)
    more = extras(agent, payload, header, state, store)
    is_private = state.get("sensitive", False) or is_sensitive(settings, _folders(header, payload))
    state["sensitive"] = is_private
    process = {"process": int(state["process"])} if state["process"] else {}
    context = {**leaving_context({**described(header), **more.context}, is_private=is_private), **process}
    hook: dict[str, Any] = {"id": _id_of(agent, payload, name), "at": instant(at_ms)}
    if context != state.get("said"):
        state["said"] = hook["context"] = context
    items = [hook_item(agent.name, hook, leaving(payload, raw, is_private=is_private))]
    if more.report is not None:
        items.append(report_item(agent.name, more.report))
    _remember(store, agent.name, payload["session_id"], state)
    return items


def _id_of(agent: Agent, payload: dict[str, Any], name: str) -> str:
    """Return the id of an event: the one that an import would give it, else the one in its file's name."""
    if key := key_of(payload):
        return event_id(agent.name, payload["session_id"], key)
    return str(uuid.UUID(name.rpartition("-")[2], version=4))


def without_time(item: Item) -> Item | None:
    """Return a hook without its time, so that it counts when it is received; None if it has no time."""
    text, found = _AT.subn(b"", item.text, count=1)
    return Item(item.client, item.kind, text) if found and item.kind == "hook" else None


def look_after(store: Store) -> list[Item]:
    """Return what is due without a new event: ends of agents that are gone without one, and late totals."""
    items: list[Item] = []
    for client, session_id, state in store.open_sessions():
        if state["is_over"]:
            items += _late_totals(client, session_id, state)
        elif not processes.runs(state.get("process", ""), state.get("began", "")):
            items += _end_of_the_dead(client, session_id, state)
        else:
            continue
        _remember(store, client, session_id, state)
    return items


def _late_totals(client: str, session_id: str, state: dict[str, Any]) -> list[Item]:
    report = late_totals(AGENTS[client], session_id, state)
    state["looks"] = 0 if report else state["looks"] - 1
    return [report_item(client, report)] if report else []


def _end_of_the_dead(client: str, session_id: str, state: dict[str, Any]) -> list[Item]:
    """Return the totals so far, and an end at the time of the last event."""
    at_ms = state["last_at"]
    report = last_totals(AGENTS[client], session_id, state)
    state["is_over"] = True
    identity = f"{client} {session_id} {state['process']} {state['began']} {at_ms}"
    hook = {"id": str(uuid.uuid5(uuid.NAMESPACE_OID, identity)), "at": instant(at_ms)}
    payload = {"session_id": session_id, "hook_event_name": ENDED, "reason": KILLED}
    end = hook_item(client, hook, json.dumps(payload).encode())
    return [report_item(client, report), end] if report else [end]


def _remember(store: Store, client: str, session_id: str, state: dict[str, Any]) -> None:
    is_watched = bool(state.get("process")) and not state["is_over"]
    is_open = is_watched or state.get("looks", 0) > 0
    store.remember(client, session_id, state["last_at"], is_open, state)


def _remembered(
    agent: Agent, payload: dict[str, Any], header: dict[str, str], store: Store, at_ms: int
) -> dict[str, Any]:
    """Return what is known about the session, as of this event."""
    state = store.session(agent.name, payload["session_id"])
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
    return state


def _folders(header: dict[str, str], payload: dict[str, Any]) -> list[str]:
    return [folder for folder in (header.get("folder"), payload.get("cwd")) if isinstance(folder, str)]


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
