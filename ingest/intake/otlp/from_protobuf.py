"""OTLP in protobuf, decoded by the official messages into the same form as JSON. Pure.

Decoded as a whole, a request of empty messages takes 70 times its size. So each record is decoded separately, and the
fields on the way to it are counted. `_messages` reads just enough of the wire format to reach the records one by one.
"""

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
    ITEMS_MAX,
    Budget,
    DataPoint,
    Exported,
    Kind,
    LogRecord,
    Scalar,
    TooMuch,
    Undecodable,
)

T = TypeVar("T")
# Fields of the messages on the way to a record; they have the same numbers in all three kinds of request.
_RESOURCES, _RESOURCE, _SCOPES, _ITEMS = 1, 1, 2, 2
_FIELDS_MAX = 2 * ITEMS_MAX  # on the way to the records, the records themselves included
# Kinds of fields in the wire format.
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_FIXED_BYTES = {_FIXED_64: 8, _FIXED_32: 4}
_VARINT_BYTES_MAX = 10
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
    return list(_exported(body, lambda raw: _points(_decode(metrics_pb2.Metric.FromString, raw), items, attributes)))


def count_spans(body: bytes) -> int:
    """Return how many spans the body of ``/v1/traces`` has; raises the same as `decode_logs`."""
    fields = Budget(_FIELDS_MAX)
    parts = _messages(body, _RESOURCES, fields)
    scopes = (scope for part in parts for scope in _messages(part, _SCOPES, fields))
    return sum(1 for scope in scopes for _ in _messages(scope, _ITEMS, fields))


def _exported(body: bytes, read: Callable[[bytes], Iterable[T]]) -> Iterator[Exported[T]]:
    fields = Budget(_FIELDS_MAX)
    for part in _messages(body, _RESOURCES, fields):
        attributes: dict[str, Scalar] = {}
        for raw in _messages(part, _RESOURCE, fields):
            if len(raw) > ITEM_BYTES_MAX:
                raise TooMuch
            attributes |= _attributes(_decode(resource_pb2.Resource.FromString, raw).attributes)
        scopes = _messages(part, _SCOPES, fields)
        raws = (raw for scope in scopes for raw in _messages(scope, _ITEMS, fields))
        items = [item for raw in raws for item in (read(raw) if len(raw) <= ITEM_BYTES_MAX else (None,))]
        yield Exported(attributes, items)


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


def _messages(data: bytes, field: int, budget: Budget) -> Iterator[bytes]:
    """Yield the messages that the message ``data`` has in ``field``; other fields are skipped.

    Raises `Undecodable` if ``data`` isn't a message, and `TooMuch` if the budget is spent.
    """
    at, end = 0, len(data)
    while at < end:
        budget.spend()
        tag, at = _read_varint(data, at)
        kind = tag & 7
        if kind == _BYTES:
            length, at = _read_varint(data, at)
            if at + length > end:
                raise Undecodable("a message ends before it is complete")
            if tag >> 3 == field:
                yield data[at : at + length]
            at += length
        elif kind == _VARINT:
            _, at = _read_varint(data, at)
        elif kind in _FIXED_BYTES:
            at += _FIXED_BYTES[kind]
        else:
            raise Undecodable("a field of an unknown kind")
    if at > end:
        raise Undecodable("a field ends before it is complete")


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + _VARINT_BYTES_MAX]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise Undecodable("a number ends before it is complete")
