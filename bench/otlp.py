"""How many log records per second does an installation take from exporters, in JSON and in protobuf?

A client sends log records as Claude Code exports them on several connections: 80 KB a request, three of four records
noise, 20 attributes a record. The two encodings take turns in one run. `up` projects the records meanwhile, on the same
cores.
"""

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from random import Random
from time import perf_counter
from typing import Any
from uuid import UUID

import msgspec
import uvloop
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from bench.api import Response, UnexpectedResponse, request_head
from bench.ingest import ingest_into_sqlite
from bench.load import send_all
from bench.question import BenchQuestion, Figure, Report, Turn, figure, in_turns, percentile
from bench.services import Service, installation
from bench.usage import cpu_s

RECORDS_MARK = 5_000
CONNECTIONS = 12
REQUESTS, LENGTH = 300, 10  # requests in a turn, and of a session
MEDIA = {"json": "application/json", "protobuf": "application/x-protobuf"}
RECORDS = 69  # in a request: 80 KB in JSON
Attributes = Mapping[str, str | int | float | bool]
_RESOURCE: Attributes = {"service.name": "claude-code", "service.version": "2.1.332", "os.type": "linux"}
_COMMON: Attributes = {
    "user.id": "4954cea78073409a80b6e36763261aef095ed6729eefda6dac7ad6724d89dd79",
    "anthropic.provider": "firstParty",
    "anthropic.custom_base_url": True,
    "terminal.type": "xterm-256color",
    "team": "shop",
}
_NOISE: Attributes = {
    "hook_event": "PreToolUse",
    "hook_name": "PreToolUse:Bash",
    "num_hooks": 1,
    "num_success": "1",
    "managed_only": False,
    "hook_source": "projectSettings",
}
_NOISE_EVENTS = ("hook_registered", "hook_execution_start", "hook_execution_complete", "plugin_loaded")
_COMMAND = '{"command": "git status --short && make test", "description": "Run the tests"}'
_VALUE_FIELDS = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}


def _measure(name: str, running: AbstractContextManager[Service], mark: float | None, report: Report) -> list[Figure]:
    """Warm up, then measure both encodings in turns over the same service."""
    latencies: dict[str, list[float]] = {encoding: [] for encoding in MEDIA}
    seeds = itertools.count()
    with running as service:
        sides = {encoding: partial(_turn, service, encoding, seeds, latencies[encoding]) for encoding in MEDIA}
        for side in sides.values():
            side()
        turns = in_turns(sides, report)
    return [
        one
        for encoding in MEDIA
        for one in (
            figure(f"{name} {encoding} records/s", [turn.rate for turn in turns[encoding]], "records/s", at_least=mark),
            figure(f"{name} {encoding} processor time", [turn.cpu_us for turn in turns[encoding]], "µs/record"),
            figure(f"{name} {encoding} p99 of a request", percentile(latencies[encoding], 0.99) * 1e3, "ms"),
        )
    ]


def _turn(service: Service, encoding: str, seeds: Iterator[int], latencies: list[float]) -> Turn:
    """Send all requests of a turn, which are built before; the processor time is that of the service."""
    bodies = _bodies(next(seeds), encoding)
    before, began = cpu_s(service.pid), perf_counter()
    head = partial(request_head, service.target, "POST", "/otlp/v1/logs", media=MEDIA[encoding])
    requests = ((head(len(body)), body) for body in bodies)
    latencies += uvloop.run(send_all(service.target, requests, _check_all_taken, connections=CONNECTIONS))
    seconds, records = perf_counter() - began, len(bodies) * RECORDS
    return Turn(records / seconds, (cpu_s(service.pid) - before) / records * 1e6)


def _check_all_taken(_: int, response: Response) -> None:
    if response.body not in (b"{}", b""):
        raise UnexpectedResponse.of(response)


def _bodies(seed: int, encoding: str) -> Sequence[bytes]:
    chance = Random(seed)  # noqa: S311 (made-up data)
    sessions = [str(UUID(int=chance.getrandbits(128), version=4)) for _ in range(REQUESTS // LENGTH)]
    places = itertools.product(range(LENGTH), sessions)
    return [_request_body(chance, session, place * RECORDS, encoding) for place, session in places]


def _request_body(chance: Random, session: str, first: int, encoding: str) -> bytes:
    """Return a request in JSON or protobuf; ``first`` is the sequence number of its first record."""
    now_ms = time.time_ns() // 1_000_000
    records = [_record(chance, session, first + number, now_ms + number) for number in range(RECORDS)]
    scope = {"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": records}
    body = {"resourceLogs": [{"resource": {"attributes": _attributes(_RESOURCE)}, "scopeLogs": [scope]}]}
    if encoding == "json":
        return msgspec.json.encode(body)
    encoded: bytes = ParseDict(body, ExportLogsServiceRequest()).SerializeToString()
    return encoded


def _record(chance: Random, session: str, number: int, at_ms: int) -> dict[str, Any]:
    name, values = _event(chance, is_noise=number % 4 != 0)
    fixed: Attributes = {"session.id": session, "event.name": name, "event.sequence": number, "prompt.id": session}
    return {
        "timeUnixNano": f"{at_ms}000000",
        "observedTimeUnixNano": f"{at_ms}000000",
        "body": {"stringValue": f"claude_code.{name}"},
        "attributes": _attributes({**_COMMON, **fixed, **values}),
    }


def _event(chance: Random, is_noise: bool) -> tuple[str, Attributes]:
    if is_noise:
        return chance.choice(_NOISE_EVENTS), {**_NOISE, "total_duration_ms": chance.randrange(100)}
    tool: Attributes = {"tool_name": "Bash", "tool_use_id": f"toolu_{chance.getrandbits(96):024x}"}
    request: Attributes = {
        "request_id": f"req_{chance.getrandbits(96):024x}",
        "model": "claude-opus-5-5",
        "input_tokens": 4,
        "output_tokens": chance.randrange(1_000),
        "cache_read_tokens": 14_400,
        "cost_usd": 0.116416,
        "duration_ms": chance.randrange(10_000),
        "query_source": "sdk",
    }
    result = {"success": "true", "duration_ms": "63", "tool_input": _COMMAND, "tool_result_size_bytes": "80"}
    kinds: tuple[tuple[str, Attributes], ...] = (
        ("api_request", request),
        ("tool_decision", {**tool, "decision": "accept", "source": "config", "permission_mode": "default"}),
        ("tool_result", {**tool, **result}),
    )
    return chance.choice(kinds)


def _attributes(values: Attributes) -> list[dict[str, Any]]:
    """Return attributes in the JSON form of OTLP."""
    return [{"key": key, "value": {_VALUE_FIELDS[type(value)]: value}} for key, value in values.items()]


QUESTIONS = (
    BenchQuestion(
        "otlp_up",
        f"OTLP → `up`, {RECORDS} records a request, JSON and protobuf",
        lambda report: _measure("otlp_up", installation("up"), RECORDS_MARK, report),
    ),
    BenchQuestion(
        "otlp_sqlite",
        f"OTLP → SQLite, {RECORDS} records a request, JSON and protobuf",
        lambda report: _measure("otlp_sqlite", ingest_into_sqlite(), None, report),
    ),
)
