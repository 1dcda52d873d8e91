"""Encodes rows as ClickHouse's RowBinary. The wire form follows from the annotations in `schemas.store.rows`.

Facts and tasks have faster, handwritten encoders; a test compares both encodings of each.

Format: integers little-endian; String = LEB128 length + bytes; Nullable = one byte (1 is NULL) before the value;
UUID = its two halves as little-endian UInt64; Array and Map = LEB128 count + elements; Tuple = its elements.
"""

import struct
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from itertools import groupby
from typing import Any
from uuid import UUID

import msgspec

from schemas.store.rows import FactRow, TaskRow, UInt32

Encode = Callable[[Any], bytes]

_FORMATS = {"UInt8": "B", "UInt16": "H", "UInt32": "I", "UInt64": "Q", "Int64": "q"}
_HALF = (1 << 64) - 1
_uuid_pair = struct.Struct("<QQ").pack
_record_tail = struct.Struct("<qHQ").pack
_event_head = struct.Struct("<HQQQq").pack
_nullable_int = struct.Struct("<Bq").pack
_task_place = struct.Struct("<QH").pack
_count = struct.Struct("<Q").pack


def encode_rows(rows: Iterable[msgspec.Struct]) -> bytes:
    """Return all rows of one table, in field order."""
    return b"".join([_row(row) for row in rows])


def _row(row: msgspec.Struct) -> bytes:
    """Return one row. A number that its column can't hold wraps around, as sums do in the store."""
    try:
        return _encoded(row, _encoders(type(row)))
    except struct.error:
        return _encoded(row, _encoders(type(row), wraps=True))


def _encoded(row: msgspec.Struct, encoders: Sequence[Encode]) -> bytes:
    values = msgspec.structs.astuple(row)
    return b"".join([encode(values) for encode in encoders])


def session_prefix(org_id: str, session_id: UUID) -> bytes:
    """Return the first two columns of a row of `facts` or `tasks`."""
    return string(org_id) + uuid(session_id)


def event_prefix(row: FactRow) -> bytes:
    """Return the first eight columns of a row of `facts`, which all facts of a record share."""
    names = (string(row.kind), string(row.user_id), string(row.role))
    place = _record_tail(row.received_at, row.log_partition, row.log_offset)
    return b"".join((session_prefix(row.org_id, row.session_id), *names, place))


def event_parts(prefix: bytes, row: FactRow) -> tuple[bytes, ...]:
    """Return one row of `facts` in parts: the bytes of `encode_rows`, several times faster."""
    event_id, data = row.event_id.int, row.data
    seq, duration = row.seq, row.duration_ms
    return (
        prefix,
        _event_head(row.log_index, event_id >> 64, event_id & _HALF, row.place, row.timestamp),
        _cached(row.event_type),
        _cached(row.tool_name),
        string(row.tool_use_id) if row.tool_use_id else b"\0",
        string(row.agent_id) if row.agent_id else b"\0",
        _cached(row.agent_type),
        string(row.task_id) if row.task_id else b"\0",
        string(row.label) if row.label else b"\0",
        _cached(row.model),
        b"\1" if seq is None else _nullable_int(0, seq),
        b"\1" if duration is None else _nullable_int(0, duration),
        _redactions(row.redactions) if row.redactions else b"\0",
        _SMALL[len(data)] if len(data) < _SMALL_MAX else varint(len(data)),
        data,
        b"\1" if row.is_deleted else b"\0",
        (_SMALL[len(row.parsed)] if len(row.parsed) < _SMALL_MAX else varint(len(row.parsed))) + row.parsed,
        varint(len(row.words)) + row.words if row.words else b"\0",
    )


def encode_task(prefix: bytes, row: TaskRow) -> bytes:
    """Return one row of `tasks` after the bytes of its first two columns, faster: each tool use is a row."""
    started_at, ended_at, duration = row.started_at, row.ended_at, row.duration_ms
    return b"".join(
        (
            prefix,
            _cached(row.kind),
            string(row.task_id),
            _task_place(row.version, row.log_partition),
            _cached(row.name),
            _cached(row.status),
            b"\1" if started_at is None else _nullable_int(0, started_at),
            b"\1" if ended_at is None else _nullable_int(0, ended_at),
            b"\1" if duration is None else _nullable_int(0, duration),
            _cached(row.agent_type),
            string(row.parent_task_id) if row.parent_task_id else b"\0",
            _count(row.tool_calls),
            b"\1" if row.is_erased else b"\0",
        )
    )


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def string(text: str) -> bytes:
    """Return a String value. A lone surrogate, which UTF-8 can't hold, becomes a question mark."""
    encoded = text.encode("utf-8", "replace")
    length = len(encoded)
    return (_SMALL[length] if length < _SMALL_MAX else varint(length)) + encoded


def uuid(value: UUID) -> bytes:
    return _uuid_pair(value.int >> 64, value.int & _HALF)


_SMALL_MAX = 1 << 14
_SMALL = [varint(length) for length in range(_SMALL_MAX)]  # most lengths are in this list, which is faster than a call
_cached = lru_cache(maxsize=8192)(string)  # names that repeat: types, tools, models, users


@cache
def _encoders(row_type: type, *, wraps: bool = False) -> tuple[Encode, ...]:
    """Return functions from the values of a row to its bytes; those of numbers in a row are packed at once."""
    found: list[Encode] = []
    hints = typing.get_type_hints(row_type, include_extras=True).values()
    for are_numbers, group in groupby(enumerate(hints), lambda place: not wraps and _is_number(place[1])):
        places = list(group)
        if are_numbers:
            found.append(_packed(places[0][0], [_FORMATS[hint.__metadata__[0]] for _, hint in places]))
        else:
            found += [_one(place, _encoder(hint, wraps)) for place, hint in places]
    return tuple(found)


def _is_number(hint: Any) -> bool:
    return typing.get_origin(hint) is typing.Annotated


def _packed(first: int, formats: Sequence[str]) -> Encode:
    pack, last = struct.Struct("<" + "".join(formats)).pack, first + len(formats)
    return lambda values: pack(*values[first:last])


def _one(place: int, encode: Encode) -> Encode:
    return lambda values: encode(values[place])


def _encoder(hint: Any, wraps: bool) -> Encode:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if _is_number(hint):
        number = struct.Struct("<" + _FORMATS[hint.__metadata__[0]])
        return _wrapping(number.size) if wraps else number.pack
    if origin in (types.UnionType, typing.Union):
        present = _encoder(next(arg for arg in args if arg is not types.NoneType), wraps)
        return lambda value: b"\1" if value is None else b"\0" + present(value)
    if origin is list:
        element = _encoder(args[0], wraps)
        return lambda values: varint(len(values)) + b"".join([element(value) for value in values])
    if origin is dict:
        key, item = (_encoder(arg, wraps) for arg in args)
        return lambda pairs: varint(len(pairs)) + b"".join([key(k) + item(v) for k, v in sorted(pairs.items())])
    if hint in _PLAIN:
        return _PLAIN[hint]
    fields = _encoders(hint, wraps=wraps)  # of a named tuple
    return lambda values: b"".join([encode(values) for encode in fields])


def _wrapping(length: int) -> Encode:
    return lambda value: (value & (1 << 8 * length) - 1).to_bytes(length, "little")


_PLAIN: dict[Any, Encode] = {
    str: string,
    bytes: lambda value: varint(len(value)) + value,
    bool: lambda value: b"\1" if value else b"\0",
    UUID: uuid,
}
_redactions = _encoder(dict[str, UInt32], wraps=False)
