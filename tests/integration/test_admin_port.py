"""`ADMIN_PORT`: health and metrics have a separate address, without the API."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from devstack.generations import GenerationWatch
from devstack.stack import Stack, production_shape
from runtime.services.ports import free_ports
from runtime.settings.settings import BadSettings, Settings
from runtime.settings.store_url import parse_store_url
from tests.support.rigs.installation import Installation

INSIDE = ("/livez", "/readyz", "/metrics")
LOCAL = "127.0.0.1"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Start `up` with a port for health and metrics."""
    admin = free_ports(1)[0]
    up = Installation("up", tmp_path_factory.mktemp("admin") / "up", "--admin-port", str(admin))
    up.health_port = admin
    up.start()
    yield up
    assert up.stop() == 0


def status(port: int, path: str) -> int:
    """Return the status of a GET without a credential."""
    return httpx.get(f"http://{LOCAL}:{port}{path}", trust_env=False, timeout=20).status_code


def test_health_and_metrics_are_at_their_port_alone(up: Installation) -> None:
    """A proxy that forwards every path to the API port exposes none of them."""
    assert [status(up.health_port, path) for path in INSIDE] == [200, 200, 200]
    assert [status(up.port, path) for path in INSIDE] == [404, 404, 404]


def test_the_api_is_not_at_the_admin_port(up: Installation) -> None:
    """The OpenAPI document isn't there either."""
    assert [status(up.port, path) for path in ("/schema", "/api/v1/acme/sessions")] == [200, 401]
    assert [status(up.health_port, path) for path in ("/schema", "/api/v1/acme/sessions")] == [404, 404]


def test_the_document_describes_what_is_there(up: Installation) -> None:
    """The document leaves health out, and the metrics count requests of the API."""
    paths = httpx.get(f"{up.url}/schema/openapi.json", trust_env=False).json()["paths"]
    metrics = httpx.get(f"http://{LOCAL}:{up.health_port}/metrics", trust_env=False).text

    assert not set(paths) & set(INSIDE)
    assert 'crewkit_http_requests_total{method="GET",route="/schema/openapi.json",status="200"}' in metrics
    assert "crewkit_projector_lag_records" in metrics


@pytest.mark.parametrize(
    "command", [["up"], ["query-api", "--dev-tokens", "--store-url", "clickhouse://a@127.0.0.1:1"]]
)
@pytest.mark.parametrize("option", ["port", "admin-port"])
def test_a_taken_port_is_an_error_in_one_sentence(command: list[str], option: str, tmp_path: Path) -> None:
    """The message names the option to change."""
    with closing(socket.create_server((LOCAL, 0))) as taken:
        ports = {"port": free_ports(1)[0], option: taken.getsockname()[1]}
        options = [text for name, number in ports.items() for text in (f"--{name}", str(number))]

        ended = _run(tmp_path, *command, *options)

    assert ended.returncode == 1
    said = f"Error: port {ports[option]} of {LOCAL} is taken: choose another with --{option}\n"
    assert ended.stderr.endswith(said)
    assert "Traceback" not in ended.stderr


def test_it_is_another_port_than_that_of_the_api(tmp_path: Path) -> None:
    """Equal ports are refused: only one of the two could listen."""
    with pytest.raises(BadSettings, match="admin_port: 8080 is also the port of the API"):
        Settings(admin_port=8080).admin_address  # noqa: B018 (raises)

    ended = _run(tmp_path, "up", "--port", "18080", "--admin-port", "18080")

    assert (ended.returncode, "admin_port: 18080" in ended.stderr) == (2, True)


def test_its_host_is_that_of_the_api_by_default() -> None:
    """A pod is probed from its node, so loopback alone would not do."""
    assert Settings().admin_address is None
    assert Settings(host="10.0.0.7", admin_port=9).admin_address == ("10.0.0.7", 9)
    assert Settings(host="10.0.0.7", admin_port=9, admin_host="::1").admin_address == ("::1", 9)


def test_a_stack_waits_for_its_service_at_the_admin_port(tmp_path: Path) -> None:
    """The API port has no health routes."""
    (tmp_path / "run").mkdir()
    with HTTPServer((LOCAL, 0), _AlwaysWell) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        stack = Stack.on(tmp_path, LOCAL, free_ports(1)[0], admin=(LOCAL, server.server_port))
        serve: Any = production_shape(stack, GenerationWatch(parse_store_url(stack.store_url)))[-1]

        assert serve.ready()
        server.shutdown()


class _AlwaysWell(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    installation = Installation(arguments[0], folder / "data")
    return installation.command(*arguments)
