"""How does `up` compare with Arize Phoenix, the nearest peer that can be installed from PyPI?

Both get the same events: `up` as hook events, Phoenix as OTLP spans over HTTP, one for each event, where a session is a
trace. Both run on defaults with a new folder and take turns, each until every event can be read. Phoenix stores spans
in SQLite; they are counted there directly, which costs Phoenix nothing.
"""

import contextlib
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import msgspec
import uvloop
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from bench.api import Target
from bench.baselines.environments import python_with
from bench.end_to_end import send_until_visible
from bench.load import send_all
from bench.population import BATCH, draw_sessions, make_scripts, place_in_script, take_turns
from bench.question import BenchQuestion, Figure, Report, Turn, Wanted, compare, figure, figures_of, in_turns
from bench.services import HOST, installation, process, temporary_folder, wait_until
from bench.usage import cpu_s, disk_bytes, resident_mb
from devstack.supervisor.process import Process
from ingest.intake.times import parse_instant
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port
from schemas.http.requests import RecordEvent, RecordEvents

PACKAGE = "arize-phoenix"
UP_EVENTS, UP_WARM_UP_EVENTS = 100_000, 20_000
PHOENIX_EVENTS, PHOENIX_WARM_UP_EVENTS = 4_000, 500
PHOENIX_CONNECTIONS, PHOENIX_START_S = 4, 180.0
WANTED = Wanted(rate=1.0)
LIMIT_S, POLL_S = 300.0, 0.1
_NANO = 1_000_000  # in a millisecond


class Measured(NamedTuple):
    """What one turn measured: its speed, bytes per event on disk, and memory in MB."""

    turn: Turn
    disk: float
    memory_mb: float


@contextlib.contextmanager
def _running_phoenix(python: Path) -> Iterator[tuple[Process, Path, int]]:
    """Run it with a new folder; yields the process, the folder and the port when it is ready."""
    with temporary_folder() as folder:
        port = free_port()
        env = {
            "PHOENIX_WORKING_DIR": str(folder / "data"),
            "PHOENIX_HOST": HOST,
            "PHOENIX_PORT": str(port),
            "PHOENIX_GRPC_PORT": str(free_port()),
            "PHOENIX_TELEMETRY_ENABLED": "false",
        }
        with process([str(python.parent / "phoenix"), "serve"], folder / "phoenix.log", env) as running:
            wait_until(lambda: answers_200(HOST, port, "/healthz"), running, folder, PHOENIX_START_S)
            yield running, folder, port


def _count_spans(folder: Path) -> int:
    file = folder / "data" / "phoenix.db"
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30.0)) as connection:
        return int(connection.execute("SELECT count(*) FROM spans").fetchone()[0])


def _bodies(events: int) -> Iterator[bytes]:
    scripts, sessions = make_scripts(), draw_sessions(events // BATCH, BATCH)
    traces = [uuid.uuid4().bytes for _ in sessions]
    for request in take_turns(sessions):
        script, place = place_in_script(request, len(scripts[0]))
        body = msgspec.json.decode(scripts[script][place], type=RecordEvents)
        spans = ScopeSpans(spans=[_span(traces[request.session], event) for event in body.events])
        resource = Resource(attributes=_attributes({"openinference.project.name": sessions[request.session].org}))
        of_resource = ResourceSpans(resource=resource, scope_spans=[spans])
        yield ExportTraceServiceRequest(resource_spans=[of_resource]).SerializeToString()


def _span(trace_id: bytes, event: RecordEvent) -> Span:
    at = parse_instant(event.timestamp) * _NANO
    attributes = {
        "openinference.span.kind": "TOOL" if "Tool" in event.event_type else "CHAIN",
        "session.id": trace_id.hex(),
        "input.value": bytes(event.data).decode(),
        "input.mime_type": "application/json",
    }
    return Span(
        trace_id=trace_id,
        span_id=uuid.uuid4().bytes[:8],
        name=event.event_type,
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=at,
        end_time_unix_nano=at + _NANO,
        attributes=_attributes(attributes),
    )


def _attributes(values: Mapping[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in values.items()]


def _run_up(report: Report) -> Measured:
    with installation("up") as service:
        send_until_visible(service.target, UP_WARM_UP_EVENTS, report)
        before = disk_bytes(service.folder)
        turn = send_until_visible(service.target, UP_EVENTS, report, UP_WARM_UP_EVENTS).turn
        return Measured(turn, (disk_bytes(service.folder) - before) / UP_EVENTS, resident_mb(service.pid))


def _run_phoenix(python: Path, report: Report) -> Measured:
    with _running_phoenix(python) as (running, folder, port):
        head = f"POST /v1/traces HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/x-protobuf\r\n"

        def send_and_wait(events: int) -> None:
            wanted = _count_spans(folder) + events
            requests = ((f"{head}Content-Length: {len(body)}\r\n\r\n".encode(), body) for body in _bodies(events))
            uvloop.run(send_all(Target(HOST, port, {}), requests, lambda *_: None, connections=PHOENIX_CONNECTIONS))
            report(f"waiting for {wanted:,} spans")
            wait_until(lambda: _count_spans(folder) >= wanted, running, folder, LIMIT_S, POLL_S)

        send_and_wait(PHOENIX_WARM_UP_EVENTS)
        before, cpu, begun = disk_bytes(folder), cpu_s(running.pid), perf_counter()
        send_and_wait(PHOENIX_EVENTS)
        seconds, used = perf_counter() - begun, cpu_s(running.pid) - cpu
        disk = (disk_bytes(folder) - before) / PHOENIX_EVENTS
        return Measured(Turn(PHOENIX_EVENTS / seconds, used / PHOENIX_EVENTS * 1e6), disk, resident_mb(running.pid))


def _measure(report: Report) -> list[Figure]:
    python = python_with(PACKAGE, report)
    found = in_turns({"up": partial(_run_up, report), "phoenix": partial(_run_phoenix, python, report)}, report)
    turns = {side: [each.turn for each in measured] for side, measured in found.items()}
    figures = []
    for side, measured in found.items():
        figures += [
            *figures_of(f"peers {side}", turns[side]),
            figure(f"peers {side} disk", [each.disk for each in measured], "B/event"),
            figure(f"peers {side} memory", [each.memory_mb for each in measured], "MB"),
        ]
    return [*figures, *compare("up_vs_phoenix", turns["up"], turns["phoenix"], "Arize Phoenix", WANTED)]


QUESTIONS = (BenchQuestion("peers", "`up` and Arize Phoenix, until visible", _measure, only_by_name=True),)
