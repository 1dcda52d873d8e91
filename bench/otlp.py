"""How many log records a second does `up` take from exporters, in JSON and in protobuf?

Requests are as Claude Code sends them: 80 KB, one session each, three of four records noise, some 20 attributes a
record. Several client processes send them; the two encodings take turns in one run.
"""

import asyncio
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

from bench.harness import BenchQuestion, Figure, Report, of_rounds, without_mark
from bench.http_client import HttpConnection, connect
from bench.load import PAUSE_S, REPEATS_MAX, Target, UnexpectedResponse, percentile, request_head
from bench.population import ORG
from bench.rounds import Turn, figures_of, in_turns
from bench.services import descendants_cpu_s, http_service, temporary_folder

RECORDS_MARK = 5_000
PROCESSES, CONNECTIONS = 3, 4  # connections of a process
REQUESTS = 60  # of a process in a turn
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


def _measure(report: Report) -> list[Figure]:
    with temporary_folder() as folder, http_service(folder, "up") as (_, target):
        latencies: dict[str, list[float]] = {encoding: [] for encoding in MEDIA}
        seeds = iter(range(1_000))
        sides = {name: partial(_turn, target, name, seeds, latencies[name]) for name in MEDIA}
        for side in sides.values():
            side()  # warm up
        turns = in_turns(sides, report)
    size = len(request_body(Random(0), "json"))  # noqa: S311 (made-up data)
    return [
        without_mark("otlp_up size of a request in JSON", size / 1e3, "kB"),
        *(
            figure
            for name in MEDIA
            for figure in (
                *_of_records(figures_of(f"otlp_up {name}", turns[name], RECORDS_MARK)),
                of_rounds(f"otlp_up {name} p99 of a request", [percentile(latencies[name], 0.99) * 1e3], "ms"),
            )
        ),
    ]


def _of_records(figures: Sequence[Figure]) -> Iterator[Figure]:
    """Yield figures of turns with records in the place of events."""
    for figure in figures:
        unit, name = figure.unit.replace("event", "record"), figure.name.replace("events/s", "records/s")
        yield msgspec.structs.replace(figure, unit=unit, name=name)


def _turn(target: Target, encoding: str, seeds: Iterator[int], latencies: list[float]) -> Turn:
    """Let all processes send at once; the processor time is that of the installation alone."""
    arguments = [(target, MEDIA[encoding], _bodies(next(seeds), encoding)) for _ in range(PROCESSES)]
    context = get_context("spawn")
    ready = context.Barrier(PROCESSES + 1)
    with context.Pool(PROCESSES, ready.wait) as pool:  # their imports are not measured
        ready.wait(READY_S)
        before = descendants_cpu_s()
        sent = pool.starmap_async(_send, arguments, chunksize=1).get(SENT_S)
        spent = descendants_cpu_s() - before - sum(each.processor_s for each in sent)
    latencies += [latency for each in sent for latency in each.sent.latencies]
    records = sum(each.sent.records for each in sent)
    seconds = max(each.sent.ended for each in sent) - min(each.sent.began for each in sent)
    return Turn(records / seconds, spent / records * 1e6)


def _bodies(seed: int, encoding: str) -> Sequence[bytes]:
    chance = Random(seed)  # noqa: S311 (made-up data)
    return [request_body(chance, encoding) for _ in range(REQUESTS)]


class _Process(NamedTuple):
    sent: Sent
    processor_s: float  # of the client, which is a descendant as well


def _send(target: Target, media: str, bodies: Sequence[bytes]) -> _Process:
    began = time.process_time()
    sent = uvloop.run(_send_all(target, media, bodies))
    return _Process(sent, time.process_time() - began)


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


def request_body(chance: Random, encoding: str) -> bytes:
    """Return a request of a session of its own, as Claude Code sends it."""
    session, now_ms = str(UUID(int=chance.getrandbits(128), version=4)), time.time_ns() // 1_000_000
    records = [_record(chance, session, number, now_ms + number) for number in range(RECORDS)]
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


QUESTIONS = (BenchQuestion("otlp_up", f"OTLP → `up`, {RECORDS} records a request, JSON and protobuf", _measure),)
