"""The installation's HTTP API, as far as this client needs it."""

from __future__ import annotations

import gzip
import io
import json
import math
import socket
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import quote

from crewkit_hook import __version__
from crewkit_hook.foreign import printable
from crewkit_hook.settings import Settings

TIMEOUT_S = 30.0
REPLY_S = 30.0  # from the end of a request to the end of its reply
REPLY_BYTES_MAX = 4 << 20  # a reply that refuses a whole batch is smaller than 1 MB
RETRY_AFTER_S_MAX = 3_600.0


class Unreachable(Exception):
    """No answer, or one that asks to try again. ``retry_after_s``: the pause that it asks for; 0 if it names none."""

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(printable(message))
        self.retry_after_s = retry_after_s


class Answer(NamedTuple):
    """A status below 500, the JSON body, and the headers."""

    status: int
    body: Any
    position: str

    @property
    def error(self) -> str:
        """The status, and the error's sentence."""
        return printable(f"{self.status}: {self.sentence}" if self.sentence else str(self.status))

    @property
    def sentence(self) -> str:
        """The sentence of an installation's error; empty for an error of any other server."""
        said = self.body.get("error") if isinstance(self.body, dict) else None
        return said if isinstance(said, str) else ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would hand the token to another host."""

    def redirect_request(self, *_: Any) -> None:
        return None


class _Bytes(io.RawIOBase):
    """The bytes that arrive on a socket before a deadline: a server that trickles bytes must not hold up a request."""

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


class _Handler(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    """Opens connections whose replies have a deadline, see `_Bytes`."""

    def http_open(self, request: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_Connection, request)

    def https_open(self, request: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_SecureConnection, request)


class Api:
    """The API of one org, with a token."""

    def __init__(self, settings: Settings) -> None:
        self._base, self._token = settings.base, settings.token
        self._opener = urllib.request.build_opener(_NoRedirect, _Handler)

    def send(self, client: str, body: bytes) -> Answer:
        """Send a batch of hooks and reports. Raises `Unreachable`."""
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        answer = self._ask(f"hooks/{client}", headers, gzip.compress(body, 6))
        data = answer.body.get("data") if isinstance(answer.body, dict) else None
        lists_rejected = isinstance(data, dict) and isinstance(data.get("rejected"), list)
        if answer.status == HTTPStatus.ACCEPTED and not lists_rejected:
            raise Unreachable("the answer is not that of an installation, or it was cut off")
        return answer

    def receipt(self, position: str) -> Answer:
        """Read the receipt of a position once the position is projected. Raises `Unreachable`."""
        return self._ask(f"ops/receipts/{quote(position, safe=':')}", {"X-Wait-For-Position": position})

    def _ask(self, path: str, headers: dict[str, str], body: bytes | None = None) -> Answer:
        try:
            request = urllib.request.Request(f"{self._base}/{path}", body, headers)
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
            request.add_header("User-Agent", f"crewkit-hook/{__version__}")
            with self._opener.open(request, timeout=TIMEOUT_S) as reply:
                return _answer(reply)
        except urllib.error.HTTPError as error:
            with error:
                answer = _answer(error)
                if answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise Unreachable(answer.error, _seconds(error.headers.get("Retry-After"))) from error
                return answer
        except (OSError, HTTPException) as error:
            raise Unreachable(f"{getattr(error, 'reason', None) or error!r}") from error
        except ValueError:  # which may quote the token
            raise Unreachable(f"the address {self._base} can't be used") from None


def _answer(reply: Any) -> Answer:
    try:
        text = reply.read(REPLY_BYTES_MAX)
    except (OSError, HTTPException, ValueError) as error:
        raise Unreachable(f"the answer was cut off: {error!r}") from error
    try:
        body = json.loads(text) if text else None
    except (ValueError, RecursionError):
        body = None
    return Answer(reply.status, body, reply.headers.get("X-Log-Position") or "")


def _seconds(value: str | None) -> float:
    """Return the pause that a server asks for, at most an hour; 0 for a date or anything else that isn't a number."""
    try:
        seconds = float(value or 0)
    except ValueError:
        return 0.0
    return min(max(0.0, seconds), RETRY_AFTER_S_MAX) if math.isfinite(seconds) else 0.0
