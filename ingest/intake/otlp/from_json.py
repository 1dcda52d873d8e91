"""OTLP/JSON: fields in lowerCamelCase, 64-bit integers as numbers or text, unknown fields ignored. Pure."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from agents.exported import Attributes, Budget, DataPoint, Exported, Kind, LogRecord, Scalar, TooMuch
from schemas.http import otlp
from schemas.surrogates import replace_lone

_OBJECTS_MAX = 500_000  # of a body, checked before decoding: each then takes up to 100 bytes
_SURROGATES_MAX = 20_000  # a body with more isn't truncated text, but an attempt to waste processor time
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_INT64 = 1 << 63

_logs = msgspec.json.Decoder(otlp.ExportLogs)
_metrics = msgspec.json.Decoder(otlp.ExportMetrics)
_traces = msgspec.json.Decoder(otlp.ExportTraces)
_TEMPORALITY: Mapping[Any, Kind] = {
    1: "delta",
    2: "cumulative",
    "AGGREGATION_TEMPORALITY_DELTA": "delta",
    "AGGREGATION_TEMPORALITY_CUMULATIVE": "cumulative",
}


def decode_logs(body: bytes) -> list[Exported[LogRecord]]:
    """Decode the body of ``/v1/logs``.

    Raises `TooMuch` beyond the limits, `msgspec.DecodeError` or `RecursionError` if it isn't such a request.
    """
    budget, found = Budget(), []
    for part in _decode(_logs, body).resource_logs or ():
        raw = [record for scope in part.scope_logs or () for record in scope.log_records or ()]
        budget.spend(len(raw))
        found.append(Exported(_resource(part.resource), [_record(record) for record in raw]))
    return found


def decode_metrics(body: bytes) -> list[Exported[DataPoint]]:
    """Decode the body of ``/v1/metrics``; raises the same as `decode_logs`."""
    budget, found = Budget(), []
    for part in _decode(_metrics, body).resource_metrics or ():
        metrics = [metric for scope in part.scope_metrics or () for metric in scope.metrics or ()]
        points = [point for metric in metrics for point in _points(metric, budget)]
        found.append(Exported(_resource(part.resource), points))
    return found


def count_spans(body: bytes) -> int:
    """Return how many spans the body of ``/v1/traces`` has; raises the same as `decode_logs`."""
    parts = _decode(_traces, body).resource_spans or ()
    return sum(len(scope.spans or ()) for part in parts for scope in part.scope_spans or ())


def _decode(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    if body.count(b"{") > _OBJECTS_MAX:
        raise TooMuch
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:  # perhaps a client cut a text inside an emoji
        if body.count(b"\\ud") + body.count(b"\\uD") > _SURROGATES_MAX:
            raise
        return decoder.decode(replace_lone(body))


def _resource(resource: otlp.OtlpResource | None) -> Attributes:
    return _attributes(resource.attributes) if resource else {}


def _record(raw: otlp.OtlpLogRecord) -> LogRecord:
    body = raw.body.string_value if raw.body else None
    return LogRecord(
        _time(raw.time_unix_nano), _time(raw.observed_time_unix_nano), body or "", _attributes(raw.attributes)
    )


def _points(metric: otlp.OtlpMetric, budget: Budget) -> Iterator[DataPoint]:
    name = metric.name or ""
    for other in (metric.gauge, metric.histogram, metric.exponential_histogram, metric.summary):
        if other and other.data_points:
            budget.spend(len(other.data_points))
            yield from [DataPoint(name, "")] * len(other.data_points)
    if metric.sum:
        points = metric.sum.data_points or ()
        budget.spend(len(points))
        kind = _TEMPORALITY.get(metric.sum.aggregation_temporality, "")
        yield from (_point(name, kind, point) for point in points)


def _point(metric: str, kind: Kind, raw: otlp.OtlpPoint) -> DataPoint:
    value = _float(raw.as_double) if raw.as_int is None else _int(raw.as_int)
    start, end = _time(raw.start_time_unix_nano), _time(raw.time_unix_nano)
    return DataPoint(metric, kind, start, end, value, _attributes(raw.attributes))


def _attributes(pairs: Iterable[otlp.OtlpAttribute] | None) -> Attributes:
    return {
        pair.key: value for pair in pairs or () if (value := _scalar(pair.value) if pair.value else None) is not None
    }


def _scalar(value: otlp.OtlpValue) -> Scalar | None:
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        return _int(value.int_value)
    if value.bool_value is not None:
        return value.bool_value
    return _float(value.double_value)


def _int(number: otlp.OtlpNumber) -> int | None:
    """Return the 64-bit integer that a number or a text stands for; None for anything else."""
    if isinstance(number, str):
        number = int(number) if _INTEGER.fullmatch(number) else None
    if isinstance(number, float):
        number = int(number) if number.is_integer() else None
    return number if number is not None and -_INT64 <= number < _INT64 else None


def _float(number: otlp.OtlpNumber) -> float | None:
    """Return the finite number that a number or a text stands for; None for anything else."""
    try:
        value = None if number is None else float(number)
    except (ValueError, OverflowError):
        return None
    return value if value is not None and math.isfinite(value) else None


def _time(number: otlp.OtlpNumber) -> int:
    return max(0, _int(number) or 0)
