"""How the hook client reacts to any answer, and what it sends."""

import contextlib
import gzip
import io
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from crewkit_hook import connect, importing, spool
from crewkit_hook import settings as client_settings
from crewkit_hook.api import Answer, Api, Unreachable
from crewkit_hook.sender import PAUSE_S_MAX, Sender
from crewkit_hook.settings import Settings
from crewkit_hook.store import Item
from runtime.services.ports import free_port
from tests.support.rigs.certificates import Authority, Signed

POLL_S = 0.01  # how soon the server notices that it should stop
TAKEN = b'{"data": {"accepted": 1, "rejected": []}}'


class Answering:
    """A server that gives one answer, and records the requests."""

    def __init__(self) -> None:
        self.status, self.headers, self.body, self.cut = 202, dict[str, str](), TAKEN, 0
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.pieces: list[bytes] = []  # pieces of a whole reply, each after a pause
        self._ended = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.asked.append((self.path, dict(self.headers), body))
                if server.pieces:
                    server.send_pieces(self.wfile)
                    return
                self.send_response(server.status)
                for name, value in server.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(server.body) + server.cut))
                self.end_headers()
                self.wfile.write(server.body)

            do_GET = do_POST  # noqa: N815 (the name that is looked for)

            def log_message(self, *_: Any) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(POLL_S,), daemon=True).start()

    def serve_with(self, signed: Signed) -> None:
        """From now on answer over TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(signed.cert, signed.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = self.url.replace("http:", "https:")

    def send_pieces(self, stream: io.BufferedIOBase) -> None:
        with contextlib.suppress(OSError):  # the client disconnected
            for piece in self.pieces:
                stream.write(piece)
                self._ended.wait(0.02)

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Answering]:
    made = Answering()
    yield made
    made.close()


def api(url: str) -> Api:
    return Api(Settings(url, "acme", "the-token"))


def test_a_batch_is_compressed_and_has_the_token(server: Answering) -> None:
    """It goes to the agent's endpoint, for the token's org."""
    server.headers = {"X-Log-Position": "0:7"}

    answer = api(server.url).send("codex", b'{"hooks": []}')

    ((path, headers, body),) = server.asked
    assert path == "/api/v1/acme/hooks/codex"
    assert (headers["Authorization"], headers["Content-Encoding"]) == ("Bearer the-token", "gzip")
    assert gzip.decompress(body) == b'{"hooks": []}'
    assert (answer.status, answer.position, answer.body) == (202, "0:7", json.loads(TAKEN))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server: Answering, status: int) -> None:
    """It would give the token to another host."""
    other = Answering()
    server.status, server.headers = status, {"Location": other.url}

    assert api(server.url).send("codex", b"{}").status == status
    assert api(server.url).receipt("0:1").status == status

    other.close()
    assert other.asked == []


@pytest.mark.parametrize(
    ("status", "after", "expected"),
    [
        *((429, "7", 7), (503, "2.5", 2.5), (500, "", 0), (502, "soon", 0), (503, "Wed, 21 Oct 2026 07:28:00 GMT", 0)),
        *((503, "3601", 3_600), (503, "1e12", 3_600), (503, "-5", 0), (503, "inf", 0), (503, "nan", 0)),
    ],
)
def test_an_outage_is_tried_again(server: Answering, status: int, after: str, expected: float) -> None:
    """Not before the time that the server asks for, but within an hour."""
    server.status, server.headers, server.body = status, {"Retry-After": after}, b'{"error": "not now"}'

    with pytest.raises(Unreachable, match=f"{status}: not now") as raised:
        api(server.url).send("codex", b"{}")

    assert raised.value.retry_after_s == expected


@pytest.mark.parametrize("after", ["inf", "1e999", "nan", "-1", "0"])
def test_a_server_that_asks_for_no_time_keeps_no_event(server: Answering, tmp_path: Path, after: str) -> None:
    """The sender waits as if the header were missing, then everything arrives."""
    home = str(tmp_path)
    spool.make(home)
    client_settings.save(home, Settings(server.url, "acme", "a.b.c"))
    spool.put(home, 1, {"client": "codex"}, b'{"session_id": "s", "hook_event_name": "Stop"}')
    with contextlib.closing(Sender(home)) as sender:
        sender.take()
        server.status, server.headers = 503, {"Retry-After": after}
        assert sender.send().again_after_s <= PAUSE_S_MAX

        server.status = 202
        assert (sender.send().items, sender.store.waiting()) == (1, 0)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_has_its_sentence(server: Answering, status: int) -> None:
    """The error of an installation has a sentence; of other errors only the status is shown."""
    server.status, server.body = status, b'{"error": "a value is wrong"}'
    assert api(server.url).send("codex", b"{}").error == f"{status}: a value is wrong"

    for other in (b"<html>", b'{"error": ' + b"[" * 900 + b"]" * 900 + b"}"):
        server.body = other
        assert api(server.url).send("codex", b"{}").error == str(status)


@pytest.mark.parametrize(
    "body", [TAKEN[:-5], b"", b"<html>", b"[]", b'{"data": []}', b'{"data": {}}', b"[" * 100_000, b'{"data":' * 90_000]
)
def test_what_breaks_off_is_tried_again(server: Answering, body: bytes) -> None:
    """The batch may have arrived; its ids make a repetition harmless."""
    server.body, server.cut = body, max(0, len(TAKEN) - len(body))

    with pytest.raises(Unreachable):
        api(server.url).send("codex", b"{}")


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "http://[::1", "http://a host", "http://127.0.0.1:99999"])
def test_an_address_that_does_not_answer_is_said(url: str) -> None:
    """It may be wrong, or become reachable later."""
    with pytest.raises(Unreachable):
        api(url.format(port=free_port())).send("codex", b"{}")


ENDLESS = {
    "headers": [b"HTTP/1.1 202 Accepted\r\n", *[b"X-A: b\r\n"] * 80, b"Content-Length: 44\r\n\r\n", TAKEN],
    "first line": [bytes([byte]) for byte in b"HTTP/1.1 202 " + b"x" * 80],
    "body": [b"HTTP/1.1 202 Accepted\r\nContent-Length: 144\r\n\r\n", *[b" "] * 100, TAKEN],
    "chunks": [b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\n \r\n"] * 100, b"0\r\n\r\n"],
    "error": [b"HTTP/1.1 503 Later\r\nContent-Length: 144\r\n\r\n", *[b" "] * 144],
    "interim replies": [b"HTTP/1.1 100 Continue\r\n\r\n"] * 100,
}


@pytest.mark.parametrize("reply", ENDLESS)
def test_a_reply_has_a_deadline(server: Answering, monkeypatch: pytest.MonkeyPatch, reply: str) -> None:
    """It applies to the whole reply: a server that sends a byte now and then must not block the waiting events."""
    monkeypatch.setattr("crewkit_hook.api.REPLY_S", 0.1)
    server.pieces = ENDLESS[reply]

    with pytest.raises(Unreachable, match=r"timed out|took too long"):
        api(server.url).send("codex", b"{}")


def test_a_server_with_a_certificate_is_verified_and_has_the_deadline(
    server: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline is the same as without TLS; the token is never sent to an unverified server."""
    authority = Authority(tmp_path, "ca")
    signed = authority.sign("server", "127.0.0.1")
    server.serve_with(signed)
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        api(server.url).send("codex", b"{}")
    assert server.asked == []

    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert api(server.url).send("codex", b"{}").status == 202

    monkeypatch.setattr("crewkit_hook.api.REPLY_S", 0.1)
    server.pieces = ENDLESS["body"]
    with pytest.raises(Unreachable, match=r"timed out|took too long"):
        api(server.url).send("codex", b"{}")


ODD_REPLIES = (
    b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
    b"HTTP/1.1 503 Later\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
    b"HTTP/1.1 202 Accepted\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 \x1b[2J" + b"x" * 60_000 + b"\r\n\r\n",
    b"HTTP/1.1 202 Accepted\r\n" + b"X-A: b\r\n" * 200 + b"\r\n",
)


@pytest.mark.parametrize("reply", ODD_REPLIES, ids=range(len(ODD_REPLIES)))
def test_what_is_no_reply_is_tried_again(server: Answering, reply: bytes) -> None:
    """A short sentence that a terminal can show describes it."""
    server.pieces = [reply]

    with pytest.raises(Unreachable) as raised:
        api(server.url).send("codex", b"{}")

    assert str(raised.value).isprintable()
    assert len(str(raised.value)) <= 300


def test_what_a_server_says_can_be_shown(server: Answering) -> None:
    """Terminal escapes and direction marks are removed, and only a few lines are shown."""
    said = "\x1b]0;title\x07 \x9b2J \u202e right \n" + "x" * 100_000
    server.status, server.body = 422, json.dumps({"error": said}).encode()
    error = api(server.url).send("codex", b"{}").error

    assert error.isprintable()
    assert len(error) == 300
    assert error.startswith("422:  ]0;title   2J   right  xxx")


def test_connect_does_not_wait_as_long_as_a_server_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user waits for it; the message says what is missing."""
    waits: list[float] = []
    now = [0.0]

    class Later:
        def send(self, *_: Any) -> Answer:
            return Answer(202, {"data": {"rejected": []}}, "0:1")

        def receipt(self, _: str) -> Answer:
            raise Unreachable("not yet", 3_600.0)

    monkeypatch.setattr(connect.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(connect.time, "sleep", lambda s: (waits.append(s), now.__setitem__(0, now[0] + s + 1)))

    with pytest.raises(connect.Failed, match="can't be read yet"):
        connect._test(Later())  # type: ignore[arg-type]  # it answers as the API does

    assert sum(waits) <= connect.READ_BACK_S


def test_an_import_does_not_wait_as_long_as_a_server_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user waits for it; running it again counts nothing twice."""

    class Later:
        def send(self, *_: Any) -> Answer:
            raise Unreachable("503: not now", 3_600.0)

    monkeypatch.setattr(importing.time, "sleep", lambda s: pytest.fail(f"it waits for {s} s"))

    with pytest.raises(importing.NotSent, match="Run it again"):
        importing._deliver(Later(), [Item("codex", "hook", b"{}")])  # type: ignore[arg-type]  # it answers as the API does
