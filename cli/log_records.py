"""A record of the log as one line of JSON, for reading and for `jq`."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from ingest.log.archive.line import spell
from schemas.log.position import LogRecord, Position
from schemas.times import instant

_KEY_BYTES = 16


class ShownRecord(Struct, omit_defaults=True):
    """A printed record. A key that isn't a session id is in base64; a value that isn't JSON is text or base64."""

    position: str
    time: str | UnsetType = UNSET  # absent if it isn't a valid time
    key: str | None | UnsetType = UNSET
    key_base64: bytes | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    value: Raw | UnsetType = UNSET
    text: str | UnsetType = UNSET
    value_base64: bytes | UnsetType = UNSET


class _Kind(Struct):
    kind: str


def as_json_line(record: LogRecord) -> bytes:
    """Return the record as JSON without line breaks."""
    return msgspec.json.encode(
        ShownRecord(str(Position(record.partition, record.offset)), _time(record), **_key(record), **_value(record))
    )


def _time(record: LogRecord) -> str | UnsetType:
    try:
        return instant(record.timestamp_ms)
    except (ValueError, OverflowError, OSError):
        return UNSET


def _key(record: LogRecord) -> dict[str, Any]:
    if record.key is None:
        return {"key": None}
    if len(record.key) == _KEY_BYTES:
        return {"key": str(UUID(bytes=record.key))}
    return {"key_base64": record.key}


def _value(record: LogRecord) -> dict[str, Any]:
    """Return the value as JSON with its numbers as they are written, or as text or base64."""
    value = record.value or b""
    try:
        msgspec.json.decode(value)
        return {"kind": _kind(value), "value": Raw(msgspec.json.format(value, indent=-1))}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        text, other = spell(record.value)
    if other is not None:
        return {"value_base64": other}
    return {} if text is None else {"text": text}


def _kind(value: bytes) -> str | UnsetType:
    try:
        return msgspec.json.decode(value, type=_Kind).kind
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return UNSET
