"""HTTP connections whose replies have a deadline: a server that trickles bytes must not hold up a request."""

from __future__ import annotations

import io
import socket
import time
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.request import HTTPHandler, HTTPSHandler, Request

REPLY_S = 30.0  # from the end of a request to the end of its reply


class _Bytes(io.RawIOBase):
    """The bytes that arrive on a socket before a deadline."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock, self._until = sock, until
        self._raw = sock.makefile("rb", buffering=0)  # it keeps the socket open

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the reply took too long")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Reply(HTTPResponse):
    def __init__(self, sock: socket.socket, *rest: Any, **named: Any) -> None:
        super().__init__(sock, *rest, **named)
        self.fp.close()
        self.fp = io.BufferedReader(_Bytes(sock, time.monotonic() + REPLY_S))


class _Connection(HTTPConnection):
    response_class = _Reply


class _SecureConnection(HTTPSConnection):
    response_class = _Reply


class Http(HTTPHandler):
    """Opens addresses with `http`."""

    def http_open(self, request: Request) -> HTTPResponse:
        return self.do_open(_Connection, request)


class Https(HTTPSHandler):
    """Opens addresses with `https`."""

    def https_open(self, request: Request) -> HTTPResponse:
        return self.do_open(_SecureConnection, request)
