"""Hostile bodies leave nothing behind in a serving process that would grow with their number."""

import gzip
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cramjam
import httpx
import pytest

from edge.tokens import issue_token
from runtime.services.die_with_parent import die_with_parent
from runtime.services.http_probe import answers_200
from runtime.services.ports import free_port
from tests.support import CHECKOUT
from tests.support.rigs.write_api import EVENT, KEY, a_session, events_path
from tests.support.waiting import eventually

MIB = 1 << 20
CLIENTS = 6  # at once, so that several large bodies are in memory next to small blocks that stay
ROUNDS = 12
LEFT_MAX = 40 * MIB
Encoded = tuple[bytes, dict[str, str]]


def batch(*payloads: object) -> bytes:
    """Return events with these payloads."""
    return json.dumps({"events": [{**EVENT, "data": payload} for payload in payloads]}).encode()


def hostile() -> list[tuple[Encoded, set[int]]]:
    """Return bodies and their statuses; a large one may also exceed the bytes in progress (503)."""
    plain: dict[str, str] = {}
    many = batch(*({"x": "z" * 200_000, "n": n} for n in range(40)))
    return [
        ((b" " * (11 * MIB), plain), {413}),
        ((gzip.compress(b" " * (64 * MIB)), {"content-encoding": "gzip"}), {413}),
        ((bytes(cramjam.zstd.compress(b" " * (64 * MIB))), {"content-encoding": "zstd"}), {413}),
        ((b"[" * 500_000, plain), {400}),
        ((b'{"a":' * MIB, plain), {400}),
        ((b'{"events":[' + b"{}," * 3_000_000 + b"{}]}", plain), {400, 422}),
        ((b"[" + b'{"a":[1,2]},' * 800_000 + b"{}]", plain), {400, 422}),
        ((b"\xff" * 100_000, plain), {400}),
        ((batch({"x": "password=" * 500}), plain), {202}),
        ((many, plain), {202}),
        ((gzip.compress(many, 1), {"content-encoding": "gzip"}), {202}),
        *(((batch({f"k{n}": "v" * (n * 997 % 3_000)}), plain), {202}) for n in range(20)),
    ]


class Served:
    """Our HTTP server in another process, and its memory."""

    def __init__(self, port: int, pid: int) -> None:
        token = issue_token(KEY, "alice", "acme", "member", 3600, time.time())
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._host = f"http://127.0.0.1:{port}"
        self._url = f"{self._host}/api/v1/acme{events_path(a_session())}"
        self._clients = threading.local()
        self._pid = pid

    def send(self, body: bytes, headers: dict[str, str]) -> int:
        """Send one request; return its status."""
        return self._client.post(self._url, content=body, headers={**self._headers, **headers}).status_code

    def ask(self, path: str) -> int:
        """Send a request without a credential; return its status."""
        return self._client.post(f"{self._host}{path}").status_code

    @property
    def _client(self) -> httpx.Client:
        if not hasattr(self._clients, "client"):
            self._clients.client = httpx.Client(trust_env=False, timeout=60)
        client: httpx.Client = self._clients.client
        return client

    def memory(self) -> int:
        """Return the resident bytes, without memory-mapped files."""
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Run the server, and end it by its pid."""
    port = free_port()
    command = [sys.executable, "-m", "tests.support.rigs.served_by_us", str(port), str(tmp_path)]
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(
            die_with_parent(command, signal.SIGKILL),
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdout=out,
            stderr=out,
        )
    eventually(lambda: answers_200("127.0.0.1", port, "/livez", timeout_s=2), within_s=30)
    yield Served(port, process.pid)
    process.terminate()
    process.wait(20)


@pytest.mark.fault(row=17)
def test_hostile_bodies_leave_memory_flat(served: Served) -> None:
    """A few hundred bodies, six at once, leave less than four of the larger ones take."""
    for (body, headers), _ in hostile()[-20:]:
        served.send(body, headers)
    before = served.memory()

    def send(case: tuple[Encoded, set[int]]) -> None:
        (body, headers), expected = case
        assert served.send(body, headers) in expected | {503}

    with ThreadPoolExecutor(CLIENTS) as pool:
        for cases in itertools.repeat(hostile(), ROUNDS):
            list(pool.map(send, cases))

    assert served.memory() - before < LEFT_MAX


@pytest.mark.fault(row=17)
def test_long_addresses_leave_nothing(served: Served) -> None:
    """Each address is new and needs no credential: the router must not cache them."""
    served.ask("/api/v1/acme/observability/sessions/x/events")
    before = served.memory()

    for number in range(500):
        assert served.ask(f"/api/v1/acme/observability/sessions/{number}{'x' * 60_000}/events") in {401, 404}

    assert served.memory() - before < 16 * MIB
