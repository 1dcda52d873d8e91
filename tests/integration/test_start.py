"""`up` answers while it starts, and exits with one sentence if it can't start."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from runtime.services.http_probe import answers_200
from tests.support.rigs.installation import Installation
from tests.support.waiting import eventually


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Installation]:
    """An `up` that can't complete its start: its store accepts connections but never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = Installation("up", tmp_path / "up")
        started.environment["STORE_URL"] = f"clickhouse://user:word@127.0.0.1:{silent.getsockname()[1]}"
        started.spawn()
        yield started
        started.kill()


def test_requests_are_answered_while_up_starts(waiting: Installation) -> None:
    """It is live but not ready; clients retry, and a browser shows a page that reloads itself."""
    eventually(lambda: answers_200("127.0.0.1", waiting.port, "/livez"), within_s=60)
    with httpx.Client(base_url=waiting.url, trust_env=False) as client:
        ready, write = client.get("/readyz"), client.post("/api/v1/acme/sessions", json={"agent_name": "reviewer"})
        page = client.get("/trust", headers={"Accept": "text/html"})

    assert [(reply.status_code, reply.headers["retry-after"]) for reply in (ready, write, page)] == [(503, "1")] * 3
    assert [reply.json()["code"] for reply in (ready, write)] == ["not_ready", "starting"]
    assert '<meta http-equiv="refresh" content="1">' in page.text
    assert "src=" not in page.text
    assert (waiting.data / "up.out").read_text() == f"Starting crewkit-sessions in {waiting.data} …\n"


def test_a_start_that_fails_ends_the_process(tmp_path: Path) -> None:
    """The port closes, and the exit code is that of a service that doesn't answer."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = closed.getsockname()
    failing = Installation("up", tmp_path / "up")
    failing.environment["STORE_URL"] = f"clickhouse://user:word@{address[0]}:{address[1]}"
    failing.spawn()
    assert failing.process is not None

    assert failing.process.wait(timeout=60) == 69
    assert "a service does not answer" in (failing.data / "up.out").read_text()
    assert not (failing.data / "run" / "up.pid").exists()
