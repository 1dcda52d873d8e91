"""How many log records a second does an installation take from exporters, in JSON and in protobuf?

Requests are as Claude Code sends them: 80 KB of one session, three of four records noise, some 20 attributes a record.
Several client processes send them; the two encodings take turns in one run. With `up`, the records are projected
meanwhile, on the same cores.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from multiprocessing import get_context
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import uvloop
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from bench.harness import BenchQuestion, Figure, Report, without_mark
from bench.http_client import HttpConnection, connect
from bench.ingest import ingest_server
from bench.load import PAUSE_S, REPEATS_MAX, Target, UnexpectedResponse, percentile, request_head
from bench.population import ORG
from bench.rounds import Turn, figures_of, in_turns
from bench.services import cpu_s, http_service, temporary_folder

RECORDS_MARK = 5_000
PROCESSES, CONNECTIONS = 3, 4  # connections of a process
REQUESTS, LENGTH = 100, 10  # of a process in a turn; of a session
RECORDS = 69  # of a request: 80 KB in JSON
READY_S, SENT_S = 60.0, 300.0
NOISE = ("hook_registered", "hook_execution_start", "hook_execution_complete", "plugin_loaded")
MEDIA = {"json": "application/json", "protobuf": "application/x-protobuf"}

_COMMON = {
    "user.id": "4954cea78073409a80b6e36763261aef095ed6729eefda6dac7ad6724d89dd79",
    "anthropic.provider": "firstParty",
    "anthropic.custom_base_url": True,
    "terminal.type": "xterm-256color",
    "team": "shop",
}


class Sent(NamedTuple):
    """What one process sent: the times of its first request and its last response, and all latencies."""

    records: int
    began: float
    ended: float
    latencies: Sequence[float]


def _measure_up(report: Report) -> list[Figure]:
    with temporary_folder() as folder, http_service(folder, "up") as (server, target):
        return _measure("otlp_up", target, server.pid, report, RECORDS_MARK)


def _measure_sqlite(report: Report) -> list[Figure]:
    with temporary_folder() as folder, ingest_server(folder) as (server, target):
        return _measure("otlp_sqlite", target, server.pid, report)


def _measure(name: str, target: Target, pid: int, report: Report, mark: float | None = None) -> list[Figure]:
    """Warm up, then measure both encodings in turns over the same service."""
    latencies: dict[str, list[float]] = {encoding: [] for encoding in MEDIA}
    seeds = itertools.count()
    sides = {encoding: partial(_turn, target, pid, encoding, seeds, latencies[encoding]) for encoding in MEDIA}
    for side in sides.values():
        side()
    turns = in_turns(sides, report)
    return [
        figure
        for encoding in MEDIA
        for figure in (
            *_of_records(figures_of(f"{name} {encoding}", turns[encoding], mark)),
            without_mark(f"{name} {encoding} p99 of a request", percentile(latencies[encoding], 0.99) * 1e3, "ms"),
        )
    ]


def _of_records(figures: Sequence[Figure]) -> Iterator[Figure]:
    """Yield figures of turns with records in the place of events."""
    for figure in figures:
        unit, name = figure.unit.replace("event", "record"), figure.name.replace("events/s", "records/s")
        yield msgspec.structs.replace(figure, unit=unit, name=name)


def _turn(target: Target, pid: int, encoding: str, seeds: Iterator[int], latencies: list[float]) -> Turn:
    """Let all processes send at once; the processor time is that of the service."""
    arguments = [(target, MEDIA[encoding], _bodies(next(seeds), encoding)) for _ in range(PROCESSES)]
    context = get_context("spawn")
    ready = context.Barrier(PROCESSES + 1)
    with context.Pool(PROCESSES, ready.wait) as pool:  # their imports are not measured
        ready.wait(READY_S)
        before = cpu_s(pid)
        sent = pool.starmap_async(_send, arguments, chunksize=1).get(SENT_S)
        spent = cpu_s(pid) - before
    latencies += [latency for each in sent for latency in each.latencies]
    records = sum(each.records for each in sent)
    seconds = max(each.ended for each in sent) - min(each.began for each in sent)
    return Turn(records / seconds, spent / records * 1e6)


def _bodies(seed: int, encoding: str) -> Sequence[bytes]:
    """Return requests of several sessions, which take turns."""
    chance = Random(seed)  # noqa: S311 (made-up data)
    sessions = [str(UUID(int=chance.getrandbits(128), version=4)) for _ in range(REQUESTS // LENGTH)]
    places = itertools.product(range(LENGTH), sessions)
    return [request_body(chance, session, place * RECORDS, encoding) for place, session in places]


def _send(target: Target, media: str, bodies: Sequence[bytes]) -> Sent:
    return uvloop.run(_send_all(target, media, bodies))


async def _send_all(target: Target, media: str, bodies: Sequence[bytes]) -> Sent:
    left, latencies = iter(bodies), list[float]()
    connections = [await connect(target.host, target.port) for _ in range(CONNECTIONS)]

    async def worker(connection: HttpConnection) -> None:
        for body in left:
            began = time.perf_counter()
            await _until_accepted(connection, _head(target, media, len(body)), body)
            latencies.append(time.perf_counter() - began)

    began = time.time()
    async with asyncio.TaskGroup() as tasks:
        for connection in connections:
            tasks.create_task(worker(connection))
    return Sent(len(bodies) * RECORDS, began, time.time(), latencies)


async def _until_accepted(connection: HttpConnection, *parts: bytes) -> None:
    for _ in range(REPEATS_MAX):
        response = await connection.call(*parts)
        if response.status == 200:
            if response.body not in (b"{}", b""):
                raise UnexpectedResponse.of(response)
            return
        if response.status not in (429, 503):
            raise UnexpectedResponse.of(response)
        await asyncio.sleep(PAUSE_S)
    raise UnexpectedResponse(f"refused {REPEATS_MAX} times")


def _head(target: Target, media: str, length: int) -> bytes:
    head = request_head(target, "POST", "/otlp/v1/logs", length, org=ORG)
    return head.replace(b"Content-Type: application/json", b"Content-Type: " + media.encode())


def request_body(chance: Random, session: str, first: int, encoding: str) -> bytes:
    """Return a request as Claude Code sends it; ``first`` is the sequence number of its first record."""
    now_ms = time.time_ns() // 1_000_000
    records = [_record(chance, session, first + number, now_ms + number) for number in range(RECORDS)]
    resource = _attributes({"service.name": "claude-code", "service.version": "2.1.332", "os.type": "linux"})
    scope = {"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": records}
    body = {"resourceLogs": [{"resource": {"attributes": resource}, "scopeLogs": [scope]}]}
    if encoding == "json":
        return msgspec.json.encode(body)
    encoded: bytes = ParseDict(body, ExportLogsServiceRequest()).SerializeToString()
    return encoded


def _record(chance: Random, session: str, number: int, at_ms: int) -> dict[str, Any]:
    name, values = _kept(chance) if number % 4 == 0 else (chance.choice(NOISE), _noise(chance))
    fixed = {"session.id": session, "event.name": name, "event.sequence": number, "prompt.id": session}
    return {
        "timeUnixNano": f"{at_ms}000000",
        "observedTimeUnixNano": f"{at_ms}000000",
        "body": {"stringValue": f"claude_code.{name}"},
        "attributes": _attributes({**_COMMON, **fixed, **values}),
    }


def _kept(chance: Random) -> tuple[str, Mapping[str, Any]]:
    tool = {"tool_name": "Bash", "tool_use_id": f"toolu_{chance.getrandbits(96):024x}"}
    command = '{"command": "git status --short && make test", "description": "Run the tests"}'
    request = {
        "request_id": f"req_{chance.getrandbits(96):024x}",
        "model": "claude-opus-5-5",
        "input_tokens": 4,
        "output_tokens": chance.randrange(1_000),
        "cache_read_tokens": 14_400,
        "cost_usd": 0.116416,
        "duration_ms": chance.randrange(10_000),
        "query_source": "sdk",
    }
    result = {**tool, "success": "true", "duration_ms": "63", "tool_input": command, "tool_result_size_bytes": "80"}
    kinds = (
        ("api_request", request),
        ("tool_decision", {**tool, "decision": "accept", "source": "config", "permission_mode": "default"}),
        ("tool_result", result),
    )
    return chance.choice(kinds)


def _noise(chance: Random) -> Mapping[str, Any]:
    return {
        "hook_event": "PreToolUse",
        "hook_name": "PreToolUse:Bash",
        "num_hooks": 1,
        "num_success": "1",
        "total_duration_ms": chance.randrange(100),
        "managed_only": False,
        "hook_source": "projectSettings",
    }


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int | float):
        return {"intValue": value} if isinstance(value, int) else {"doubleValue": value}
    return {"stringValue": value}


QUESTIONS = (
    BenchQuestion("otlp_up", f"OTLP → `up`, {RECORDS} records a request, JSON and protobuf", _measure_up),
    BenchQuestion("otlp_sqlite", f"OTLP → SQLite, {RECORDS} records a request, JSON and protobuf", _measure_sqlite),
)
