"""Content codings of requests (bounded while inflating) and of replies (a flush per block, so that streams flow)."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Protocol

import lz4.frame
from backports import zstd

Buffer = bytes | bytearray | memoryview
Deflate = Callable[[Iterable[Buffer]], Iterator[Buffer]]
CODING_ERRORS: tuple[type[Exception], ...] = (RuntimeError, EOFError, zlib.error, zstd.ZstdError)
_ZLIB, _GZIP = 15, 31  # zlib's window bits for each header


class Inflater(Protocol):
    """One compressed frame; `eof` at its end."""

    eof: bool
    needs_input: bool
    unused_data: bytes | None

    def decompress(self, data: Buffer, max_length: int) -> bytes:
        """Take `data` and return what is ready, at most `max_length` bytes; call again with b"" for more."""


class _Zlib:
    """An inflater of zlib, which returns the input that it could not use yet; the other codings buffer it."""

    def __init__(self, wbits: int) -> None:
        self._inflate = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflate.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: Buffer, max_length: int) -> bytes:
        return self._inflate.decompress(self._inflate.unconsumed_tail + bytes(data), max_length)


INFLATERS: dict[str, Callable[[], Any]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": zstd.ZstdDecompressor,
    "gzip": partial(_Zlib, _GZIP),
    "deflate": partial(_Zlib, _ZLIB),
}


def _deflate_lz4(blocks: Iterable[Buffer]) -> Iterator[Buffer]:
    frame = lz4.frame.LZ4FrameCompressor(auto_flush=True)
    yield frame.begin()
    for block in blocks:
        yield frame.compress(block)
    yield frame.flush()


def _deflate_zstd(blocks: Iterable[Buffer]) -> Iterator[Buffer]:
    frame = zstd.ZstdCompressor(level=1)
    for block in blocks:
        yield frame.compress(block, frame.FLUSH_BLOCK)
    yield frame.flush()


def _deflate_zlib(wbits: int, blocks: Iterable[Buffer]) -> Iterator[Buffer]:
    frame = zlib.compressobj(1, zlib.DEFLATED, wbits)
    for block in blocks:
        yield frame.compress(block) + frame.flush(zlib.Z_SYNC_FLUSH)
    yield frame.flush()


# In the order of our preference: the cheapest first.
_DEFLATES: dict[str, Deflate] = {
    "lz4": _deflate_lz4,
    "zstd": _deflate_zstd,
    "gzip": partial(_deflate_zlib, _GZIP),
    "deflate": partial(_deflate_zlib, _ZLIB),
}


def choose_deflate(accepted: str) -> tuple[str, Deflate] | None:
    """Return the coding of a reply, given an Accept-Encoding header; None for none.

    Deflate compresses a reply into one frame, and yields each block as soon as it is compressed.
    """
    offers = dict(_offer(offer) for offer in accepted.split(","))
    return next(((coding, deflate) for coding, deflate in _DEFLATES.items() if offers.get(coding)), None)


def _offer(offer: str) -> tuple[str, bool]:
    """Return the name of a coding, and whether its weight is above zero."""
    name, _, weight = offer.lower().partition(";")
    return name.strip(), weight.replace(" ", "").rstrip("0.") != "q="
