"""Exports of telemetry: counted ones, and ones that are mutated, mistyped or at a limit, in JSON and protobuf."""

import json
import random
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from agents.exported import ITEMS_MAX, SESSIONS_MAX
from tests.fuzz.agent_writes import agent_write, client_session
from tests.fuzz.attack_setup import AttackSetup
from tests.fuzz.case import JSON, Case, gzipped
from tests.fuzz.hostile import SECRETS, mutated
from tests.fuzz.otlp_wire import mutated_message, nested, odd_message
from tests.support.clients.otlp import AT_NS, claude_record, in_protobuf, logs, metrics, point, record, traces

PROTOBUF = {"Content-Type": "application/x-protobuf"}
SIGNALS = ("logs", "metrics", "traces")
_EVENTS = ("api_request", "api_error", "user_prompt", "tool_result", "tool_decision", "compaction", "hook_registered")
_METRICS = ("claude_code.commit.count", "claude_code.lines_of_code.count", "claude_code.cost.usage")
_WRONG_TIMES = (1, (1 << 63) - 1)
_TYPES = (
    *("application/json", "application/x-protobuf", "application/x-protobuf; charset=x", "APPLICATION/JSON", "", ";;;"),
    *("application/json; charset=utf-8", "application/json;charset=UTF-16", "application/json, text/html", "a" * 900),
)


class Counted(NamedTuple):
    """An export, how many items it has, and how many of them have to be refused."""

    body: dict[str, Any]
    items: int
    refused: int


def otlp(chance: random.Random, setup: AttackSetup) -> Case:
    """Make an export of several items."""
    return chance.choice((_as_counted, _as_counted, _in_json, _in_protobuf, _of_the_wire, _mistyped))(chance, setup)


def otlp_large(chance: random.Random, setup: AttackSetup) -> Case:
    """Make an export at a limit, or beyond it."""
    name = chance.choice(list(_LARGE))
    large = _LARGE[name]
    headers = {"Content-Encoding": "gzip", **(PROTOBUF if large.is_protobuf else JSON)}
    path, about = f"/otlp/v1/{large.signal}", {"items": large.items, "refused": large.refused}
    return agent_write(chance, setup, path, _packed(name), headers, **about)._replace(name=name)


def _as_counted(chance: random.Random, setup: AttackSetup) -> Case:
    signal = chance.choice(SIGNALS)
    body, items, refused = _COUNTED[signal](chance)
    raw, headers = (in_protobuf(body), PROTOBUF) if chance.random() < 0.5 else (json.dumps(body).encode(), JSON)
    return agent_write(chance, setup, f"/otlp/v1/{signal}", raw, headers, items=items, refused=refused)


def _in_json(chance: random.Random, setup: AttackSetup) -> Case:
    signal = chance.choice(SIGNALS)
    return agent_write(chance, setup, f"/otlp/v1/{signal}", mutated(chance, _COUNTED[signal](chance).body), JSON)


def _in_protobuf(chance: random.Random, setup: AttackSetup) -> Case:
    signal = chance.choice(SIGNALS)
    raw = mutated_message(chance, in_protobuf(_COUNTED[signal](chance).body))
    return agent_write(chance, setup, f"/otlp/v1/{signal}", raw, PROTOBUF)


def _of_the_wire(chance: random.Random, setup: AttackSetup) -> Case:
    return agent_write(chance, setup, f"/otlp/v1/{chance.choice(SIGNALS)}", odd_message(chance), PROTOBUF)


def _mistyped(chance: random.Random, setup: AttackSetup) -> Case:
    """Label an export with another type, or send it to the address of another signal."""
    body = _COUNTED[chance.choice(SIGNALS)](chance).body
    raw = in_protobuf(body) if chance.random() < 0.5 else json.dumps(body).encode()
    kind = chance.choice(_TYPES)
    return agent_write(chance, setup, f"/otlp/v1/{chance.choice(SIGNALS)}", raw, {"Content-Type": kind})


def _some_logs(chance: random.Random) -> Counted:
    good = [_log_record(chance, number) for number in range(chance.choice((0, 1, 5, 30)))]
    no_session = [record("user_prompt")] * chance.randint(0, 2)
    early = [claude_record("user_prompt", at_ns=chance.choice(_WRONG_TIMES))] * chance.randint(0, 2)
    unknown = [record("x")] * chance.randint(0, 2)
    known = [*good, *no_session, *early]
    chance.shuffle(known)
    parts = [*logs(known)["resourceLogs"], *logs(unknown, service="nginx")["resourceLogs"]]
    return Counted({"resourceLogs": parts}, len(known) + len(unknown), len(known) - len(good) + len(unknown))


def _log_record(chance: random.Random, number: int) -> dict[str, Any]:
    values = {
        "session.id": client_session(chance),
        "prompt": chance.choice(SECRETS),
        "request_id": f"req_{chance.randrange(100)}",
        "model": chance.choice(("claude-sonnet-4-5", "m[1m]", "")),
        "output_tokens": chance.choice((5, -1, 1 << 62, "7", "9" * 30, 1.5, True, [1])),
    }
    return claude_record(chance.choice(_EVENTS), chance.choice((number, None)), AT_NS + number, **values)


def _some_metrics(chance: random.Random) -> Counted:
    good = [_point(chance, chance.choice((0, 1, 2.5, 1e300))) for _ in range(chance.choice((0, 1, 5, 30)))]
    negative = [_point(chance, -1.0)] * chance.randint(0, 2)
    early = [point(1, chance.choice(_WRONG_TIMES))] * chance.randint(0, 2)
    gauges = [_point(chance, 1.0)] * chance.randint(0, 2)
    sums = metrics({_METRICS[0]: [*good, *negative, *early], _METRICS[2]: good}, chance.choice((1, 2)))
    parts = [*sums["resourceMetrics"], *metrics({_METRICS[0]: gauges}, kind="gauge")["resourceMetrics"]]
    refused = len(negative) + len(early) + len(gauges)
    return Counted({"resourceMetrics": parts}, 2 * len(good) + refused, refused)


def _point(chance: random.Random, value: float) -> dict[str, Any]:
    return point(value, AT_NS + chance.randrange(1_000), **{"session.id": client_session(chance)})


def _some_traces(chance: random.Random) -> Counted:
    count = chance.choice((0, 1, 100))
    return Counted(traces(count), count, 0)


_COUNTED: dict[str, Callable[[random.Random], Counted]] = {
    "logs": _some_logs,
    "metrics": _some_metrics,
    "traces": _some_traces,
}


class _Large(NamedTuple):
    signal: str
    make: Callable[[], bytes]
    items: int = -1
    refused: int = -1
    is_protobuf: bool = False


def _log_records_of(sessions: int) -> dict[str, Any]:
    return logs(claude_record("user_prompt", **{"session.id": f"many-{number}"}) for number in range(sessions))


def _points_of(sessions: int) -> dict[str, Any]:
    """Return points of as many sessions, in metrics that are small enough in protobuf."""
    points = [point(1, **{"session.id": f"many-{number}"}) for number in range(sessions)]
    parts = [metrics({_METRICS[0]: points[n : n + 5_000]})["resourceMetrics"][0] for n in range(0, sessions, 5_000)]
    return {"resourceMetrics": parts}


_MANY = {"items": ITEMS_MAX, "refused": ITEMS_MAX - SESSIONS_MAX}
_LARGE: dict[str, _Large] = {
    "as many sessions as allowed": _Large(
        "logs", lambda: json.dumps(_log_records_of(SESSIONS_MAX)).encode(), SESSIONS_MAX, 0
    ),
    "log records of many sessions": _Large("logs", lambda: json.dumps(_log_records_of(ITEMS_MAX)).encode(), **_MANY),
    "points of many sessions": _Large("metrics", lambda: in_protobuf(_points_of(ITEMS_MAX)), **_MANY, is_protobuf=True),
    "20,001 log records": _Large("logs", lambda: json.dumps(_log_records_of(ITEMS_MAX + 1)).encode()),
    "a million log records": _Large(
        "logs", lambda: b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[' + b"{}," * 999_999 + b"{}]}]}]}"
    ),
    "empty log records": _Large("logs", lambda: nested(b"\x12\x00" * (5 << 20)), is_protobuf=True),
    "as many empty log records as allowed": _Large(
        "logs", lambda: nested(b"\x12\x00" * ITEMS_MAX), ITEMS_MAX, ITEMS_MAX, is_protobuf=True
    ),
    "resources": _Large("metrics", lambda: b"\x0a\x00" * (5 << 20), is_protobuf=True),
    "20,000 spans": _Large("traces", lambda: nested(b"\x12\x00" * ITEMS_MAX), ITEMS_MAX, 0, is_protobuf=True),
    "100,000 deep": _Large("logs", lambda: b'{"other":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "a long text": _Large(
        "logs", lambda: json.dumps(logs([claude_record("user_prompt", prompt="x" * 9_000_000)])).encode()
    ),
    "a bomb": _Large("traces", lambda: bytes(12 << 20), is_protobuf=True),
}


@lru_cache(maxsize=len(_LARGE))
def _packed(name: str) -> bytes:
    return gzipped(_LARGE[name].make(), 1)
