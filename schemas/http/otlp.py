"""OTLP/JSON: the fields of export requests that are read, and the replies. Unknown fields are ignored.

Names are in lowerCamelCase, as in OTLP. 64-bit integers are numbers or text. Null means that a field is absent.
"""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

OtlpNumber = int | float | str | None
_WHOLE_TEXT = Annotated[str, Meta(pattern=r"^[0-9]+$")]


class OtlpValue(Struct, gc=False, rename="camel"):
    """A value of one of these types. Lists, maps and bytes are ignored."""

    string_value: str | None = None
    int_value: OtlpNumber = None
    double_value: OtlpNumber = None
    bool_value: bool | None = None


class OtlpAttribute(Struct, gc=False):
    """An attribute."""

    key: str = ""
    value: OtlpValue | None = None


class OtlpResource(Struct, gc=False):
    """The sender: a process of an agent."""

    attributes: list[OtlpAttribute] | None = None


class OtlpLogRecord(Struct, gc=False, rename="camel"):
    """A log record."""

    time_unix_nano: OtlpNumber = None
    observed_time_unix_nano: OtlpNumber = None
    body: OtlpValue | None = None
    attributes: list[OtlpAttribute] | None = None


class OtlpScopeLogs(Struct, gc=False, rename="camel"):
    """The log records of one scope."""

    log_records: list[OtlpLogRecord] | None = None


class OtlpResourceLogs(Struct, gc=False, rename="camel"):
    """The log records of one resource."""

    resource: OtlpResource | None = None
    scope_logs: list[OtlpScopeLogs] | None = None


class ExportLogs(Struct, gc=False, rename="camel"):
    """The body of an export of log records."""

    resource_logs: list[OtlpResourceLogs] | None = None


class OtlpPoint(Struct, gc=False, rename="camel"):
    """A data point of a sum."""

    attributes: list[OtlpAttribute] | None = None
    start_time_unix_nano: OtlpNumber = None
    time_unix_nano: OtlpNumber = None
    as_double: OtlpNumber = None
    as_int: OtlpNumber = None


class OtlpSum(Struct, gc=False, rename="camel"):
    """A metric that is a sum."""

    data_points: list[OtlpPoint] | None = None
    aggregation_temporality: int | str | None = None


class OtlpItem(Struct, gc=False):
    """An element that is only counted."""


class OtlpOther(Struct, gc=False, rename="camel"):
    """A metric of another kind; its data points are counted."""

    data_points: list[OtlpItem] | None = None


class OtlpMetric(Struct, gc=False, rename="camel"):
    """A metric."""

    name: str | None = None
    sum: OtlpSum | None = None
    gauge: OtlpOther | None = None
    histogram: OtlpOther | None = None
    exponential_histogram: OtlpOther | None = None
    summary: OtlpOther | None = None


class OtlpScopeMetrics(Struct, gc=False):
    """The metrics of one scope."""

    metrics: list[OtlpMetric] | None = None


class OtlpResourceMetrics(Struct, gc=False, rename="camel"):
    """The metrics of one resource."""

    resource: OtlpResource | None = None
    scope_metrics: list[OtlpScopeMetrics] | None = None


class ExportMetrics(Struct, gc=False, rename="camel"):
    """The body of an export of metrics."""

    resource_metrics: list[OtlpResourceMetrics] | None = None


class OtlpScopeSpans(Struct, gc=False):
    """The spans of one scope."""

    spans: list[OtlpItem] | None = None


class OtlpResourceSpans(Struct, gc=False, rename="camel"):
    """The spans of one resource."""

    scope_spans: list[OtlpScopeSpans] | None = None


class ExportTraces(Struct, gc=False, rename="camel"):
    """The body of an export of traces."""

    resource_spans: list[OtlpResourceSpans] | None = None


class PartialLogs(Struct, frozen=True, rename="camel"):
    """How many log records were refused, and why."""

    rejected_log_records: _WHOLE_TEXT
    error_message: str


class PartialPoints(Struct, frozen=True, rename="camel"):
    """How many data points were refused, and why."""

    rejected_data_points: _WHOLE_TEXT
    error_message: str


class PartialSpans(Struct, frozen=True, rename="camel"):
    """How many spans were refused, and what happened to the others."""

    rejected_spans: _WHOLE_TEXT
    error_message: str


class ExportedLogs(Struct, frozen=True, rename="camel"):
    """The reply to an export of log records."""

    partial_success: PartialLogs | UnsetType = UNSET


class ExportedMetrics(Struct, frozen=True, rename="camel"):
    """The reply to an export of metrics."""

    partial_success: PartialPoints | UnsetType = UNSET


class ExportedTraces(Struct, frozen=True, rename="camel"):
    """The reply to an export of traces."""

    partial_success: PartialSpans | UnsetType = UNSET


def _attribute(key: str, **value: Any) -> dict[str, Any]:
    return {"key": key, "value": value}


_RESOURCE = {"attributes": [_attribute("service.name", stringValue="claude-code")]}
_SESSION = _attribute("session.id", stringValue="c05e7928-7809-4dc4-85de-f36fc28281e5")
LOGS_EXAMPLE: Any = {
    "resourceLogs": [
        {
            "resource": _RESOURCE,
            "scopeLogs": [
                {
                    "logRecords": [
                        {
                            "timeUnixNano": "1768905000000000000",
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
                    ]
                }
            ],
        }
    ]
}
_POINT = {
    "attributes": [_SESSION, _attribute("type", stringValue="added")],
    "startTimeUnixNano": "1768904940000000000",
    "timeUnixNano": "1768905000000000000",
    "asDouble": 12,
}
METRICS_EXAMPLE: Any = {
    "resourceMetrics": [
        {
            "resource": _RESOURCE,
            "scopeMetrics": [
                {
                    "metrics": [
                        {
                            "name": "claude_code.lines_of_code.count",
                            "sum": {"aggregationTemporality": 1, "dataPoints": [_POINT]},
                        }
                    ]
                }
            ],
        }
    ]
}
TRACES_EXAMPLE: Any = {"resourceSpans": [{"scopeSpans": [{"spans": [{}, {}]}]}]}
