"""Content encodings. None makes more bytes than it may, and their work is linear in the bytes they read and make."""

import zlib
from collections.abc import Callable, Mapping

import cramjam

_GZIP = 31  # zlib's window bits, for a gzip header
_SLICE = 4_096  # zlib copies what follows a member: of a slice that is little, of a body with many members it is not


class Corrupt(Exception):
    """The bytes are not in the encoding that the request names."""


class TooLarge(Exception):
    """The body holds more bytes than it may."""


def _identity(body: bytes, bytes_max: int) -> bytes:
    if len(body) > bytes_max:
        raise TooLarge
    return body


def _gunzip(body: bytes, bytes_max: int) -> bytes:
    """Inflate each member of a gzip file: a client may write one an event."""
    view, inflated = memoryview(body), bytearray()
    place = _inflate_member(view, inflated, bytes_max)
    while place < len(view):
        place += _inflate_member(view[place:], inflated, bytes_max)
    return bytes(inflated)


def _inflate_member(view: memoryview, inflated: bytearray, bytes_max: int) -> int:
    """Append what the first member of ``view`` holds; return its length."""
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
        if "whole buffer" in str(error):  # the room was not enough
            raise TooLarge from error
        raise Corrupt(str(error)) from error
    if size > bytes_max:
        raise TooLarge
    return bytes(memoryview(room)[:size])


ENCODINGS: Mapping[str, Callable[[bytes, int], bytes]] = {"identity": _identity, "gzip": _gunzip, "zstd": _unzstd}
