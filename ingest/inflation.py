"""Content encodings. None of them ever makes more bytes than it was allowed to, whatever it is fed."""

import zlib
from collections.abc import Callable, Mapping

import cramjam

_GZIP = 31  # zlib's window bits, for a gzip header


class Corrupt(Exception):
    """These bytes are not what they were said to be."""


class TooLarge(Exception):
    """There is more in them than is taken."""


def _identity(body: bytes, bytes_max: int) -> bytes:
    if len(body) > bytes_max:
        raise TooLarge
    return body


def _gunzip(body: bytes, bytes_max: int) -> bytes:
    inflated, rest = b"", body
    while rest or not inflated:  # a gzip file may have several members
        member = zlib.decompressobj(_GZIP)
        try:
            inflated += member.decompress(rest, bytes_max + 1 - len(inflated))
        except zlib.error as error:
            raise Corrupt(str(error)) from error
        if len(inflated) > bytes_max:
            raise TooLarge
        if not member.eof:
            raise Corrupt("cut off")
        rest = member.unused_data
        if not rest:
            break
    return inflated


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
