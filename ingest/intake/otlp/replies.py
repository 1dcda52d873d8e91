"""Replies to export requests, in the encoding of the request. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

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
    "erased": "of an erased session",
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


class ReplyForm(NamedTuple):
    """The reply to one kind of export: the types in JSON, the message in protobuf, and its field for the count."""

    reply: Callable[..., Any]
    partial: Callable[[str, str], Any]
    message: Callable[[], Any]
    rejected: str

    def encode(self, what: Refused, *, in_protobuf: bool) -> bytes:
        if not in_protobuf:
            said = (self.partial(str(what.items), what.message),) if what.message else ()
            return msgspec.json.encode(self.reply(*said))
        message = self.message()
        if what.message:
            setattr(message.partial_success, self.rejected, what.items)
            message.partial_success.error_message = what.message
        return bytes(message.SerializeToString())


LOGS = ReplyForm(ExportedLogs, PartialLogs, ExportLogsServiceResponse, "rejected_log_records")
METRICS = ReplyForm(ExportedMetrics, PartialPoints, ExportMetricsServiceResponse, "rejected_data_points")
TRACES = ReplyForm(ExportedTraces, PartialSpans, ExportTraceServiceResponse, "rejected_spans")


def status(message: str, *, in_protobuf: bool) -> bytes:
    """Return the error of OTLP for a request that can't be decoded."""
    if in_protobuf:
        return bytes(Status(code=_INVALID_ARGUMENT, message=message).SerializeToString())
    return msgspec.json.encode({"code": _INVALID_ARGUMENT, "message": message})
