"""Content encodings. Their output is limited, and their work is linear in the bytes they read and write."""

import zlib
from collections.abc import Callable, Mapping

import cramjam

_GZIP = 31  # zlib's window bits, for a gzip header
_SLICE = 4_096  # zlib copies the input behind a member: little of a slice, but much of a body with many members


class Corrupt(Exception):
    """The bytes do not have the encoding that the request names."""


class TooLarge(Exception):
    """The decoded body exceeds the limit."""


def _identity(body: bytes, bytes_max: int) -> bytes:
    if len(body) > bytes_max:
        raise TooLarge
    return body


def _gunzip(body: bytes, bytes_max: int) -> bytes:
    """Inflate each member of a gzip file: a client may write one member for each event."""
    view, inflated = memoryview(body), bytearray()
    place = _inflate_member(view, inflated, bytes_max)
    while place < len(view):
        place += _inflate_member(view[place:], inflated, bytes_max)
    return bytes(inflated)


def _inflate_member(view: memoryview, inflated: bytearray, bytes_max: int) -> int:
    """Append the content of the first member of ``view``; return the member's length."""
    member = zlib.decompressobj(_GZIP)
    place = 0
    while not member.eof:
        fed = view[place : place + _SLICE]
        if not fed:
            raise Corrupt("cut off")
        try:
            inflated += member.decompress(fed, bytes_max + 1 - len(inflated))
        except zlib.error as error:
            raise Corrupt(str(error)) from error
        if len(inflated) > bytes_max:
            raise TooLarge
        place += len(fed) - len(member.unused_data)
    return place


def _unzstd(body: bytes, bytes_max: int) -> bytes:
    room = bytearray(bytes_max + 1)
    try:
        size = cramjam.zstd.decompress_into(body, room)
    except cramjam.DecompressionError as error:
        if "whole buffer" in str(error):  # `room` is too small
            raise TooLarge from error
        raise Corrupt(str(error)) from error
    if size > bytes_max:
        raise TooLarge
    return bytes(memoryview(room)[:size])


ENCODINGS: Mapping[str, Callable[[bytes, int], bytes]] = {"identity": _identity, "gzip": _gunzip, "zstd": _unzstd}
