"""One record as one line of JSON, byte for byte.

Key and value are text where they are UTF-8, else base64 in ``key_base64`` and ``value_base64``. Without a key, both of
its fields are absent; the same holds for the value.
"""

import msgspec
from msgspec import Struct

from schemas.log.position import LogRecord

_encoder = msgspec.json.Encoder()


class _Line(Struct, omit_defaults=True, forbid_unknown_fields=True):
    partition: int
    offset: int
    time: int  # of the log, in ms since 1970
    key: str | None = None
    key_base64: bytes | None = None
    value: str | None = None
    value_base64: bytes | None = None


_decoder = msgspec.json.Decoder(_Line)


class BadLine(ValueError):
    """The line isn't a record."""


def encode_line(record: LogRecord) -> bytes:
    """Return the line, with its end."""
    line = _Line(record.partition, record.offset, record.timestamp_ms, *spell(record.key), *spell(record.value))
    return _encoder.encode(line) + b"\n"


def decode_line(line: bytes) -> LogRecord:
    """Return the record of a line. Raises `BadLine` for unknown fields, wrong types, and a key or value given twice."""
    try:
        found = _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadLine(str(error)) from error
    key, value = _bytes(found.key, found.key_base64), _bytes(found.value, found.value_base64)
    return LogRecord(found.partition, found.offset, key, value, found.time)


def spell(raw: bytes | None) -> tuple[str | None, bytes | None]:
    """Return the bytes as text where they are UTF-8, else the bytes themselves in the second place."""
    try:
        return (None if raw is None else raw.decode()), None
    except UnicodeDecodeError:
        return None, raw


def _bytes(text: str | None, other: bytes | None) -> bytes | None:
    if text is not None and other is not None:
        raise BadLine("it has a key or value twice")
    return other if text is None else text.encode()
