"""One attack: the bytes of a request, or of something else, and how to send them."""

import gzip
from collections.abc import Mapping
from typing import Literal, NamedTuple

import cramjam

HOST = b"fuzz.example"
JSON = {"Content-Type": "application/json"}

Ending = Literal["read", "half_close", "reset", "hold"]


class Case(NamedTuple):
    """The bytes ``raw``, sent in parts that are cut at ``cuts``, with ``pause_s`` before each part but the first.

    ``is_whole``: it is one complete request in valid HTTP/1.1. Then exactly one response in the shape of the API has
    to arrive within ``late_s``, or within the usual limit if that is longer. ``may_open`` is False if a 2xx would be a
    security hole. ``copies`` are sent at once, each over a separate connection. ``items`` is the number of items in a
    batch of hooks or an export, of which ``refused`` have to be refused; -1 if that is unknown.
    """

    name: str
    raw: bytes
    cuts: tuple[int, ...] = ()
    pause_s: float = 0.0
    ending: Ending = "read"
    is_whole: bool = True
    may_open: bool = True
    copies: int = 1
    late_s: float = 0.0
    items: int = -1
    refused: int = -1

    @property
    def method(self) -> str:
        """Return the method of the first request, if there is one."""
        return self.raw.partition(b" ")[0].decode("latin-1")

    @property
    def target(self) -> str:
        """Return the address of the first request, if there is one."""
        return self.raw.partition(b"\r\n")[0].partition(b" ")[2].rpartition(b" ")[0].decode("latin-1")

    def parts(self) -> list[bytes]:
        """Return what is sent between the pauses."""
        ends = (*self.cuts, len(self.raw))
        return [self.raw[start:end] for start, end in zip((0, *self.cuts), ends, strict=True)]


def request(method: str, target: str, headers: Mapping[str, str | bytes], body: bytes | None = None) -> bytes:
    """Return the bytes of one request; ``target`` and header values are sent unchanged, in latin-1."""
    lines = [method.encode("latin-1") + b" " + target.encode("latin-1") + b" HTTP/1.1", b"Host: " + HOST]
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    for name, value in headers.items():
        lines.append(name.encode("latin-1") + b": " + (value if isinstance(value, bytes) else value.encode("latin-1")))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def gzipped(body: bytes, level: int = 9) -> bytes:
    """Return one gzip member; the same bytes each time."""
    return gzip.compress(body, level, mtime=0)


def zstd(body: bytes) -> bytes:
    """Return one zstd frame."""
    return bytes(cramjam.zstd.compress(body))
