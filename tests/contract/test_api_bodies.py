"""API section "Conventions of every reply": sizes and encodings of bodies at their limits, on `up` and `stack`."""

import gzip
import json
import socket
from collections.abc import Callable
from typing import NamedTuple

import cramjam
import pytest

from tests.support.clients.conventions import EVENT, MIB, Here, check_error, check_limits


class Sized(NamedTuple):
    """A body, its headers and encoding, and the expected status."""

    body: bytes
    headers: dict[str, str]
    chunked: bool
    status: int


def _batch(size: int) -> bytes:
    frame = json.dumps({"events": [EVENT]}).encode()
    return frame + b" " * (size - len(frame))


def _one_event(size: int) -> bytes:
    empty = json.dumps({**EVENT, "data": {"a": ""}})
    return b'{"events": [' + empty.replace('""', '"' + "x" * (size - len(empty)) + '"').encode() + b"]}"


def _events(count: int) -> bytes:
    return json.dumps({"events": [EVENT] * count}).encode()


def _zstd(body: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(body))


GZIP, ZSTD = {"Content-Encoding": "gzip"}, {"Content-Encoding": "zstd"}
SIZES: dict[str, Callable[[], Sized]] = {  # made only when sent: compressing 200 MiB takes a second
    "10 MiB": lambda: Sized(_batch(10 * MIB), {}, False, 202),
    "10 MiB and a byte": lambda: Sized(_batch(10 * MIB + 1), {}, False, 413),
    "10 MiB in chunks": lambda: Sized(_batch(10 * MIB), {}, True, 202),
    "10 MiB and a byte in chunks": lambda: Sized(_batch(10 * MIB + 1), {}, True, 413),
    "10 MiB in gzip": lambda: Sized(gzip.compress(_batch(10 * MIB)), GZIP, False, 202),
    "10 MiB and a byte in gzip": lambda: Sized(gzip.compress(_batch(10 * MIB + 1)), GZIP, False, 413),
    "10 MiB in zstd": lambda: Sized(_zstd(_batch(10 * MIB)), ZSTD, False, 202),
    "10 MiB and a byte in zstd": lambda: Sized(_zstd(_batch(10 * MIB + 1)), ZSTD, False, 413),
    "a gzip bomb": lambda: Sized(gzip.compress(b" " * (200 * MIB), 9), GZIP, False, 413),
    "a zstd bomb": lambda: Sized(_zstd(b" " * (200 * MIB)), ZSTD, True, 413),
    "an event of 1 MiB": lambda: Sized(_one_event(MIB), {}, False, 202),
    "an event of 1 MiB and a byte": lambda: Sized(_one_event(MIB + 1), {}, False, 413),
    "5,000 events": lambda: Sized(_events(5_000), {}, False, 202),
    "5,001 events": lambda: Sized(_events(5_001), {}, False, 422),
    "no events": lambda: Sized(_events(0), {}, False, 422),
    "25 MiB": lambda: Sized(b" " * (25 * MIB), {}, False, 413),
    "another encoding": lambda: Sized(_events(1), {"Content-Encoding": "br"}, False, 415),
    "no gzip": lambda: Sized(_events(1), GZIP, False, 400),
    "half a gzip": lambda: Sized(gzip.compress(_events(1))[:-9], GZIP, False, 400),
    "another type": lambda: Sized(_events(1), {"Content-Type": "text/json"}, False, 415),
    "no body": lambda: Sized(b"", {}, False, 400),
}


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.fault(row=17)
def test_bodies_at_their_limits(here: Here, name: str) -> None:
    """A body at the limit is accepted; one byte more is refused, in every encoding."""
    body, headers, chunked, status = SIZES[name]()
    content = iter([body[at : at + 100_000] for at in range(0, len(body), 100_000)]) if chunked else body

    reply = here.client.post(here.events, content=content, headers={"Content-Type": "application/json", **headers})

    if status == 202:
        assert reply.status_code == 202, reply.text
        assert reply.json()["data"]["rejected"] == []
    else:
        check_error(reply, status)
        check_limits(reply, "600000")


def test_a_refusal_reaches_a_client_that_is_still_sending(here: Here) -> None:
    """The body is received before the response: closing a connection with unread bytes would lose the response."""
    for token, content_type, status in (
        ("Bearer x", "application/json", 401),
        (here.client.headers["authorization"], "text/plain", 415),
    ):
        head = (
            f"POST {here.at('/sessions')} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {token}\r\n"
            f"Content-Type: {content_type}\r\nContent-Length: {20 * MIB}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", here.installation.port), timeout=15) as connection:
            connection.sendall(head.encode() + b"x" * (20 * MIB))
            answer = connection.recv(65_536)

        assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_expect_100_continue_is_refused_before_the_body(here: Here) -> None:
    """With `Expect: 100-continue`, a refusal comes before the body."""
    head = (
        f"POST {here.at('/sessions')} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nExpect: 100-continue\r\n"
        f"Content-Type: application/json\r\nContent-Length: {5 * MIB}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", here.installation.port), timeout=15) as connection:
        connection.sendall(head.encode())

        assert connection.recv(65_536).startswith(b"HTTP/1.1 401 ")
