"""Bodies of hook events: valid ones, mutated by `hostile`."""

import random
from typing import Any

from schemas.hooks import KNOWN_EVENT_TYPES
from tests.fuzz.attack_setup import ATTACKERS, AttackSetup
from tests.fuzz.case import Case, request
from tests.fuzz.hostile import IDS, STRINGS, hostile, mutated

JSON = {"Content-Type": "application/json"}
NAMES = (*sorted(KNOWN_EVENT_TYPES), "ApiRequest", "BrandNewKind", "a.b:c_d-e")
FIELDS = (
    *("tool_name", "tool_use_id", "tool_input", "tool_response", "agent_id", "agent_type", "task_id", "task_subject"),
    *("prompt", "source", "model", "session_title", "duration_ms", "error", "message", "cwd", "trigger", "tool_calls"),
)


def sent(setup: AttackSetup, method: str, path: str, body: bytes, **more: str | bytes) -> bytes:
    """Build a write of the attackers' admin; ``path`` is relative to the org."""
    headers = {"Authorization": f"Bearer {setup.token()}", **JSON, **{k.replace("_", "-"): v for k, v in more.items()}}
    return request(method, f"/api/v1/{ATTACKERS}{path}", headers, body)


def events(chance: random.Random, setup: AttackSetup) -> Case:
    """Make a batch of hook events with arbitrary payloads."""
    batch = {"events": [_event(chance) for _ in range(chance.choice((1, 1, 2, 5, 20)))]}
    path = f"/observability/sessions/{_session(chance, setup)}/events"
    return Case("events", sent(setup, "POST", path, mutated(chance, batch)))


def _event(chance: random.Random) -> dict[str, Any]:
    data: dict[str, Any] = {chance.choice(FIELDS): _field(chance) for _ in range(chance.randint(0, 6))}
    event: dict[str, Any] = {"event_type": chance.choice(NAMES), "timestamp": "2026-01-20T10:30:00Z", "data": data}
    if chance.random() < 0.3:
        event["event_id"] = f"9b2f0000-0000-4000-8000-{chance.randrange(1 << 20):012x}"
    if chance.random() < 0.2:
        event["seq"] = chance.choice((0, -1, 1 << 53, -(1 << 53)))
    return event


def _field(chance: random.Random) -> Any:
    """Return a value of a payload: usually a plausible one, although the API promises nothing about payloads."""
    usual = (f"toolu_{chance.randrange(50)}", "Bash", "Explore", 1250, {"command": "make test"}, ["a", {"b": None}])
    value = hostile(chance) if chance.random() < 0.2 else chance.choice((*usual, *usual, chance.choice(STRINGS)))
    return value if not isinstance(value, bytes) else value.decode("latin-1")


def _session(chance: random.Random, setup: AttackSetup) -> str:
    known = chance.choice(setup.sessions)
    if chance.random() < 0.9:
        return known
    ids = (*(wrong for wrong in IDS if wrong.isascii()), known.upper(), known[:-1] + "0", setup.run_id, known + "%00")
    return chance.choice(ids)
