"""What the hook client makes of any answer, and what it sends."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from crewkit_hook.api import Api, Unreachable
from crewkit_hook.settings import Settings

from kernel.ports import free_port

TAKEN = b'{"data": {"accepted": 1, "rejected": []}}'


class Answering:
    """A server that gives one answer, and notes what it was asked."""

    def __init__(self) -> None:
        self.status, self.headers, self.body, self.cut = 202, dict[str, str](), TAKEN, 0
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.asked.append((self.path, dict(self.headers), body))
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
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
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
    """At the door of the agent, for the org of the token."""
    server.headers = {"X-Log-Position": "0:7"}

    answer = api(server.url).send("codex", b'{"hooks": []}')

    ((path, headers, body),) = server.asked
    assert path == "/api/v1/acme/hooks/codex"
    assert (headers["Authorization"], headers["Content-Encoding"]) == ("Bearer the-token", "gzip")
    assert gzip.decompress(body) == b'{"hooks": []}'
    assert (answer.status, answer.position, answer.body) == (202, "0:7", json.loads(TAKEN))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server: Answering, status: int) -> None:
    """It would hand the token to another host."""
    other = Answering()
    server.status, server.headers = status, {"Location": other.url}

    assert api(server.url).send("codex", b"{}").status == status
    assert api(server.url).receipt("0:1").status == status

    other.close()
    assert other.asked == []


@pytest.mark.parametrize(
    ("status", "after", "expected"), [(429, "7", 7), (503, "2.5", 2.5), (500, "", 0), (502, "soon", 0)]
)
def test_an_outage_is_tried_again(server: Answering, status: int, after: str, expected: float) -> None:
    """Not before the server wants it."""
    server.status, server.headers, server.body = status, {"Retry-After": after}, b'{"error": "not now"}'

    with pytest.raises(Unreachable, match=f"{status}: not now") as raised:
        api(server.url).send("codex", b"{}")

    assert raised.value.retry_after_s == expected


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_has_its_sentence(server: Answering, status: int) -> None:
    """In the shape of the installation's errors; of others the status alone."""
    server.status, server.body = status, b'{"error": "a value is wrong"}'
    assert api(server.url).send("codex", b"{}").error == f"{status}: a value is wrong"

    server.body = b"<html>"
    assert api(server.url).send("codex", b"{}").error == str(status)


@pytest.mark.parametrize("body", [TAKEN[:-5], b"", b"<html>", b"[]", b'{"data": []}', b'{"data": {}}'])
def test_what_breaks_off_is_tried_again(server: Answering, body: bytes) -> None:
    """The batch may have arrived; its ids make that harmless."""
    server.body, server.cut = body, len(TAKEN) - len(body)

    with pytest.raises(Unreachable):
        api(server.url).send("codex", b"{}")


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "http://[::1", "http://a host", "http://127.0.0.1:99999"])
def test_an_address_that_does_not_answer_is_said(url: str) -> None:
    """It may be wrong, or right later."""
    with pytest.raises(Unreachable):
        api(url.format(port=free_port())).send("codex", b"{}")
