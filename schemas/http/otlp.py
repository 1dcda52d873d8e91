"""OTLP/JSON: the fields of export requests that are read, and the replies. Unknown fields are ignored.

Names are in lowerCamelCase, as in OTLP. 64-bit integers are numbers or text. Null means that a field is absent.
"""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.http.fields import doc

OtlpNumber = int | float | str | None
_WHOLE_TEXT = Annotated[str, Meta(pattern=r"^[0-9]+$")]
_AT = "1768905000000000000"


def _attribute(key: str, **value: Any) -> dict[str, Any]:
    return {"key": key, "value": value}


_SESSION = _attribute("session.id", stringValue="c05e7928-7809-4dc4-85de-f36fc28281e5")
_PROCESS = {"attributes": [_attribute("service.name", stringValue="claude-code")]}
_SENDER = doc("The sending process. The attribute `service.name` names the client.", _PROCESS)
_RECORD = {
    "timeUnixNano": _AT,
    "attributes": [
        _SESSION,
        _attribute("event.name", stringValue="api_request"),
        _attribute("event.sequence", intValue="46"),
        _attribute("request_id", stringValue="req_01"),
        _attribute("model", stringValue="claude-sonnet-4-5"),
        _attribute("input_tokens", intValue="4"),
        _attribute("output_tokens", intValue="120"),
        _attribute("cost_usd", doubleValue=0.0125),
    ],
}
_POINT = {
    "attributes": [_SESSION, _attribute("type", stringValue="added")],
    "startTimeUnixNano": "1768904940000000000",
    "timeUnixNano": _AT,
    "asDouble": 12,
}
_LINES = {"name": "claude_code.lines_of_code.count", "sum": {"aggregationTemporality": 1, "dataPoints": [_POINT]}}


class OtlpValue(Struct, gc=False, rename="camel"):
    """A value of one of these types. Lists, maps and bytes are ignored."""

    string_value: Annotated[str | None, doc("A string.", "c05e7928-7809-4dc4-85de-f36fc28281e5")] = None
    int_value: Annotated[OtlpNumber, doc("A 64-bit integer, as a number or as text.")] = None
    double_value: Annotated[OtlpNumber, doc("A number.")] = None
    bool_value: Annotated[bool | None, doc("A boolean.")] = None


class OtlpAttribute(Struct, gc=False):
    """An attribute."""

    key: Annotated[str, doc("Name of the attribute.", "session.id")] = ""
    value: Annotated[OtlpValue | None, doc("Value of the attribute.")] = None


Attributes = Annotated[list[OtlpAttribute], doc("Attributes, such as `session.id` or `conversation.id`.", [_SESSION])]


class OtlpResource(Struct, gc=False):
    """The sender: a process of an agent."""

    attributes: Attributes | None = None


class OtlpLogRecord(Struct, gc=False, rename="camel"):
    """A log record."""

    time_unix_nano: Annotated[OtlpNumber, doc("Nanoseconds since 1970, as text or as a number.", _AT)] = None
    observed_time_unix_nano: Annotated[OtlpNumber, doc("The same, for records without their own time.", _AT)] = None
    body: Annotated[OtlpValue | None, doc("Body of the record: the event's name, for some clients.")] = None
    attributes: Attributes | None = None


class OtlpScopeLogs(Struct, gc=False, rename="camel"):
    """The log records of one scope."""

    log_records: Annotated[list[OtlpLogRecord] | None, doc("Log records.", [_RECORD])] = None


class OtlpResourceLogs(Struct, gc=False, rename="camel"):
    """The log records of one resource."""

    resource: Annotated[OtlpResource | None, _SENDER] = None
    scope_logs: Annotated[list[OtlpScopeLogs] | None, doc("Log records, by scope.")] = None


class ExportLogs(Struct, gc=False, rename="camel"):
    """The body of an export of log records."""

    resource_logs: Annotated[list[OtlpResourceLogs] | None, doc("Log records, by resource.")] = None


class OtlpPoint(Struct, gc=False, rename="camel"):
    """A data point of a sum."""

    attributes: Attributes | None = None
    start_time_unix_nano: Annotated[OtlpNumber, doc("Start of a data point's interval.", "1768904940000000000")] = None
    time_unix_nano: Annotated[OtlpNumber, doc("Nanoseconds since 1970, as text or as a number.", _AT)] = None
    as_double: Annotated[OtlpNumber, doc("The value, if it is a float.", 12.0)] = None
    as_int: Annotated[OtlpNumber, doc("The value, if it is an integer.")] = None


class OtlpSum(Struct, gc=False, rename="camel"):
    """A metric that is a sum."""

    data_points: Annotated[list[OtlpPoint] | None, doc("Data points.")] = None
    aggregation_temporality: Annotated[
        int | str | None, doc("1: sums of each interval. 2: sums since the start.", 1)
    ] = None


class OtlpItem(Struct, gc=False):
    """An element that is only counted."""


class OtlpOther(Struct, gc=False, rename="camel"):
    """A metric of another kind; its data points are counted."""

    data_points: Annotated[list[OtlpItem] | None, doc("Data points.")] = None


class OtlpMetric(Struct, gc=False, rename="camel"):
    """A metric."""

    name: Annotated[str | None, doc("Name of the metric.", "claude_code.lines_of_code.count")] = None
    sum: Annotated[OtlpSum | None, doc("The metric, if it is a sum.")] = None
    gauge: Annotated[OtlpOther | None, doc("The metric, if it is a gauge. Gauges are dropped.")] = None
    histogram: Annotated[OtlpOther | None, doc("The metric, if it is a histogram. Histograms are dropped.")] = None
    exponential_histogram: Annotated[OtlpOther | None, doc("The same, with exponential buckets.")] = None
    summary: Annotated[OtlpOther | None, doc("The metric, if it is a summary. Summaries are dropped.")] = None


class OtlpScopeMetrics(Struct, gc=False):
    """The metrics of one scope."""

    metrics: Annotated[list[OtlpMetric] | None, doc("Metrics.", [_LINES])] = None


class OtlpResourceMetrics(Struct, gc=False, rename="camel"):
    """The metrics of one resource."""

    resource: Annotated[OtlpResource | None, _SENDER] = None
    scope_metrics: Annotated[list[OtlpScopeMetrics] | None, doc("Metrics, by scope.")] = None


class ExportMetrics(Struct, gc=False, rename="camel"):
    """The body of an export of metrics."""

    resource_metrics: Annotated[list[OtlpResourceMetrics] | None, doc("Metrics, by resource.")] = None


class OtlpScopeSpans(Struct, gc=False):
    """The spans of one scope."""

    spans: Annotated[list[OtlpItem] | None, doc("Spans. They are counted and dropped.", [{}, {}])] = None


class OtlpResourceSpans(Struct, gc=False, rename="camel"):
    """The spans of one resource."""

    scope_spans: Annotated[list[OtlpScopeSpans] | None, doc("Spans, by scope.")] = None


class ExportTraces(Struct, gc=False, rename="camel"):
    """The body of an export of traces."""

    resource_spans: Annotated[list[OtlpResourceSpans] | None, doc("Spans, by resource.")] = None


class PartialLogs(Struct, frozen=True, rename="camel"):
    """How many log records were refused, and why."""

    rejected_log_records: Annotated[_WHOLE_TEXT, doc("Number of refused log records, as text.", "1")]
    error_message: Annotated[str, doc("Why they were refused.", "1 without a session id")]


class PartialPoints(Struct, frozen=True, rename="camel"):
    """How many data points were refused, and why."""

    rejected_data_points: Annotated[_WHOLE_TEXT, doc("Number of refused data points, as text.", "1")]
    error_message: Annotated[str, doc("Why they were refused.", "1 without a session id")]


class PartialSpans(Struct, frozen=True, rename="camel"):
    """How many spans were refused, and what happened to the others."""

    rejected_spans: Annotated[_WHOLE_TEXT, doc("Number of refused spans, as text.", "0")]
    error_message: Annotated[str, doc("Why they were refused.", "1 without a session id")]


class ExportedLogs(Struct, frozen=True, rename="camel"):
    """The reply to an export of log records."""

    partial_success: Annotated[PartialLogs | UnsetType, doc("Refused records, or a message; absent if none.")] = UNSET


class ExportedMetrics(Struct, frozen=True, rename="camel"):
    """The reply to an export of metrics."""

    partial_success: Annotated[PartialPoints | UnsetType, doc("Refused records, or a message; absent if none.")] = UNSET


class ExportedTraces(Struct, frozen=True, rename="camel"):
    """The reply to an export of traces."""

    partial_success: Annotated[PartialSpans | UnsetType, doc("Refused records, or a message; absent if none.")] = UNSET
