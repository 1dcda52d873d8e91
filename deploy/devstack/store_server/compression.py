"""Content codings of requests (bounded while inflating) and of replies (a flush per block, so that streams flow)."""

import zlib
from collections.abc import Callable
from typing import Any, Protocol

import lz4.frame
from backports import zstd

from deploy.devstack.store_server.errors import Code, StoreError

Buffer = bytes | bytearray | memoryview
CODING_ERRORS: tuple[type[Exception], ...] = (RuntimeError, EOFError, zlib.error, zstd.ZstdError)


class Inflater(Protocol):
    """One compressed frame: gives at most `max_length` bytes a call, and is `eof` at its end."""

    eof: bool
    needs_input: bool
    unused_data: bytes | None

    def decompress(self, data: Buffer, max_length: int) -> bytes:
        """Take `data` and give what is ready, at most `max_length` bytes; call again with b"" for more."""


class _Zlib:
    """zlib's own object keeps the input it could not use yet; the others do that themselves."""

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


_INFLATERS: dict[str, Callable[[], Any]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": zstd.ZstdDecompressor,
    "gzip": lambda: _Zlib(31),
    "deflate": lambda: _Zlib(15),
}


def inflater(coding: str) -> Callable[[], Inflater]:
    """What makes an inflater for each frame of this coding. Raises StoreError for an unknown one."""
    if coding not in _INFLATERS:
        raise StoreError(
            Code.UNKNOWN_COMPRESSION_METHOD, f"Unknown Content-Encoding; known are {', '.join(_INFLATERS)}"
        )
    return _INFLATERS[coding]


def broken_coding(coding: str) -> StoreError:
    """The error for bytes that are not what Content-Encoding says, or that end too soon."""
    return StoreError(Code.CANNOT_DECOMPRESS, f"The body is not complete and valid {coding}")


class Deflater(Protocol):
    """Compresses a reply block by block into one frame."""

    def block(self, data: Buffer) -> bytes:
        """The compressed bytes of this block, all of them."""

    def finish(self) -> bytes:
        """The end of the frame."""


class _Lz4Deflater:
    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor(auto_flush=True)
        self._begin: bytes = self._frame.begin()

    def block(self, data: Buffer) -> bytes:
        head, self._begin = self._begin, b""
        return head + bytes(self._frame.compress(data))

    def finish(self) -> bytes:
        return self._begin + bytes(self._frame.flush())


class _ZstdDeflater:
    def __init__(self) -> None:
        self._frame = zstd.ZstdCompressor(level=1)

    def block(self, data: Buffer) -> bytes:
        return self._frame.compress(data, zstd.ZstdCompressor.FLUSH_BLOCK)

    def finish(self) -> bytes:
        return self._frame.flush()


class _ZlibDeflater:
    def __init__(self, wbits: int) -> None:
        self._frame = zlib.compressobj(1, zlib.DEFLATED, wbits)

    def block(self, data: Buffer) -> bytes:
        return self._frame.compress(data) + self._frame.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._frame.flush()


# In the order of our preference: what costs the least comes first.
_DEFLATERS: dict[str, Callable[[], Deflater]] = {
    "lz4": _Lz4Deflater,
    "zstd": _ZstdDeflater,
    "gzip": lambda: _ZlibDeflater(31),
    "deflate": lambda: _ZlibDeflater(15),
}


def choose_deflater(accepted: str) -> tuple[str, Deflater] | None:
    """The coding to answer with, given an Accept-Encoding header; None for none."""
    offers = dict(_offer(offer) for offer in accepted.split(","))
    for coding, make in _DEFLATERS.items():
        if offers.get(coding):
            return coding, make()
    return None


def _offer(offer: str) -> tuple[str, bool]:
    """The name of a coding, and whether its weight is above zero."""
    name, _, weight = offer.lower().partition(";")
    return name.strip(), weight.replace(" ", "").rstrip("0.") != "q="
