"""Send a case over sockets, and read the responses."""

import contextlib
import http.client
import io
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

from tests.fuzz.case import Case

Address = tuple[str, int]
STALLS = Path("/proc/thread-self/schedstat")
QUIET_S = 0.4  # a malformed exchange is over after this long without a byte
RESET = struct.pack("ii", 1, 0)


class Reply(NamedTuple):
    """One response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def stalled_s() -> float:
    """Return how long this thread has been runnable without a processor, which says nothing about the service."""
    try:
        return int(STALLS.read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):  # the system does not report it
        return 0.0


class Answered(NamedTuple):
    """The responses and their duration, without the time for which the client had no processor.

    ``problem`` says why a whole request has no response.
    """

    replies: list[Reply]
    took_s: float
    problem: str = ""


def send(address: Address, case: Case, limit_s: float) -> Answered:
    """Send one copy of a case over a new connection, on which no step takes longer than ``limit_s``.

    A whole request has one response. Otherwise, return those that arrive until the connection is quiet.
    """
    began, stalled = time.monotonic(), stalled_s()
    replies, problem = [], ""
    try:
        with socket.create_connection(address, timeout=limit_s) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if case.is_whole:
                _send(connection, case.raw)
                replies = [_read(connection, case.method)]
            else:
                _send_parts(connection, case)
                replies = list(replies_in(_end(connection, case, began + limit_s), case.method))
    except (OSError, http.client.HTTPException) as error:
        problem = f"{type(error).__name__}: {error}"
    return Answered(replies, time.monotonic() - began - (stalled_s() - stalled), problem)


def _send(connection: socket.socket, raw: bytes) -> bool:
    """Send all of it; return whether the server stopped reading, although it may still have responded."""
    try:
        connection.sendall(raw)
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


def _send_parts(connection: socket.socket, case: Case) -> None:
    for number, part in enumerate(case.parts()):
        if number:
            time.sleep(case.pause_s)
        if _send(connection, part):
            return


def _end(connection: socket.socket, case: Case, deadline: float) -> bytes:
    if case.ending == "hold":
        time.sleep(case.pause_s)
    if case.ending == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        return b""
    if case.ending == "half_close":
        connection.shutdown(socket.SHUT_WR)
    return _heard(connection, deadline)


def _heard(connection: socket.socket, deadline: float) -> bytes:
    connection.settimeout(QUIET_S)
    received = bytearray()
    with contextlib.suppress(OSError):
        while time.monotonic() < deadline and (part := connection.recv(1 << 16)):
            received += part
    return bytes(received)


def _read(stream: socket.socket, method: str) -> Reply:
    response = http.client.HTTPResponse(stream, method=method)
    try:
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, headers, response.read())
    finally:
        response.close()


class _ReceivedBytes(io.BytesIO):
    """Bytes that were received before, for a parser that expects a socket and closes its file."""

    def makefile(self, *_: Any) -> "_ReceivedBytes":
        return self

    def close(self) -> None:
        """Stay open: there is more to read."""


def replies_in(received: bytes, method: str = "GET") -> Iterator[Reply]:
    """Yield every complete response in the received bytes."""
    stream = _ReceivedBytes(received)
    with contextlib.suppress(http.client.HTTPException):
        while received[stream.tell() : stream.tell() + 5] == b"HTTP/":
            yield _read(cast(socket.socket, stream), method)
