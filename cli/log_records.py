"""Prints a record of the log as one line of JSON, for reading and for `jq`."""

from typing import Any
from uuid import UUID

import click
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


def print_record(record: LogRecord) -> None:
    """Print the record as JSON without line breaks."""
    position = str(Position(record.partition, record.offset))
    click.echo(msgspec.json.encode(ShownRecord(position, _time(record), **_key(record), **_value(record))))


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
        decoded = msgspec.json.decode(value)
        kind = decoded.get("kind") if isinstance(decoded, dict) else None
        shown = Raw(msgspec.json.format(value, indent=-1))
        return {"kind": kind if isinstance(kind, str) else UNSET, "value": shown}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        text, other = spell(record.value)
    if other is not None:
        return {"value_base64": other}
    return {} if text is None else {"text": text}
