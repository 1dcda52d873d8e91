"""The facts of a log as plain dictionaries, for the slow oracles.

A fact has the fields of its record and, if it is a hook event, those of the event. ``place`` numbers the facts of a
session in the order in which they count.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from agents import CLIENTS

Fact = dict[str, Any]
SessionKey = tuple[str, str]  # org, session


def facts_by_session(values: Iterable[bytes]) -> dict[SessionKey, list[Fact]]:
    """Return the facts that count: for each id, the first in the log."""
    return facts_of(map(json.loads, values))


def facts_of(records: Iterable[Fact]) -> dict[SessionKey, list[Fact]]:
    """Return the same from decoded records."""
    found: dict[SessionKey, dict[str, Fact]] = defaultdict(dict)
    for record in records:
        if record["kind"] == "prices_loaded":  # it belongs to no session
            continue
        facts = found[record["org_id"], record["session_id"]]
        for fact in _facts(record):
            facts.setdefault(fact["id"], {**fact, "place": len(facts)})
    return {key: list(facts.values()) for key, facts in found.items()}


def events_of(facts: list[Fact]) -> list[Fact]:
    """Return the hook events."""
    return [fact for fact in facts if fact["kind"] == "events_recorded"]


def of_type(events: list[Fact], *event_types: str) -> list[Fact]:
    """Return the events of these types."""
    return [event for event in events if event["event_type"] in event_types]


def text(event: Fact, name: str) -> str:
    """Return a field of the payload, or "" if it isn't text."""
    value = event["data"].get(name)
    return value if isinstance(value, str) else ""


def first_text(events: list[Fact], name: str) -> str:
    """Return the first one that is not empty."""
    return next(filter(None, (text(event, name) for event in events)), "")


def tool_name(event: Fact, name: Any) -> str:
    """Return the known name of a tool."""
    known = CLIENTS[event["client"]].tools if event.get("client") in CLIENTS else {}
    return known.get(name, name) if isinstance(name, str) else ""


def is_telemetry(event: Fact) -> bool:
    """Return whether telemetry reports it; hooks may report the same."""
    return event["data"].get("telemetry") is True


def is_of_person(prompt: Fact) -> bool:
    """Return whether a user typed the prompt."""
    by_machine = text(prompt, "prompt").startswith("<task-notification>")
    return not text(prompt, "agent_id") and text(prompt, "source") in ("", "user", "sdk") and not by_machine


def prompt_id(prompt: Fact) -> str:
    """Return a prompt's id; one that is too long counts as missing."""
    found = text(prompt, "prompt_id")
    return found if len(found) <= 128 else ""


def label(event: Fact) -> str:
    """Return the label shown for a task or a prompt."""
    return (text(event, "task_subject") or text(event, "prompt"))[:200]


def duration_of(event: Fact) -> int | None:
    """Return whole milliseconds."""
    value = event["data"].get("duration_ms")
    return round(value) if type(value) in (int, float) and 0 <= value < 1 << 48 else None


def latest(said: list[tuple[int, str]]) -> str | None:
    """Return the text with the highest time; among equal times, the last."""
    return max(enumerate(said), key=lambda one: (one[1][0], one[0]))[1][1] if said else None


def _facts(record: Fact) -> list[Fact]:
    if record["kind"] != "events_recorded":
        return [{**record, "id": record["fact_id"]}]
    return [{**record, **event, "id": event["event_id"]} for event in record["events"]]
