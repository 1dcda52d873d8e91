"""POST /:org_id/otlp/v1/logs, /metrics and /traces"""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from litestar import Request, Response, post
from litestar.exceptions import HTTPException
from litestar.status_codes import HTTP_200_OK, HTTP_400_BAD_REQUEST

from agents.exported import DataPoint, Exported, LogRecord, TooMuch, Undecodable
from edge.door import DIRECT
from edge.error_responses import respond_to_error, too_large
from edge.errors import ApiError
from edge.guards import may
from edge.headers import find_header
from edge.route_docs import takes
from ingest.body import JSON, PROTOBUF, Body
from ingest.dependencies import AgentWrite, NewAgentWrite
from ingest.intake.agent_sessions.store import store_sessions
from ingest.intake.context import CommandContext
from ingest.intake.otlp import from_json, from_protobuf, replies
from ingest.intake.otlp.gather import Gathered, gather_logs, gather_metrics
from ingest.intake.otlp.replies import Refused, ReplyForm, refused
from ingest.lane import ON_THE_LOOP, Place
from schemas.http.otlp import ExportedLogs, ExportedMetrics, ExportedTraces, ExportLogs, ExportMetrics, ExportTraces

T = TypeVar("T")
_MEDIA = (JSON, PROTOBUF)
_INLINE_BYTES_MAX = {JSON: 131_072, PROTOBUF: 65_536}  # 10 ms at most to decode and to map
_TRACES_DROPPED = "Traces are not stored: {} spans were dropped. Set OTEL_TRACES_EXPORTER=none to send none."
_UNDECODABLE = "The body isn't an OTLP export request in {}."


class _Signal(NamedTuple, Generic[T]):
    """What is specific to one kind of export: decoders by content type, the mapping, and the reply."""

    name: str
    decode: Mapping[str, Callable[[bytes], list[Exported[T]]]]
    gather: Callable[[list[Exported[T]], CommandContext], Gathered]
    reply: ReplyForm


_DECODE_LOGS = {JSON: from_json.decode_logs, PROTOBUF: from_protobuf.decode_logs}
_DECODE_METRICS = {JSON: from_json.decode_metrics, PROTOBUF: from_protobuf.decode_metrics}
_COUNT_SPANS = {JSON: from_json.count_spans, PROTOBUF: from_protobuf.count_spans}
_LOGS = _Signal[LogRecord]("logs", _DECODE_LOGS, gather_logs, replies.LOGS)
_METRICS = _Signal[DataPoint]("metrics", _DECODE_METRICS, gather_metrics, replies.METRICS)


def respond_to_export_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Return the ``Status`` that OTLP requires for an undecodable request, else the same response as other routes."""
    if isinstance(error, TooMuch):
        return respond_to_error(request, too_large())
    is_protobuf = find_header(request.scope, b"content-type", "").lower().startswith(PROTOBUF)
    if isinstance(error, ApiError) and error.status == HTTP_400_BAD_REQUEST:
        message = error.message
    elif isinstance(error, Undecodable | msgspec.DecodeError | RecursionError | UnicodeDecodeError):
        message = _UNDECODABLE.format("protobuf" if is_protobuf else "JSON")
    else:
        return respond_to_error(request, error)
    content = replies.status(message, in_protobuf=is_protobuf)
    return Response(content, status_code=HTTP_400_BAD_REQUEST, media_type=PROTOBUF if is_protobuf else JSON)


# Each class by name: Litestar takes the handler of the nearest class, and the service has its own for these.
_ERRORS: Any = dict.fromkeys((Exception, HTTPException, msgspec.ValidationError), respond_to_export_error)
_export_at = partial(post, status_code=HTTP_200_OK, guards=[may("session.write")], exception_handlers=_ERRORS)


@_export_at(
    "/api/v1/{org_id:str}/otlp/v1/logs",
    operation_id="ExportLogs",
    opt={**takes(ExportLogs, undecodable=True), **DIRECT},
)
async def export_logs(agent_write: NewAgentWrite) -> Response[ExportedLogs]:
    """Record the log records of a coding agent, in OTLP/JSON or protobuf (`application/x-protobuf`).

    Set `OTEL_EXPORTER_OTLP_ENDPOINT` to the part of this address before `/v1`. Records of known kinds become events of
    the session that they name; others are counted and dropped. Records beyond the first 500 sessions are refused in
    `partialSuccess`. `X-Log-Position` has a position for each partition that received something; it is missing if
    nothing was stored.
    """
    return await _export(_LOGS, agent_write)


@_export_at(
    "/api/v1/{org_id:str}/otlp/v1/metrics",
    operation_id="ExportMetrics",
    opt={**takes(ExportMetrics, undecodable=True), **DIRECT},
)
async def export_metrics(agent_write: NewAgentWrite) -> Response[ExportedMetrics]:
    """Record the metrics of a coding agent, in OTLP/JSON or protobuf (`application/x-protobuf`).

    Lines of code, commits, pull requests and active time become `Measurement` events; other metrics are dropped.
    """
    return await _export(_METRICS, agent_write)


@_export_at(
    "/api/v1/{org_id:str}/otlp/v1/traces",
    operation_id="ExportTraces",
    opt={**takes(ExportTraces, to_log=False, undecodable=True), **DIRECT},
)
async def export_traces(agent_write: NewAgentWrite) -> Response[ExportedTraces]:
    """Accept traces, in OTLP/JSON or protobuf, and drop them, so that exporters that send every signal work."""
    async with agent_write.command.read(media=_MEDIA) as body:
        count = await _place_of(body, agent_write).run(_COUNT_SPANS[body.media], body.text)
    agent_write.command.metrics.exported("traces", {"noise": count})
    return _reply(replies.TRACES, Refused(0, _TRACES_DROPPED.format(count)), body.media)


async def _export(signal: _Signal[T], write: AgentWrite) -> Response[Any]:
    async with write.command.read(media=_MEDIA) as body:
        place = _place_of(body, write)
        exported = await place.run(signal.decode[body.media], body.text)
        sessions, payloads, outcomes = await place.run(signal.gather, exported, write.command.context)
        del exported
        stored = await store_sessions(write, sessions, [], Body(payloads, place))
    write.command.metrics.exported(signal.name, Counter[str](outcomes))
    headers = {"X-Log-Position": stored.position} if stored.positions else {}
    return _reply(signal.reply, refused(outcomes), body.media, headers)


def _reply(form: ReplyForm, what: Refused, media: str, headers: Mapping[str, str] | None = None) -> Response[Any]:
    return Response(form.encode(what, in_protobuf=media == PROTOBUF), media_type=media, headers=headers)


def _place_of(body: Body, write: AgentWrite) -> Place:
    return ON_THE_LOOP if len(body.text) <= _INLINE_BYTES_MAX[body.media] else write.command.lane
