"""Hooks as agents and hook clients send them: single payloads and batches, mutated, counted, and at their limits."""

import json
import random
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from agents import CLIENTS
from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.http.requests import EVENT_BYTES_MAX, EVENTS_PER_REQUEST_MAX, SESSIONS_PER_BATCH_MAX
from tests.fuzz.agent_writes import agent_write, client_session
from tests.fuzz.attack_setup import AttackSetup
from tests.fuzz.case import JSON, Case, gzipped
from tests.fuzz.hostile import SECRETS, STRINGS, TIMES, hostile, mutated

AT = "2026-01-20T10:30:00Z"
NAMES = (*sorted(KNOWN_EVENT_TYPES), "ApiRequest", "BrandNewKind", "a.b:c_d-e")
FIELDS = (
    *("tool_name", "tool_use_id", "tool_input", "tool_response", "agent_id", "agent_type", "task_id", "task_subject"),
    *("prompt", "source", "model", "session_title", "duration_ms", "error", "message", "cwd", "trigger", "tool_calls"),
)
_OF_OTHERS = ("BeforeTool", "AfterTool", "AfterAgent", "BeforeModel", "agent-turn-complete")
_NO_CLIENTS = ("x", "Claude-Code", "claude-code%00", "%2e%2e", "claude_code", "c" * 300, quote("clåude-code"))


def hooks(chance: random.Random, setup: AttackSetup) -> Case:
    """Make one payload, or a batch of several."""
    return chance.choice((_one_payload, _one_payload, _mutated_batch, _mutated_batch, _counted_batch))(chance, setup)


def hooks_large(chance: random.Random, setup: AttackSetup) -> Case:
    """Make a payload or a batch at a limit, or beyond it."""
    name = chance.choice(list(_LARGE))
    about = {"items": _LARGE[name].items, "refused": _LARGE[name].refused}
    path, headers = _path(chance), {**JSON, "Content-Encoding": "gzip"}
    return agent_write(chance, setup, path, _packed(name), headers, **about)._replace(name=name)


def _one_payload(chance: random.Random, setup: AttackSetup) -> Case:
    path = _path(chance) if chance.random() < 0.95 else f"/hooks/{chance.choice(_NO_CLIENTS)}"
    return agent_write(chance, setup, path, mutated(chance, _payload(chance)), JSON)


def _mutated_batch(chance: random.Random, setup: AttackSetup) -> Case:
    batch = {
        "hooks": [_hook(chance) for _ in range(chance.choice((0, 1, 2, 10)))],
        "reports": [_report(chance) for _ in range(chance.choice((0, 0, 1, 3)))],
    }
    return agent_write(chance, setup, _path(chance), mutated(chance, batch), JSON)


def _counted_batch(chance: random.Random, setup: AttackSetup) -> Case:
    """Make a batch of valid and invalid hooks, and of reports, which are not counted."""
    good = [{**_hook(chance), "at": AT} for _ in range(chance.randint(1, 10))]
    bad = [{**_hook(chance), **chance.choice(_WRONG)} for _ in range(chance.randint(0, 5))]
    items = [*good, *bad]
    chance.shuffle(items)
    body = json.dumps({"hooks": items, "reports": [_report(chance)]}).encode()
    return agent_write(chance, setup, _path(chance), body, JSON, items=len(items), refused=len(bad))


_WRONG: tuple[dict[str, Any], ...] = (
    {"at": "1999-12-31T23:59:59Z"},
    {"at": "2105-01-01T00:00:00Z"},
    {"at": "yesterday"},
    {"id": "x"},
    {"payload": 5},
    {"payload": {"hook_event_name": "Stop"}},
    {"payload": {"session_id": "", "hook_event_name": "Stop"}},
    {"payload": {"session_id": "s" * 401, "hook_event_name": "Stop"}},
    {"payload": {"session_id": "s", "hook_event_name": "not a name"}},
    {"context": {"attended": "yes"}},
    {"other": 1},
)


def _path(chance: random.Random) -> str:
    return f"/hooks/{chance.choice(sorted(CLIENTS))}"


def _payload(chance: random.Random) -> dict[str, Any]:
    named = {"session_id": client_session(chance), "hook_event_name": chance.choice((*NAMES, *_OF_OTHERS))}
    some = {chance.choice(FIELDS): _value(chance) for _ in range(chance.randint(0, 6))}
    if chance.random() < 0.2:
        some["timestamp"] = chance.choice(TIMES)
    return {**named, **some}


def _value(chance: random.Random) -> Any:
    usual = (f"toolu_{chance.randrange(50)}", "Bash", 1250, {"command": "make test"}, ["a", {"b": None}], "error")
    value = hostile(chance) if chance.random() < 0.2 else chance.choice((*usual, *SECRETS))
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _hook(chance: random.Random) -> dict[str, Any]:
    payload = {"session_id": client_session(chance), "hook_event_name": chance.choice(NAMES), "prompt": "go"}
    hook = {"id": f"9b2f0000-0000-4000-8000-{chance.randrange(1 << 20):012x}", "payload": payload, "at": AT}
    return {**hook, "context": _context(chance)} if chance.random() < 0.5 else hook


def _context(chance: random.Random) -> dict[str, Any]:
    return {
        "attended": chance.choice((True, False, None)),
        "remote_url": chance.choice(("git@github.com:acme/backend", "https://u:p@example.com/x.git", "::", "")),
        "branch": chance.choice(("main", None, "é" * 200)),
        "client_version": "2.1.332",
        "process": chance.choice((0, 10_061, 1 << 53)),
        "parent": {"session_id": client_session(chance), "relation": chance.choice(("fork", "clear"))},
    }


def _report(chance: random.Random) -> dict[str, Any]:
    tokens = chance.choice((0, 5, -1, 1 << 53, (1 << 53) + 1, 1.5))
    models = [{"model": chance.choice(("m", "m[1m]", chance.choice(STRINGS[:9]))), "input_tokens": tokens}]
    return {
        "session_id": client_session(chance),
        "at": chance.choice((AT, None, "1999-01-01T00:00:00Z")),
        "model_metrics": chance.choice(({"models": models}, {"input_tokens": tokens, "cost_usd": 1e6}, None)),
        "work": chance.choice(({"lines_added": 1, "active_seconds": 1e12}, {"commits": -1}, None)),
        "incomplete": chance.choice((True, False)),
    }


class _Large(NamedTuple):
    make: Callable[[], bytes]
    items: int = -1
    refused: int = -1


def _batch(count: int, sessions: int, reports: int = 0) -> bytes:
    """Return a batch of hooks with as many sessions, and of reports about further sessions."""
    items = [
        {
            "id": f"9b2f0000-0000-4000-8000-{number:012x}",
            "payload": {"session_id": f"many-{number % sessions}", "hook_event_name": "Notification"},
        }
        for number in range(count)
    ]
    further = [{"session_id": f"more-{number}", "work": {"commits": 1}} for number in range(reports)]
    return json.dumps({"hooks": items, "reports": further}).encode()


def _payload_with(value: bytes) -> bytes:
    return b'{"session_id":"large","hook_event_name":"PostToolUse","tool_input":' + value + b"}"


_LARGE: dict[str, _Large] = {
    "5,000 hooks of 7 sessions": _Large(lambda: _batch(EVENTS_PER_REQUEST_MAX, 7), EVENTS_PER_REQUEST_MAX, 0),
    "5,001 hooks": _Large(lambda: _batch(EVENTS_PER_REQUEST_MAX + 1, 7)),
    "hooks of as many sessions as allowed": _Large(
        lambda: _batch(SESSIONS_PER_BATCH_MAX, SESSIONS_PER_BATCH_MAX), SESSIONS_PER_BATCH_MAX, 0
    ),
    "hooks and reports of 6,000 sessions": _Large(lambda: _batch(5_000, 5_000, 1_000)),
    "a million wrong hooks": _Large(lambda: b'{"hooks":[' + b"0," * 999_999 + b"0]}"),
    "5,000 wrong hooks": _Large(lambda: b'{"hooks":[' + b"0," * 4_999 + b"0]}"),
    "a payload of 1 MiB and a byte": _Large(lambda: _payload_with(b'"' + b"a" * EVENT_BYTES_MAX + b'"')),
    "a payload of 1 MB": _Large(lambda: _payload_with(b'"' + b"a" * 1_000_000 + b'"')),
    "a payload that is 100,000 deep": _Large(lambda: _payload_with(b"[" * 100_000 + b"]" * 100_000)),
    "a payload of surrogates": _Large(lambda: _payload_with(b'"' + b"\\ud800" * 150_000 + b'"')),
    "a long client session": _Large(lambda: b'{"session_id":"%s","hook_event_name":"Stop"}' % (b"s" * 1_000_000)),
    "a bomb": _Large(lambda: b" " * (12 << 20)),
}


@lru_cache(maxsize=len(_LARGE))
def _packed(name: str) -> bytes:
    return gzipped(_LARGE[name].make(), 1)
