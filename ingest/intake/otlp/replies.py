"""Replies to export requests, in the encoding of the request. Pure."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb2

from agents.exported import SESSIONS_MAX
from ingest.intake.otlp.gather import Outcome
from schemas.http.otlp import ExportedLogs, ExportedMetrics, ExportedTraces, PartialLogs, PartialPoints, PartialSpans

_INVALID_ARGUMENT = 3  # of google.rpc.Code
_REFUSED: Mapping[Outcome, str] = {
    "unknown_service": "of an unknown service",
    "no_session": "without a session id",
    "too_many_sessions": f"beyond the first {SESSIONS_MAX} sessions of the request (export smaller batches)",
    "time_out_of_range": "with a time before 2000-01-01 or more than 24 hours from now",
    "no_sum": "of a metric that isn't a sum with a known temporality",
    "wrong_value": "with a value or a type that is not known",
    "too_large": "of more than 1,048,576 bytes",
}


class Refused(NamedTuple):
    """How many items of a request were refused, and a message for the exporter's operator; empty if there is none."""

    items: int
    message: str


def refused(outcomes: Mapping[Outcome, int]) -> Refused:
    """Return what a request's reply has to say."""
    parts = [f"{count} {_REFUSED[outcome]}" for outcome, count in outcomes.items() if outcome in _REFUSED]
    return Refused(sum(outcomes.get(outcome, 0) for outcome in _REFUSED), ", ".join(parts))


def logs_in_json(what: Refused) -> bytes:
    """Return the reply to ``/v1/logs`` in JSON."""
    partial = PartialLogs(str(what.items), what.message)
    return msgspec.json.encode(ExportedLogs(partial) if what.message else ExportedLogs())


def metrics_in_json(what: Refused) -> bytes:
    """Return the reply to ``/v1/metrics`` in JSON."""
    partial = PartialPoints(str(what.items), what.message)
    return msgspec.json.encode(ExportedMetrics(partial) if what.message else ExportedMetrics())


def traces_in_json(what: Refused) -> bytes:
    """Return the reply to ``/v1/traces`` in JSON."""
    partial = PartialSpans(str(what.items), what.message)
    return msgspec.json.encode(ExportedTraces(partial) if what.message else ExportedTraces())


def logs_in_protobuf(what: Refused) -> bytes:
    """Return the reply to ``/v1/logs`` in protobuf."""
    return _serialized(logs_pb2.ExportLogsServiceResponse(), "rejected_log_records", what)


def metrics_in_protobuf(what: Refused) -> bytes:
    """Return the reply to ``/v1/metrics`` in protobuf."""
    return _serialized(metrics_pb2.ExportMetricsServiceResponse(), "rejected_data_points", what)


def traces_in_protobuf(what: Refused) -> bytes:
    """Return the reply to ``/v1/traces`` in protobuf."""
    return _serialized(trace_pb2.ExportTraceServiceResponse(), "rejected_spans", what)


def status_in_json(message: str) -> bytes:
    """Return the error of OTLP for a request that can't be decoded, in JSON."""
    return msgspec.json.encode({"code": _INVALID_ARGUMENT, "message": message})


def status_in_protobuf(message: str) -> bytes:
    """Return the error of OTLP for a request that can't be decoded, in protobuf."""
    return _bytes_of(Status(code=_INVALID_ARGUMENT, message=message))


Reply = Callable[[Refused], bytes]


def _serialized(reply: Message, count: str, what: Refused) -> bytes:
    if what.message:
        partial = reply.partial_success  # type: ignore[attr-defined]  # every reply has one
        setattr(partial, count, what.items)
        partial.error_message = what.message
    return _bytes_of(reply)


def _bytes_of(message: Message) -> bytes:
    return message.SerializeToString()
