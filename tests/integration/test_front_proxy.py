"""The proxy of `deploy/kubernetes/overlays/single-node`, a real nginx, sends each request to the right service."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from runtime.services.ports import free_port, is_free
from schemas.http.requests import BODY_BYTES_MAX
from tests.support.clients.sides import INGEST, INSIDE, QUERY_API, Request, requests_of_the_api
from tests.support.manifests import FOLDER
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(
    shutil.which("nginx") is None, reason="nginx is not installed (Debian: apt-get install nginx-light)"
)
CONFIGURATION = FOLDER / "overlays" / "single-node" / "nginx.conf"
LOCAL = "127.0.0.1"


class Side(ThreadingHTTPServer):
    """A service that replies with its name, and with the address and the number of bytes that it received."""

    def __init__(self, name: str) -> None:
        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                received = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                self.send_response(200)
                for header, value in {
                    "X-Side": name,
                    "X-Path": self.path,
                    "X-Bytes": received,
                    "Content-Length": 0,
                }.items():
                    self.send_header(header, str(value))
                self.end_headers()

            do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = do_OPTIONS = answer  # noqa: N815

            def log_message(self, *_: object) -> None: ...

        super().__init__((LOCAL, 0), Answer)
        Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Start the proxy in front of two stand-ins; return its port."""
    folder, port = tmp_path_factory.mktemp("front"), free_port()
    sides = {name: Side(name) for name in (INGEST, QUERY_API)}
    text = CONFIGURATION.read_text().replace("/tmp/", f"{folder}/").replace("listen 8080", f"listen {LOCAL}:{port}")  # noqa: S108
    for name, side in sides.items():
        text = text.replace(f"server {name}:8080", f"server {LOCAL}:{side.server_port}")
    account = "user root;\n" if os.geteuid() == 0 else ""  # the folder of the test is root's
    (folder / "nginx.conf").write_text(account + text)
    command = ["nginx", "-g", "daemon off;", "-e", "stderr", "-c", str(folder / "nginx.conf")]
    proxy = subprocess.Popen(command)
    try:
        eventually(lambda: proxy.poll() is not None or not is_free(LOCAL, port))
        assert proxy.poll() is None
        yield port
    finally:
        proxy.terminate()
        proxy.wait(20)
        for side in sides.values():
            side.shutdown()
            side.server_close()


def ask(front: int, method: str, path: str, **options: object) -> httpx.Response:
    """Send one request to the proxy."""
    return httpx.request(method, f"http://{LOCAL}:{front}{path}", trust_env=False, timeout=20, **options)  # type: ignore[arg-type]


def raw(front: int, request: bytes) -> bytes:
    """Send bytes; return the status line."""
    with closing(socket.create_connection((LOCAL, front), timeout=20)) as connection:
        connection.sendall(request)
        return connection.recv(65_536).partition(b"\r\n")[0]


def test_each_request_of_the_api_reaches_its_service(front: int, tmp_path: Path) -> None:
    """The routes of both services are the list of requests; a query changes nothing."""
    requests = requests_of_the_api(tmp_path)
    reached = [
        Request(request.method, request.path, ask(front, request.method, request.path + query).headers["X-Side"])
        for request in requests
        for query in ("", "?a=b")
    ]

    assert reached == [request for request in requests for _ in range(2)]
    assert ask(front, "HEAD", "/api/v1/acme/sessions").headers["X-Side"] == QUERY_API
    assert ask(front, "OPTIONS", "/api/v1/acme/sessions").headers["X-Side"] == INGEST


def test_the_dashboard_reaches_the_side_that_has_it(front: int) -> None:
    """A page with state in its query, a session with any name, and a file."""
    for path in (
        "/?range=7d",
        "/sessions",
        "/sessions/a%20b?tab=events",
        "/team",
        "/trust",
        "/static/0123/app/main.js",
    ):
        reached = ask(front, "GET", path).headers

        assert (reached["X-Side"], reached["X-Path"]) == (QUERY_API, path)


def test_the_address_arrives_as_it_was_sent(front: int) -> None:
    """The services compare the address byte by byte."""
    assert ask(front, "GET", "/api/v1/a%20b/sessions?x=%2F").headers["X-Path"] == "/api/v1/a%20b/sessions?x=%2F"


def test_nothing_else_is_reachable(front: int) -> None:
    """Neither health and metrics, nor an address outside the API and the dashboard, in any spelling."""
    hidden = (
        *INSIDE,
        "/api/v10/x",
        "/api/v1/../../metrics",
        "//metrics",
        "/static/x/../../metrics",
        "/team/x",
        "/staticx",
    )

    assert {raw(front, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) for path in hidden} == {
        b"HTTP/1.1 404 Not Found"
    }


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /api/v1/acme/sessions#x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/v1/acme/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["fragment", "two lengths"],
)
def test_requests_that_the_services_would_read_in_another_way_are_refused(front: int, request_line: bytes) -> None:
    """Their HTTP server cuts a fragment off, and ignores a length next to chunks."""
    assert raw(front, request_line) == b"HTTP/1.1 400 Bad Request"


def test_the_largest_body_and_the_largest_token_pass(front: int) -> None:
    """Bodies slightly over the limit pass as well, since the services explain the refusal; much larger ones do not."""
    token = {"Authorization": "x" * 8_200}
    passed = ask(front, "POST", "/api/v1/acme/sessions", content=b"x" * (BODY_BYTES_MAX + 1), headers=token)

    assert (passed.status_code, passed.headers["X-Bytes"]) == (200, str(BODY_BYTES_MAX + 1))
    assert ask(front, "POST", "/api/v1/acme/sessions", content=b"x" * (2 * BODY_BYTES_MAX)).status_code == 413
