"""Errors in replies of the agent endpoints, whose forms differ from other routes. An empty sentence means no error."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.fuzz.case import Case
from tests.fuzz.exchange import Reply

PROTOBUF = "application/x-protobuf"
_INVALID_ARGUMENT = 3
_SIGNALS: Mapping[str, tuple[Any, str]] = {
    "logs": (ExportLogsServiceResponse, "rejectedLogRecords"),
    "metrics": (ExportMetricsServiceResponse, "rejectedDataPoints"),
    "traces": (ExportTraceServiceResponse, "rejectedSpans"),
}
_ERRORS = (msgspec.MsgspecError, DecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError)


def is_of_agents(case: Case, reply: Reply) -> bool:
    """Return whether the reply has such a form: a success, or an export that can't be decoded."""
    if "/otlp/v1/" in case.target:
        return reply.status in (200, 400)
    return "/hooks/" in case.target and 200 <= reply.status < 300


def wrong_form(case: Case, reply: Reply) -> str:
    """Return what is wrong with the form: another encoding than the request's, or another type than documented."""
    try:
        is_right = _is_right(case, reply)
    except _ERRORS as error:
        return f"{reply.status} {reply.body[:200]!r}: {error!r}"
    return "" if is_right else f"{reply.status} {reply.headers.get('content-type')!r} {reply.body[:200]!r}"


def wrong_sums(case: Case, reply: Reply) -> str:
    """Return what is wrong with the numbers: accepted and refused items must add up to the request's."""
    if case.items < 0 or reply.status not in (200, 202):
        return ""
    accepted, refused = _counted(case, reply)
    if (accepted, refused) == (case.items - case.refused, case.refused):
        return ""
    return f"{accepted} accepted and {refused} refused of {case.items}, of which {case.refused} are wrong"


def _is_right(case: Case, reply: Reply) -> bool:
    if reply.status == 204:  # agents read a body as an instruction; `http.client` reads none after a 204
        return reply.headers.get("content-length", "0") == "0" and "content-type" not in reply.headers
    if reply.status == 202:
        _counted_batch(reply)
        return True
    if reply.status == 400:
        return _status(reply) == _INVALID_ARGUMENT and _media(reply) == _media_of(case)
    count, message = _partial_success(case, reply)
    return _media(reply) == _media_of(case) and (count == 0 or bool(message))


def _counted(case: Case, reply: Reply) -> tuple[int, int]:
    """Return the numbers of accepted and refused items; an export's reply only says the second."""
    if reply.status == 202:
        return _counted_batch(reply)
    refused, _ = _partial_success(case, reply)
    return case.items - refused, refused


def _counted_batch(reply: Reply) -> tuple[int, int]:
    data = msgspec.json.decode(reply.body)["data"]
    rejected: Sequence[Mapping[str, Any]] = data["rejected"]
    return data["accepted"], sum(one["code"] != "invalid_report" for one in rejected)


def _partial_success(case: Case, reply: Reply) -> tuple[int, str]:
    message, field = _SIGNALS[case.target.partition("/otlp/v1/")[2]]
    is_protobuf = _media(reply) == PROTOBUF
    found = MessageToDict(message.FromString(reply.body)) if is_protobuf else msgspec.json.decode(reply.body)
    partial = found.get("partialSuccess", {})
    return int(partial.get(field, 0)), partial.get("errorMessage", "")


def _status(reply: Reply) -> int:
    if _media(reply) == PROTOBUF:
        status = Status.FromString(reply.body)
        return status.code if status.message else 0
    fields = msgspec.json.decode(reply.body)
    return fields["code"] if fields.keys() == {"code", "message"} and fields["message"] else 0


def _media(reply: Reply) -> str:
    return reply.headers.get("content-type", "").partition(";")[0]


def _media_of(case: Case) -> str:
    """Return the media type of a request that was read: it is one of two."""
    return PROTOBUF if b"\r\ncontent-type: application/x-protobuf" in case.raw[:4_096].lower() else "application/json"
