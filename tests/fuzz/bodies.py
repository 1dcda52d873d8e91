"""Bodies of every route that writes: valid ones, and what `hostile` makes of them."""

import copy
import random
from collections.abc import Callable
from typing import Any

from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.http.examples import BODIES
from schemas.http.requests import ChangeSession, CreateSession, EndSession, RequestCompaction
from tests.fuzz.attack_setup import ATTACKERS, LETTER, Scene, letter
from tests.fuzz.case import Case, request
from tests.fuzz.hostile import IDS, STRINGS, hostile, mutated

JSON = {"Content-Type": "application/json"}
NAMES = (*sorted(KNOWN_EVENT_TYPES), "ApiRequest", "BrandNewKind", "a.b:c_d-e")
FIELDS = (
    *("tool_name", "tool_use_id", "tool_input", "tool_response", "agent_id", "agent_type", "task_id", "task_subject"),
    *("prompt", "source", "model", "session_title", "duration_ms", "error", "message", "cwd", "trigger", "tool_calls"),
)


def sent(scene: Scene, method: str, path: str, body: bytes, **more: str | bytes) -> bytes:
    """A write of the attackers' admin; ``path`` begins behind the org."""
    headers = {"Authorization": f"Bearer {scene.token()}", **JSON, **{k.replace("_", "-"): v for k, v in more.items()}}
    return request(method, f"/api/v1/{ATTACKERS}{path}", headers, body)


def create(chance: random.Random, scene: Scene) -> Case:
    """A session, in a family of sessions, of any time."""
    body: dict[str, Any] = copy.deepcopy(BODIES[CreateSession])
    body["external_id"] = f"x-{chance.randrange(200)}"
    body["started_at"] = f"20{chance.randint(0, 26):02}-01-0{chance.randint(1, 9)}T00:00:00Z"
    if chance.random() < 0.3:
        body |= {
            "parent_id": chance.choice(scene.sessions),
            "relation": chance.choice(("resume", "fork", "clear", "x")),
        }
    if chance.random() < 0.2:
        body["run_id"] = scene.run_id
    return Case("create", sent(scene, "POST", "/sessions", mutated(chance, body), **_key(chance)))


def events(chance: random.Random, scene: Scene) -> Case:
    """A batch of hook events whose payloads are anything."""
    batch = {"events": [_event(chance) for _ in range(chance.choice((1, 1, 2, 5, 20)))]}
    path = f"/observability/sessions/{_session(chance, scene)}/events"
    return Case("events", sent(scene, "POST", path, mutated(chance, batch)))


def change(chance: random.Random, scene: Scene) -> Case:
    """Fields and totals of a session."""
    body = {**BODIES[ChangeSession], "summary": chance.choice(("", "all\nof\tit", "s" * 20_000))}
    raw = sent(scene, "PATCH", f"/sessions/{_session(chance, scene)}", mutated(chance, body), **_key(chance))
    return Case("change", raw)


def end(chance: random.Random, scene: Scene) -> Case:
    """The end of a session."""
    body = {**BODIES[EndSession], "ended_at": "2026-01-20T11:00:00Z"}
    raw = sent(scene, "POST", f"/sessions/{_session(chance, scene)}/end", mutated(chance, body), **_key(chance))
    return Case("end", raw)


def compact(chance: random.Random, scene: Scene) -> Case:
    """The wish for a digest."""
    path = f"/sessions/{_session(chance, scene)}/compact"
    return Case("compact", sent(scene, "POST", path, mutated(chance, BODIES[RequestCompaction]), **_key(chance)))


def redrive(chance: random.Random, scene: Scene) -> Case:
    """A dead letter once more, corrected into anything."""
    record = {**letter(), "v": chance.choice((1, 1, 1, 2)), "kind": chance.choice(("events_recorded", "session_ended"))}
    position = chance.choice(
        (LETTER,) * 6 + ("0:1", "0:-1", "0:99999999999999999999", "9:0", "0", "x", "0:0:0", "0%3A0")
    )
    headers = {"Authorization": f"Bearer {scene.operator}", **JSON}
    path = f"/api/v1/operator/dead-letters/{position}/redrive"
    return Case("redrive", request("POST", path, headers, mutated(chance, {"record": record})))


WRITES: tuple[Callable[[random.Random, Scene], Case], ...] = (create, events, change, end, compact)


def _event(chance: random.Random) -> dict[str, Any]:
    data: dict[str, Any] = {chance.choice(FIELDS): _field(chance) for _ in range(chance.randint(0, 6))}
    event: dict[str, Any] = {"event_type": chance.choice(NAMES), "timestamp": "2026-01-20T10:30:00Z", "data": data}
    if chance.random() < 0.3:
        event["event_id"] = f"9b2f0000-0000-4000-8000-{chance.randrange(1 << 20):012x}"
    if chance.random() < 0.2:
        event["seq"] = chance.choice((0, -1, 1 << 53, -(1 << 53)))
    return event


def _field(chance: random.Random) -> Any:
    """What a payload holds: mostly what belongs there, but nothing of it is promised."""
    usual = (f"toolu_{chance.randrange(50)}", "Bash", "Explore", 1250, {"command": "make test"}, ["a", {"b": None}])
    value = hostile(chance) if chance.random() < 0.2 else chance.choice((*usual, *usual, chance.choice(STRINGS)))
    return value if not isinstance(value, bytes) else value.decode("latin-1")


def _session(chance: random.Random, scene: Scene) -> str:
    known = chance.choice(scene.sessions)
    if chance.random() < 0.9:
        return known
    ids = (*(wrong for wrong in IDS if wrong.isascii()), known.upper(), known[:-1] + "0", scene.run_id, known + "%00")
    return chance.choice(ids)


def _key(chance: random.Random) -> dict[str, str | bytes]:
    if chance.random() < 0.6:
        return {}
    odd: tuple[str | bytes, ...] = ("", " ", "k" * 255, "k" * 256, b"\xff\xfe", "\t", "k\tk", "é", "k" * 5_000)
    return {"Idempotency_Key": chance.choice((f"key-{chance.randrange(100)}", *odd))}
