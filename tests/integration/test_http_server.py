"""The HTTP server in front of a service: its protocol, and the requests that it refuses before our code."""

import asyncio
from collections.abc import AsyncIterator
from time import time

import pytest

from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from edge.tokens import issue_token
from runtime.services import http_server
from runtime.services.composition import WriteSide, compose
from runtime.services.ports import free_port
from tests.support.fakes.log import FakeEventLog
from tests.support.rigs.write_api import KEY, SECRETS, a_session, events_path

HOST = "127.0.0.1"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"  # and empty SETTINGS
END = b"Host: x\r\nConnection: close\r\n\r\n"
AT_THE_ROOT = ("/livez", "/readyz", "/metrics", "/schema", "/schema/openapi.json")


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Serve the write side; return its port."""
    monkeypatch.setattr(http_server, "tune_interpreter", lambda: None)  # it would tune the tests' interpreter
    app = compose(TokenVerifier([shared_secret(KEY)]), WriteSide(FakeEventLog(1), SECRETS))
    chosen, stopping = free_port(), asyncio.Event()
    serving = asyncio.create_task(http_server.serve_http(app, HOST, chosen, stopping))
    for _ in range(500):
        if serving.done() or await _answers(chosen):
            break
        await asyncio.sleep(0.02)
    yield chosen
    stopping.set()
    await serving


async def _answers(port: int) -> bool:
    try:
        return (await exchange(port, b"GET /livez HTTP/1.1\r\n" + END)).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


async def exchange(port: int, request: bytes) -> bytes:
    """Return the whole response until the server closes the connection."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


async def test_http_2_is_not_spoken(port: int) -> None:
    """The server closes a connection with prior knowledge, and ignores an upgrade."""
    upgrade = (
        b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nHost: x\r\n\r\n"
    )

    known = await exchange(port, PREFACE)
    upgraded = await exchange(port, b"GET /livez HTTP/1.1\r\n" + upgrade)

    assert known == b"" or known.startswith(b"HTTP/1.1 400 ")
    assert upgraded.startswith(b"HTTP/1.1 200 ")


def other_spellings(path: str) -> list[str]:
    """Return targets that a lenient server would treat as the same address."""
    head, word = path.rsplit("/", 1)
    return [
        f"/{path}",
        f"{head}//{word}",
        f"{path}/",
        f"{path}//",
        f"{head}/./{word}",
        f"{path}/.",
        f"{head}/x/../{word}",
        f"{path}/..",
        f"{path}/x/..",
        f"{head}/%2e/{word}",
        f"{head}/x/%2E%2e/{word}",
        f"{head or '/'}%2f{word}",
        f"{path}%2F",
        f"{head}/%{ord(word[0]):02x}{word[1:]}",
        f"{path[:-1]}%{ord(path[-1]):02X}",
        *(f"{path}{tail}" for tail in ("%", "%4", "%zz", "%00", "%20", "%3f", ";x")),
    ]


async def ask(port: int, method: str, target: str, *headers: str) -> tuple[int, bytes]:
    """Send a request with an unchanged target; return status and body."""
    lines = (f"{method} {target} HTTP/1.1", "Host: x", "Connection: close", "Content-Length: 0", *headers)
    head, _, body = (await exchange(port, "".join(f"{line}\r\n" for line in (*lines, "")).encode())).partition(
        b"\r\n\r\n"
    )
    return int(head.split(b" ")[1]), body


@pytest.mark.parametrize("path", AT_THE_ROOT)
async def test_what_needs_no_credential_has_one_spelling(port: int, path: str) -> None:
    """Every other spelling is the 404 of an unknown address."""
    assert (await ask(port, "GET", path))[0] == 200
    assert (await ask(port, "GET", f"http://other{path}"))[0] == 200  # RFC 9112 requires servers to accept it
    for other in (*other_spellings(path), f"http://other/{path}", "*"):
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            status, body = await ask(port, method, other)
            assert status == 404, (method, other)
            assert method == "HEAD" or b'"code":"not_found"' in body


async def test_addresses_of_the_api_have_one_spelling_too(port: int) -> None:
    """A request in another spelling writes nothing."""
    path = f"/api/v1/acme{events_path(a_session())}"
    credential = f"Authorization: Bearer {issue_token(KEY, 'alice', 'acme', 'member', 3600, time())}"

    assert (await ask(port, "POST", path, credential))[0] == 415  # no content type: the request reached the route
    for other in (*other_spellings(path), path.replace("/api", "//api"), path.replace("api", "%61pi")):
        assert (await ask(port, "POST", other, credential))[0] == 404, other


# docs/api.md and the document at /schema name these limits.
REFUSED = {
    "no HTTP": (b"hello\r\n\r\n", 400),
    "a byte that no address has": (b"GET /\x00 HTTP/1.1\r\n" + END, 400),
    "two lengths": (b"POST /livez HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" + END + b"xx", 400),
    "an address of 65,535 bytes": (b"GET /" + b"x" * 65_534 + b" HTTP/1.1\r\n" + END, 414),
    "400 KB of header fields": (b"GET /livez HTTP/1.1\r\nx: " + b"x" * 400_000 + b"\r\n" + END, 431),
    "101 header fields": (b"GET /livez HTTP/1.1\r\n" + b"x: 1\r\n" * 99 + END, 431),
}
TAKEN = {
    "an address of 65,534 bytes": (b"GET /" + b"x" * 65_533 + b" HTTP/1.1\r\n" + END, 404),
    "100 header fields": (b"GET /livez HTTP/1.1\r\n" + b"x: 1\r\n" * 98 + END, 200),
    "120 KB of header fields": (b"GET /livez HTTP/1.1\r\nx: " + b"x" * 120_000 + b"\r\n" + END, 200),
}


@pytest.mark.parametrize("name", [*REFUSED, *TAKEN])
async def test_what_the_server_refuses_by_itself(port: int, name: str) -> None:
    """Our code does not see the request, so the response has a status and no body."""
    request, status = (REFUSED | TAKEN)[name]

    head, _, body = (await exchange(port, request)).partition(b"\r\n\r\n")

    assert int(head.split(b" ")[1]) == status
    assert (body == b"") is (name in REFUSED)


async def test_the_length_of_a_chunked_body_counts_for_nothing(port: int) -> None:
    """With both headers the body is chunked and the connection ends: no second request can hide in the first."""
    hidden = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    head = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"

    answers = await exchange(port, head + hidden + b"GET /livez HTTP/1.1\r\n" + END)

    assert answers.count(b"HTTP/1.1 ") in (1, 3)
