"""One attack: the bytes of a request, or of something else, and how to send them."""

import shlex
from collections.abc import Mapping
from typing import Literal, NamedTuple

HOST = b"fuzz.example"
INLINE_BYTES_MAX = 600  # longer bodies are stored in a file next to the curl command

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


def as_curl(case: Case, url: str, body_file: str) -> tuple[str, bytes] | None:
    """Return a curl command for a whole request, and the content of ``body_file`` (empty if the command holds it)."""
    if not case.is_whole or case.cuts:
        return None
    head, _, body = case.raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    target = rest.rpartition(" ")[0]
    options = [f"-H {shlex.quote(line)}" for line in lines if not line.startswith(("Content-Length:", "Host:"))]
    inline = len(body) <= INLINE_BYTES_MAX and body.isascii() and body.decode("ascii").isprintable()
    if body:
        options.append(f"--data-binary {shlex.quote(body.decode()) if inline else '@' + shlex.quote(body_file)}")
    line = f"curl -si --path-as-is -X {shlex.quote(method)} {' '.join(options)} {shlex.quote(url + target)}"
    return line, b"" if inline else body
