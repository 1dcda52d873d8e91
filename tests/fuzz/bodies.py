"""Bodies for every route that writes: valid ones, mutated by `hostile`."""

import copy
import random
from collections.abc import Callable
from typing import Any

from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.http.examples import BODIES
from schemas.http.requests import ChangeSession, CreateSession, EndSession, RequestCompaction
from tests.fuzz.attack_setup import ATTACKERS, DEAD_LETTER, AttackSetup, dead_letter_record
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


def create(chance: random.Random, setup: AttackSetup) -> Case:
    """Make a create of a session with any parent and any start."""
    body: dict[str, Any] = copy.deepcopy(BODIES[CreateSession])
    body["external_id"] = f"x-{chance.randrange(200)}"
    body["started_at"] = f"20{chance.randint(0, 26):02}-01-0{chance.randint(1, 9)}T00:00:00Z"
    if chance.random() < 0.3:
        body |= {
            "parent_id": chance.choice(setup.sessions),
            "relation": chance.choice(("resume", "fork", "clear", "x")),
        }
    if chance.random() < 0.2:
        body["run_id"] = setup.run_id
    return Case("create", sent(setup, "POST", "/sessions", mutated(chance, body), **_key(chance)))


def events(chance: random.Random, setup: AttackSetup) -> Case:
    """Make a batch of hook events with arbitrary payloads."""
    batch = {"events": [_event(chance) for _ in range(chance.choice((1, 1, 2, 5, 20)))]}
    path = f"/observability/sessions/{_session(chance, setup)}/events"
    return Case("events", sent(setup, "POST", path, mutated(chance, batch)))


def change(chance: random.Random, setup: AttackSetup) -> Case:
    """Change fields and totals of a session."""
    body = {**BODIES[ChangeSession], "summary": chance.choice(("", "all\nof\tit", "s" * 20_000))}
    raw = sent(setup, "PATCH", f"/sessions/{_session(chance, setup)}", mutated(chance, body), **_key(chance))
    return Case("change", raw)


def end(chance: random.Random, setup: AttackSetup) -> Case:
    """End a session."""
    body = {**BODIES[EndSession], "ended_at": "2026-01-20T11:00:00Z"}
    raw = sent(setup, "POST", f"/sessions/{_session(chance, setup)}/end", mutated(chance, body), **_key(chance))
    return Case("end", raw)


def compact(chance: random.Random, setup: AttackSetup) -> Case:
    """Request a digest."""
    path = f"/sessions/{_session(chance, setup)}/compact"
    return Case("compact", sent(setup, "POST", path, mutated(chance, BODIES[RequestCompaction]), **_key(chance)))


def redrive(chance: random.Random, setup: AttackSetup) -> Case:
    """Redrive the dead letter, corrected into an arbitrary record."""
    record = {
        **dead_letter_record(),
        "v": chance.choice((1, 1, 1, 2)),
        "kind": chance.choice(("events_recorded", "session_ended")),
    }
    position = chance.choice(
        (DEAD_LETTER,) * 6 + ("0:1", "0:-1", "0:99999999999999999999", "9:0", "0", "x", "0:0:0", "0%3A0")
    )
    headers = {"Authorization": f"Bearer {setup.operator}", **JSON}
    path = f"/api/v1/operator/dead-letters/{position}/redrive"
    return Case("redrive", request("POST", path, headers, mutated(chance, {"record": record})))


WRITES: tuple[Callable[[random.Random, AttackSetup], Case], ...] = (create, events, change, end, compact)


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


def _key(chance: random.Random) -> dict[str, str | bytes]:
    if chance.random() < 0.6:
        return {}
    odd: tuple[str | bytes, ...] = ("", " ", "k" * 255, "k" * 256, b"\xff\xfe", "\t", "k\tk", "é", "k" * 5_000)
    return {"Idempotency_Key": chance.choice((f"key-{chance.randrange(100)}", *odd))}
