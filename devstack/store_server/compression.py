"""Content codings of requests. Replies are not compressed: on loopback that would only cost time."""

from collections.abc import Callable
from typing import Any, Protocol

import lz4.frame
from backports import zstd

Buffer = bytes | bytearray | memoryview
CODING_ERRORS: tuple[type[Exception], ...] = (RuntimeError, EOFError, zstd.ZstdError)


class Inflater(Protocol):
    """One compressed frame; `eof` at its end."""

    eof: bool
    needs_input: bool
    unused_data: bytes | None

    def decompress(self, data: Buffer, max_length: int) -> bytes:
        """Take `data` and return what is ready, at most `max_length` bytes; call again with b"" for more."""


INFLATERS: dict[str, Callable[[], Any]] = {"lz4": lz4.frame.LZ4FrameDecompressor, "zstd": zstd.ZstdDecompressor}
