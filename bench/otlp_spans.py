"""Encodes hook events as OTLP spans, one span an event: what a tracing backend receives instead of them.

A session is a trace. Only the fields that such a backend shows are encoded; their numbers are those of `trace.proto`.
"""

import uuid
from collections.abc import Mapping, Sequence

from ingest.intake.times import parse_instant
from schemas.http.requests import RecordEvent

_KIND_INTERNAL, _NANO = 1, 1_000_000
_SPAN_BYTES = 8


def encode_spans(project: str, trace_id: bytes, events: Sequence[RecordEvent]) -> bytes:
    """Return the body of an export request: ExportTraceServiceRequest > ResourceSpans > ScopeSpans > Span."""
    resource = _attributes(1, {"openinference.project.name": project})
    spans = b"".join(_bytes(2, _span(trace_id, event)) for event in events)
    return _bytes(1, _bytes(1, resource) + _bytes(2, spans))


def _span(trace_id: bytes, event: RecordEvent) -> bytes:
    at = parse_instant(event.timestamp) * _NANO
    attributes = {
        "openinference.span.kind": "TOOL" if "Tool" in event.event_type else "CHAIN",
        "session.id": trace_id.hex(),
        "input.value": bytes(event.data).decode(),
        "input.mime_type": "application/json",
    }
    ids = _bytes(1, trace_id) + _bytes(2, uuid.uuid4().bytes[:_SPAN_BYTES])
    name, kind = _bytes(5, event.event_type.encode()), _varint(6 << 3) + _varint(_KIND_INTERNAL)
    times = _fixed(7, at) + _fixed(8, at + _NANO)
    return ids + name + kind + times + _attributes(9, attributes)


def _attributes(field: int, values: Mapping[str, str]) -> bytes:
    pairs = (_bytes(1, key.encode()) + _bytes(2, _bytes(1, value.encode())) for key, value in values.items())
    return b"".join(_bytes(field, pair) for pair in pairs)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _fixed(field: int, value: int) -> bytes:
    return _varint(field << 3 | 1) + value.to_bytes(8, "little")


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
