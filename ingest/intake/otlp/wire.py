"""The wire format of protobuf, just enough to reach the records inside a request one by one. Pure.

Decoded as a whole, a request of empty messages takes 70 times its size. So each record is decoded separately, and the
fields on the way to it are counted.
"""

from collections.abc import Iterator

from agents.exported import ITEMS_MAX, Budget, Undecodable

FIELDS_MAX = 2 * ITEMS_MAX  # on the way to the records, the records themselves included
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_VARINT_BYTES_MAX = 10


def messages(data: bytes, field: int, budget: Budget) -> Iterator[bytes]:
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
        else:
            at = _skip(data, at, kind)
    if at > end:
        raise Undecodable("a field ends before it is complete")


def _skip(data: bytes, at: int, kind: int) -> int:
    if kind == _VARINT:
        return _read_varint(data, at)[1]
    if kind == _FIXED_64:
        return at + 8
    if kind == _FIXED_32:
        return at + 4
    raise Undecodable("a field of an unknown kind")


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + _VARINT_BYTES_MAX]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise Undecodable("a number ends before it is complete")
