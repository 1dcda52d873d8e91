"""Decode RowBinary into rows: the inverse of `processors.rowbinary`, from the annotations of the same structs."""

import struct
import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

R = TypeVar("R")
Decode = Callable[[bytes, int], tuple[Any, int]]  # bytes and offset -> value and next offset

_FORMATS = {"UInt8": "<B", "UInt16": "<H", "UInt32": "<I", "UInt64": "<Q", "Int64": "<q"}


def decode_rows(row_type: type[R], block: bytes) -> list[R]:
    """Decode all rows of one table."""
    rows, at = [], 0
    while at < len(block):
        row, at = _tuple(row_type)(block, at)  # type: ignore[arg-type]  # a class is hashable
        rows.append(row)
    return rows


@cache
def _tuple(row_type: type[Any]) -> Decode:
    """Decode the fields of a struct or a named tuple in order."""
    hints = typing.get_type_hints(row_type, include_extras=True)
    decoders = [_decoder(hint) for hint in hints.values()]

    def decode(block: bytes, at: int) -> tuple[Any, int]:
        values = []
        for one in decoders:
            value, at = one(block, at)
            values.append(value)
        return row_type(*values), at

    return decode


def _decoder(hint: Any) -> Decode:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _number(struct.Struct(_FORMATS[hint.__metadata__[0]]))
    if origin in (types.UnionType, typing.Union):
        return _nullable(_decoder(next(arg for arg in args if arg is not types.NoneType)))
    if origin is list:
        return _array(_decoder(args[0]))
    if origin is dict:
        return _map(_decoder(args[0]), _decoder(args[1]))
    return _PLAIN[hint] if hint in _PLAIN else _tuple(hint)


def _number(form: struct.Struct) -> Decode:
    unpack, size = form.unpack_from, form.size
    return lambda block, at: (unpack(block, at)[0], at + size)


def _nullable(decode: Decode) -> Decode:
    return lambda block, at: (None, at + 1) if block[at] else decode(block, at + 1)


def _array(decode: Decode) -> Decode:
    def many(block: bytes, at: int) -> tuple[list[Any], int]:
        count, at = _varint(block, at)
        values = []
        for _ in range(count):
            value, at = decode(block, at)
            values.append(value)
        return values, at

    return many


def _map(key: Decode, value: Decode) -> Decode:
    def pairs(block: bytes, at: int) -> tuple[dict[Any, Any], int]:
        count, at = _varint(block, at)
        found = {}
        for _ in range(count):
            name, at = key(block, at)
            found[name], at = value(block, at)
        return found, at

    return pairs


def _varint(block: bytes, at: int) -> tuple[int, int]:
    number, shift = 0, 0
    while True:
        byte = block[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7


def _bytes(block: bytes, at: int) -> tuple[bytes, int]:
    length, at = _varint(block, at)
    return block[at : at + length], at + length


def _string(block: bytes, at: int) -> tuple[str, int]:
    value, at = _bytes(block, at)
    return value.decode(), at


def _uuid(block: bytes, at: int) -> tuple[UUID, int]:
    high, low = struct.unpack_from("<QQ", block, at)
    return UUID(int=high << 64 | low), at + 16


_PLAIN: dict[Any, Decode] = {
    str: _string,
    bytes: _bytes,
    bool: lambda block, at: (block[at] == 1, at + 1),
    UUID: _uuid,
}
