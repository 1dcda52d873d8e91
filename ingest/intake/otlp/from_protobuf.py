"""OTLP in protobuf, decoded by the official messages into the same form as JSON. Pure."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from google.protobuf.message import DecodeError
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2

from agents.exported import (
    ATTRIBUTES_MAX,
    ITEM_BYTES_MAX,
    Budget,
    DataPoint,
    Exported,
    Kind,
    LogRecord,
    Scalar,
    TooMuch,
    Undecodable,
)
from ingest.intake.otlp.wire import FIELDS_MAX, messages

T = TypeVar("T")
# Fields of the messages on the way to a record; they have the same numbers in all three kinds of request.
_RESOURCES, _RESOURCE, _SCOPES, _ITEMS = 1, 1, 2, 2
_SCALARS = frozenset({"string_value", "int_value", "double_value", "bool_value"})
# Some clients cut a text inside an emoji, which leaves a lone surrogate; protobuf refuses strings with one.
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_REPLACEMENT = "\ufffd".encode()
_INT64 = 1 << 63
_TEMPORALITY: Mapping[int, Kind] = {1: "delta", 2: "cumulative"}


def decode_logs(body: bytes) -> list[Exported[LogRecord]]:
    """Decode the body of ``/v1/logs``. Raises `Undecodable` if it isn't one, `TooMuch` if it exceeds the limits."""
    items, attributes = Budget(), Budget(ATTRIBUTES_MAX)

    def records(raw: bytes) -> list[LogRecord]:
        items.spend()
        record = _decode(logs_pb2.LogRecord.FromString, raw)
        attributes.spend(len(record.attributes))
        return [_record(record)]

    return list(_exported(body, records))


def decode_metrics(body: bytes) -> list[Exported[DataPoint]]:
    """Decode the body of ``/v1/metrics``; raises the same as `decode_logs`."""
    items, attributes = Budget(), Budget(ATTRIBUTES_MAX)

    def points(raw: bytes) -> Iterator[DataPoint]:
        return _points(_decode(metrics_pb2.Metric.FromString, raw), items, attributes)

    return list(_exported(body, points))


def count_spans(body: bytes) -> int:
    """Return how many spans the body of ``/v1/traces`` has; raises the same as `decode_logs`."""
    fields = Budget(FIELDS_MAX)
    parts = messages(body, _RESOURCES, fields)
    scopes = (scope for part in parts for scope in messages(part, _SCOPES, fields))
    return sum(1 for scope in scopes for _ in messages(scope, _ITEMS, fields))


def _exported(body: bytes, read: Callable[[bytes], Iterable[T]]) -> Iterator[Exported[T]]:
    fields = Budget(FIELDS_MAX)
    for part in messages(body, _RESOURCES, fields):
        attributes: dict[str, Scalar] = {}
        for raw in messages(part, _RESOURCE, fields):
            if not _fits(raw):
                raise TooMuch
            attributes |= _attributes(_decode(resource_pb2.Resource.FromString, raw).attributes)
        scopes = messages(part, _SCOPES, fields)
        raws = (raw for scope in scopes for raw in messages(scope, _ITEMS, fields))
        yield Exported(attributes, [item for raw in raws for item in (read(raw) if _fits(raw) else (None,))])


def _fits(raw: bytes) -> bool:
    return len(raw) <= ITEM_BYTES_MAX


def _decode(decode: Callable[[bytes], T], raw: bytes) -> T:
    try:
        return decode(raw)
    except DecodeError as error:
        repaired = _SURROGATE.sub(_REPLACEMENT, raw)  # as long as the surrogate
        if repaired == raw:
            raise Undecodable(str(error)) from error
    try:
        return decode(repaired)
    except DecodeError as error:
        raise Undecodable(str(error)) from error


def _record(raw: logs_pb2.LogRecord) -> LogRecord:
    times = _time(raw.time_unix_nano), _time(raw.observed_time_unix_nano)
    return LogRecord(*times, raw.body.string_value, _attributes(raw.attributes))


def _points(metric: metrics_pb2.Metric, items: Budget, attributes: Budget) -> Iterator[DataPoint]:
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    points = getattr(metric, kind).data_points
    items.spend(len(points))
    if kind == "sum":
        attributes.spend(sum(len(point.attributes) for point in points))
        temporality = _TEMPORALITY.get(metric.sum.aggregation_temporality, "")
        yield from (_point(metric.name, temporality, point) for point in points)
    else:
        yield from [DataPoint(metric.name, "")] * len(points)


def _point(metric: str, kind: Kind, raw: metrics_pb2.NumberDataPoint) -> DataPoint:
    which = raw.WhichOneof("value")
    value = getattr(raw, which) if which else math.nan
    times = _time(raw.start_time_unix_nano), _time(raw.time_unix_nano)
    return DataPoint(metric, kind, *times, value if math.isfinite(value) else None, _attributes(raw.attributes))


def _time(nano: int) -> int:
    return nano if nano < _INT64 else 0  # as in JSON


def _attributes(pairs: Iterable[Any]) -> dict[str, Scalar]:
    """Read scalars. This takes most of a request's time, so it avoids every call it can."""
    found: dict[str, Scalar] = {}
    for pair in pairs:
        value = pair.value
        which = value.WhichOneof("value")
        if which in _SCALARS:
            scalar = getattr(value, which)
            if which != "double_value" or math.isfinite(scalar):
                found[pair.key] = scalar
    return found
