"""Read the body of a request: decode and bound it as it comes, and write it to a file in memory for the engine."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedIOBase
from typing import Any, Protocol

import lz4.frame
from backports import zstd

from devstack.store_server.engine import Buffer
from devstack.store_server.errors import Code, StoreError

BLOCK_BYTES = 1024 * 1024
BODY_BYTES_MAX = 512 * 1024 * 1024
INFLATERS: dict[str, Callable[[], Any]] = {"lz4": lz4.frame.LZ4FrameDecompressor, "zstd": zstd.ZstdDecompressor}
CODING_ERRORS: tuple[type[Exception], ...] = (RuntimeError, EOFError, zstd.ZstdError)
_LINE_MAX = 1024


class TruncatedBody(ConnectionError):
    """The client disconnected in the middle of its body: nothing of it may be used."""


class Source(Protocol):
    """Where bytes come from."""

    def read(self, size: int) -> Buffer:
        """Return at most `size` bytes, b"" at the end; they are valid until the next call."""


class _Plain:
    """A body of known length, read into one buffer."""

    def __init__(self, rfile: BufferedIOBase, length: int) -> None:
        self._rfile, self._left = rfile, length
        self._buffer = memoryview(bytearray(min(BLOCK_BYTES, length)))

    def read(self, size: int) -> Buffer:
        view = self._buffer[: min(size, self._left)]
        if not view:
            return b""
        got = self._rfile.readinto(view)
        if not got:
            raise TruncatedBody
        self._left -= got
        return view[:got]


class _Chunked:
    """A body in chunks (RFC 9112, 7.1)."""

    def __init__(self, rfile: BufferedIOBase) -> None:
        self._rfile = rfile
        self._chunk: _Plain | None = None
        self._ended = False

    def read(self, size: int) -> Buffer:
        while not self._ended:
            if self._chunk is not None:
                if data := self._chunk.read(size):
                    return data
                self._line()
            self._next_chunk()
        return b""

    def _next_chunk(self) -> None:
        try:
            length = int(self._line().partition(b";")[0], 16)
        except ValueError:
            raise StoreError(Code.BAD_ARGUMENTS, "A chunk of the body has no valid length") from None
        if length < 0:
            raise StoreError(Code.BAD_ARGUMENTS, "A chunk of the body has no valid length")
        self._chunk = _Plain(self._rfile, length)
        if length == 0:
            self._ended = True
            while self._line():
                pass  # trailers mean nothing here

    def _line(self) -> bytes:
        line = self._rfile.readline(_LINE_MAX)
        if not line.endswith(b"\n"):
            raise TruncatedBody
        return line.strip()


class _Inflated:
    """Decodes frame after frame: clients send each block in a separate frame."""

    def __init__(self, source: Source, coding: str) -> None:
        if coding not in INFLATERS:
            text = f"Unknown Content-Encoding; known are {', '.join(INFLATERS)}"
            raise StoreError(Code.UNKNOWN_COMPRESSION_METHOD, text)
        self._source, self._coding = source, coding
        self._frame: Any = None  # the decompressor of the frame that has begun
        self._pending: Buffer = b""

    def read(self, size: int) -> Buffer:
        while self._frame is not None or self._pending or self._fill():
            try:
                data = self._step(size)
            except CODING_ERRORS:
                text = f"The body is not complete and valid {self._coding}"
                raise StoreError(Code.CANNOT_DECOMPRESS, text) from None
            if data:
                return data
        return b""

    def _fill(self) -> bool:
        self._pending = self._source.read(BLOCK_BYTES)
        return bool(self._pending)

    def _step(self, size: int) -> bytes:
        frame = self._frame = self._frame or INFLATERS[self._coding]()
        if frame.needs_input and not self._pending and not self._fill():
            raise EOFError
        pending, self._pending = self._pending, b""
        data: bytes = frame.decompress(pending, size)
        if frame.eof:
            self._frame, self._pending = None, frame.unused_data or b""
        return data


class RequestBody:
    """A request's body, decoded. Raises StoreError beyond `bytes_max`, whether as sent or as decoded."""

    def __init__(self, rfile: BufferedIOBase, headers: Mapping[str, str], bytes_max: int = BODY_BYTES_MAX) -> None:
        self._sent: Source = _sent(rfile, headers, bytes_max)
        self._coding = headers.get("Content-Encoding", "identity").strip().lower()
        self._inflated: Source | None = self._sent if self._coding in ("", "identity") else None
        self._room = bytes_max

    def read(self, size: int) -> Buffer:
        """Return at most `size` decoded bytes, b"" at the end; they are valid until the next call."""
        if self._inflated is None:  # not earlier: a body in an unknown coding must still be skipped
            self._inflated = _Inflated(self._sent, self._coding)
        data = self._inflated.read(min(size, BLOCK_BYTES))
        self._room -= len(data)
        if self._room < 0:
            raise _too_large()
        return data

    def read_up_to(self, size: int) -> bytes:
        """Return `size` bytes, or fewer if the body is shorter."""
        data = bytearray()
        while len(data) < size and (block := self.read(size - len(data))):
            data += block
        return bytes(data)

    def skip(self, size: int) -> bool:
        """Discard the rest of the body as sent; return False if that is more than `size` bytes."""
        while size > 0 and (block := self._sent.read(BLOCK_BYTES)):
            size -= len(block)
        return size > 0


def _sent(rfile: BufferedIOBase, headers: Mapping[str, str], bytes_max: int) -> Source:
    if transfer := headers.get("Transfer-Encoding", "").strip().lower():
        if transfer != "chunked":
            raise StoreError(Code.NOT_IMPLEMENTED, "The only Transfer-Encoding known is chunked")
        return _Chunked(rfile)
    length = headers.get("Content-Length", "0")
    if not length.isascii() or not length.isdecimal():
        raise StoreError(Code.BAD_ARGUMENTS, "Content-Length isn't a number")
    if int(length) > bytes_max:
        raise _too_large()
    return _Plain(rfile, int(length))


def _too_large() -> StoreError:
    return StoreError(Code.TOO_MANY_BYTES, "The body is too large; send it in several requests", 413)


@contextmanager
def as_file(head: Buffer, rest: Source) -> Iterator[str]:
    """Yield the path of a file in memory with these bytes. The engine reads it in place, so nothing is copied again."""
    descriptor = os.memfd_create("insert", os.MFD_CLOEXEC)
    try:
        _write(descriptor, head)
        while block := rest.read(BLOCK_BYTES):
            _write(descriptor, block)
        yield f"/proc/{os.getpid()}/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: Buffer) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
