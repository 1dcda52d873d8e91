"""Arize Phoenix with its defaults, and hook events as the spans that it receives: a session is a trace.

Phoenix stores spans in SQLite; they are counted there directly, which costs Phoenix nothing.
"""

import contextlib
import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import uvloop
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from bench.api import Target, on_connections, send
from bench.http_client import HttpConnection
from bench.payloads import BATCH, make_scripts, place_in_script
from bench.population import draw_sessions, take_turns
from bench.services import HOST, process, temporary_folder, wait_until
from devstack.supervisor.process import Process
from ingest.intake.times import parse_instant
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port
from schemas.http.requests import RecordEvent, RecordEvents

PACKAGE = "arize-phoenix"
CONNECTIONS = 4
START_S = 180.0
_NANO = 1_000_000  # in a millisecond


@contextlib.contextmanager
def running_phoenix(python: Path) -> Iterator[tuple[Process, Path, int]]:
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
            wait_until(lambda: answers_200(HOST, port, "/healthz"), running, folder, START_S)
            yield running, folder, port


def count_spans(folder: Path) -> int:
    """Return how many spans are stored."""
    file = folder / "data" / "phoenix.db"
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30.0)) as connection:
        return int(connection.execute("SELECT count(*) FROM spans").fetchone()[0])


def send_spans(port: int, events: int) -> None:
    """Send events as spans, `BATCH` in a request."""
    bodies = _bodies(events)

    async def worker(connection: HttpConnection) -> None:
        for body in bodies:
            head = f"POST /v1/traces HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/x-protobuf\r\n"
            await send(connection, f"{head}Content-Length: {len(body)}\r\n\r\n".encode(), body)

    uvloop.run(on_connections(Target(HOST, port, {}), CONNECTIONS, worker))


def _bodies(events: int) -> Iterator[bytes]:
    scripts, sessions = make_scripts(), draw_sessions(events // BATCH, BATCH)
    traces = [uuid.uuid4().bytes for _ in sessions]
    for request in take_turns(sessions):
        script, place = place_in_script(request, len(scripts[0]))
        body = msgspec.json.decode(scripts[script][place], type=RecordEvents)
        yield encode_spans(sessions[request.session].org, traces[request.session], body.events)


def encode_spans(project: str, trace_id: bytes, events: Sequence[RecordEvent]) -> bytes:
    """Return the body of an export request in protobuf."""
    resource = Resource(attributes=_attributes({"openinference.project.name": project}))
    spans = ScopeSpans(spans=[_span(trace_id, event) for event in events])
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(resource=resource, scope_spans=[spans])])
    encoded: bytes = request.SerializeToString()
    return encoded


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
