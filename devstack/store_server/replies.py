"""Write replies: head and small bodies in one packet, long bodies in chunks, and an error in the middle of one.

They are not compressed: on loopback that would only cost time.
"""

import secrets
from collections.abc import Iterable
from http import HTTPStatus
from io import BufferedIOBase

from devstack.store_server.engine import Buffer
from devstack.store_server.errors import StoreError

_JOIN_MAX = 64 * 1024


class StatementReply:
    """One reply on one connection. `started` is set when the client may have seen its beginning."""

    def __init__(self, wfile: BufferedIOBase, keep_alive: bool) -> None:
        self._wfile = wfile
        self._headers = {"Connection": "keep-alive" if keep_alive else "close"}
        self.started = False

    def header(self, name: str, value: str) -> None:
        """Add a header without the line ends in its value, which would begin another header."""
        self._headers[name] = value.translate({10: None, 13: None})

    def whole(self, blocks: Iterable[Buffer], status: int = 200) -> None:
        """Send a reply whose body is complete."""
        body = list(blocks)
        self.header("Content-Length", str(sum(map(len, body))))
        self._send(self._head(status), *body)

    def error(self, error: StoreError, version: str) -> None:
        """Send an error in ClickHouse's form."""
        text = error.text if "(version " in error.text[-80:] else f"{error.text} (version {version})"
        self.header("X-ClickHouse-Exception-Code", str(error.code))
        self.header("Content-Type", "text/plain; charset=UTF-8")
        self.whole([f"{text}\n".encode("utf-8", "replace")], error.status)

    def chunked(self, blocks: Iterable[Buffer]) -> None:
        """Send a long reply block by block. A late failure is reported in the body, as ClickHouse does.

        The last chunk is then omitted, so that a client that ignores the message fails, too.
        """
        tag = secrets.token_hex(8)
        self.header("Transfer-Encoding", "chunked")
        self.header("X-ClickHouse-Exception-Tag", tag)
        self._send(self._head(200))
        try:
            for data in blocks:
                self._chunk(data)
        except StoreError as error:
            text, mark = error.text.encode("utf-8", "replace") + b"\n", tag.encode()
            form = b"\r\n__exception__\r\n%b\r\n%b%d %b\r\n__exception__\r\n"
            self._chunk(form % (mark, text, len(text), mark))
            raise
        self._send(b"0\r\n\r\n")

    def _chunk(self, data: Buffer) -> None:
        if data:
            self._send(b"%x\r\n" % len(data), data, b"\r\n")

    def _head(self, status: int) -> bytes:
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in self._headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _send(self, *parts: Buffer) -> None:
        self.started = True
        if sum(map(len, parts)) <= _JOIN_MAX:
            parts = (b"".join(parts),)
        for part in parts:
            self._wfile.write(part)
