"""Export requests as coding agents send them, in JSON, and the same in protobuf."""

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.rigs.write_api import NOW_MS

NS = 1_000_000
AT_NS = NOW_MS * NS
SESSION = "c05e7928-7809-4dc4-85de-f36fc28281e5"
_MESSAGES: Mapping[str, Any] = {
    "resourceLogs": ExportLogsServiceRequest,
    "resourceMetrics": ExportMetricsServiceRequest,
    "resourceSpans": ExportTraceServiceRequest,
}
Json = dict[str, Any]


def attributes(values: Mapping[str, Any]) -> list[Json]:
    """Return attributes, typed like the values."""
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def record(name: str, at_ns: int = AT_NS, **values: Any) -> Json:
    """Return a log record. In attribute names, ``__`` stands for a dot."""
    given = {"event.name": name, **{key.replace("__", "."): value for key, value in values.items()}}
    return {"timeUnixNano": str(at_ns), "attributes": attributes(given)}


def claude_record(name: str, sequence: int | None = 1, at_ns: int = AT_NS, **values: Any) -> Json:
    """Return a log record of Claude Code."""
    numbered = {} if sequence is None else {"event.sequence": sequence}
    return record(name, at_ns, **{"session.id": SESSION, **numbered, **values})


def logs(records: Iterable[Json], service: str | None = "claude-code", version: str = "2.1.332") -> Json:
    """Return the body of an export of log records."""
    return {"resourceLogs": [{"resource": resource(service, version), "scopeLogs": [{"logRecords": [*records]}]}]}


def point(value: float, at_ns: int = AT_NS, start_ns: int = AT_NS - NS, **values: Any) -> Json:
    """Return a data point of Claude Code."""
    given = {"session.id": SESSION, **{key.replace("__", "."): each for key, each in values.items()}}
    times = {"startTimeUnixNano": str(start_ns), "timeUnixNano": str(at_ns)}
    return {"attributes": attributes(given), "asDouble": value, **times}


def metrics(
    points: Mapping[str, Iterable[Json]], temporality: int = 1, service: str | None = "claude-code", kind: str = "sum"
) -> Json:
    """Return the body of an export of metrics, by name."""
    extra = {"aggregationTemporality": temporality, "isMonotonic": True} if kind == "sum" else {}
    found = [{"name": name, kind: {"dataPoints": [*each], **extra}} for name, each in points.items()]
    return {"resourceMetrics": [{"resource": resource(service), "scopeMetrics": [{"metrics": found}]}]}


def traces(count: int) -> Json:
    """Return the body of an export of traces."""
    span = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "claude_code.tool"}
    return {"resourceSpans": [{"resource": resource("claude-code"), "scopeSpans": [{"spans": [span] * count}]}]}


def resource(service: str | None, version: str = "2.1.332") -> Json:
    """Return a resource; without a service it gets no name."""
    return {"attributes": attributes({"service.name": service, "service.version": version} if service else {})}


def in_protobuf(body: Json) -> bytes:
    """Return the same request in protobuf."""
    (kind,) = body
    message = ParseDict(_hex_ids_in_base64(body), _MESSAGES[kind]())
    encoded: bytes = message.SerializeToString()
    return encoded


def _value(value: Any) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(each) for each in value]}}
    return {"stringValue": value}


def _hex_ids_in_base64(body: Json) -> Json:
    """Return the body with trace ids converted: OTLP has them in hex, protobuf's own JSON in base64."""
    if "resourceSpans" not in body:
        return body
    (found,) = body["resourceSpans"]
    spans = [{"name": span["name"]} for span in found["scopeSpans"][0]["spans"]]
    return {"resourceSpans": [{**found, "scopeSpans": [{"spans": spans}]}]}
