"""The write side behind a real HTTP server: the behaviour of clients' connections, and their cost."""

import contextlib
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cramjam
import httpx
import pytest

from edge.drain_body import DRAIN_WITHIN_S
from edge.tokens import issue_token
from runtime.services.die_with_parent import die_with_parent
from runtime.services.ports import free_port
from tests.support import CHECKOUT
from tests.support.rigs.write_api import EVENT, KEY, a_session, events_path

MIB = 1_048_576


class Served:
    """A running server, and its worker's memory."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid
        token = issue_token(KEY, "alice", "acme", "member", 3600, time.time())
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1/acme", headers=headers, timeout=30)
        self.events = events_path(a_session())
        self.memory_before = 0

    def memory(self) -> int:
        """Return the resident bytes of the server's processes."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in (str(self.pid), *children))
        return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    port = free_port()
    folder = tmp_path_factory.mktemp("served")
    command = [sys.executable, "-m", "tests.support.rigs.served_by_us", str(port), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    process = subprocess.Popen(die_with_parent(command, signal.SIGTERM), env=environment, stderr=subprocess.DEVNULL)
    made = Served(port, process.pid)
    wait_until_ready(made)
    made.client.post(made.events, content=a_batch())
    made.memory_before = made.memory()
    yield made
    made.client.close()
    process.terminate()
    process.wait(20)


def wait_until_ready(served: Served) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            if served.client.get(f"http://127.0.0.1:{served.port}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            assert time.monotonic() < deadline
        time.sleep(0.05)


def a_batch() -> bytes:
    return json.dumps({"events": [EVENT]}).encode()


@pytest.mark.fault(row=17)
def test_a_chunked_body_without_a_length_is_taken(served: Served) -> None:
    """A chunked body beyond 10 MiB is a 413."""
    small = served.client.post(served.events, content=iter([a_batch()[:5], a_batch()[5:]]))
    large = served.client.post(served.events, content=(b" " * 65_536 for _ in range(161)))

    assert (small.status_code, large.status_code) == (202, 413)


def test_a_body_that_is_too_large_is_a_413_that_reaches_the_client(served: Served) -> None:
    """This holds for one byte too many and for three times the limit."""
    sizes = [10 * MIB, 10 * MIB + 1, 30 * MIB]

    statuses = [served.client.post(served.events, content=a_batch().ljust(size)).status_code for size in sizes]

    assert statuses == [202, 413, 413]


def test_a_client_that_sends_too_much_slowly_can_finish(served: Served) -> None:
    """It sends for longer than other refused bodies are drained, and then reads its 413."""
    size, rest = 10 * MIB + 1, 3 * MIB
    with socket.create_connection(("127.0.0.1", served.port), timeout=40) as connection:
        head = f"POST /api/v1/acme{served.events} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        head += f"authorization: {served.client.headers['authorization']}\r\ncontent-length: {size + rest}\r\n\r\n"
        connection.sendall(head.encode() + b" " * size)
        for _ in range(12):
            time.sleep((DRAIN_WITHIN_S + 1) / 12)
            connection.sendall(b" " * (rest // 12))

        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.fault(row=17)
def test_bombs_cost_no_memory(served: Served) -> None:
    """A hundred bombs of 1 GiB each, in gzip and zstd, leave less than 64 MiB behind."""
    block = b" " * MIB
    bombs = {"gzip": gzip.compress(block * 256), "zstd": bytes(cramjam.zstd.compress(block * 1024))}
    before = served.memory()

    for number in range(100):
        encoding = ("gzip", "zstd")[number % 2]
        reply = served.client.post(served.events, content=bombs[encoding], headers={"content-encoding": encoding})
        assert reply.status_code == 413

    assert served.memory() - before < 64 * MIB


@pytest.mark.fault(row=17)
def test_deep_and_wide_bodies_cost_no_memory(served: Served) -> None:
    """Millions of elements or brackets are refused, and leave less than 64 MiB behind."""
    before = served.memory()
    for body in (
        b'{"events":[' + b"0," * 5_000_000 + b"0]}",
        b'{"events":[' + b"{}," * 3_000_000 + b"{}]}",
        b"[" * 10 * MIB,
        b'{"a":' * (2 * MIB),
    ):
        assert served.client.post(served.events, content=body).status_code in {400, 422}

    assert served.memory() - before < 64 * MIB


@pytest.mark.fault(row=20)
def test_a_slow_body_holds_up_no_other_request(served: Served) -> None:
    """Other clients are served while 500 clients stop in the middle of a body."""
    head = f"POST /api/v1/acme{served.events} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    token = served.client.headers["authorization"]
    slow = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(500)]
    for connection in slow:
        connection.sendall(f"{head}authorization: {token}\r\ncontent-length: 1000\r\n\r\n{{".encode())
    began = time.monotonic()
    reply = served.client.post(served.events, content=a_batch())
    took = time.monotonic() - began
    for connection in slow:
        connection.close()

    assert reply.status_code == 202
    assert took < 2


@pytest.fixture
def unfinished(served: Served) -> Iterator[list[socket.socket]]:
    """Open 40 clients that send a 10 MiB body except its end, and stop; refused ones stop earlier."""
    head = f"POST /api/v1/acme{served.events} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    head += f"authorization: {served.client.headers['authorization']}\r\ncontent-length: {10 * MIB}\r\n\r\n"
    connections = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(40)]
    for connection in connections:
        connection.settimeout(5)
        with contextlib.suppress(OSError):
            connection.sendall(head.encode() + b" " * (10 * MIB - 100_000))
    yield connections
    for connection in connections:
        connection.close()


@pytest.mark.fault(row=20)
def test_unfinished_bodies_hold_little_memory(served: Served, unfinished: list[socket.socket]) -> None:
    """They hold less than 100 MB of 400, and another client is served."""
    held = served.memory()
    replies = [served.client.post(served.events, content=a_batch().ljust(MIB)).status_code for _ in range(10)]

    assert replies == [202] * 10
    assert held - served.memory_before < 100 * 1_000_000


@pytest.mark.fault(row=20)
def test_a_body_that_stops_is_a_408(served: Served) -> None:
    """After 15 s without a byte comes the common error shape, and the connection ends."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=40) as connection:
        head = f"POST /api/v1/acme{served.events} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        token = served.client.headers["authorization"]
        connection.sendall(f"{head}authorization: {token}\r\ncontent-length: 1000\r\n\r\n{{".encode())
        reply = b"".join(iter(lambda: connection.recv(65_536), b""))

    head_of_reply, _, body = reply.partition(b"\r\n\r\n")
    assert head_of_reply.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["code"] == "slow_body"


@pytest.mark.parametrize("pieces", [["password="], ['{"password": "a1b2c3d4", "x": 1} '], ["password=", "?token=a&"]])
def test_others_are_answered_while_secrets_are_cut(served: Served, pieces: list[str]) -> None:
    """Bodies of 9 MB take seconds; other requests are answered before them."""
    answered: list[str] = []

    def attack(piece: str) -> int:
        events = [{**EVENT, "data": {"x": piece * (800_000 // len(piece)), "n": n}} for n in range(9)]
        body = gzip.compress(json.dumps({"events": events}).encode(), 1)
        reply = served.client.post(served.events, content=body, headers={"content-encoding": "gzip"})
        answered.append("attack")
        return reply.status_code

    with ThreadPoolExecutor() as threads:
        attacks = [threads.submit(attack, piece) for piece in pieces]
        while len(answered) < 20 and not all(attack.done() for attack in attacks):
            assert served.client.post(served.events, content=a_batch()).status_code == 202
            answered.append("other")
        statuses = {attack.result() for attack in attacks}

    assert answered[:3] == ["other"] * 3
    assert statuses <= {202, 503}


@pytest.mark.parametrize("path", ["/sessions/%ff%fe", "/sessions/%00", "/sessions/a%2Fb", "/sessions/" + "x" * 4000])
def test_odd_paths_are_a_404(served: Served, path: str) -> None:
    """The 404 has the common error shape."""
    reply = served.client.patch(path, content=b"{}")

    assert reply.status_code in {400, 404, 405}
    if reply.status_code == 404:
        assert reply.json()["code"] == "not_found"


def test_raw_requests_that_are_odd_never_make_a_500(served: Served) -> None:
    """The requests have header values in Latin-1, two credentials, or a binary query."""
    for line, header in [
        ("GET /livez?%ff=%00 HTTP/1.1", "x-request-id: a b"),
        ("POST /api/v1/acme/sessions HTTP/1.1", "authorization: Bearer \xff"),
        ("POST /api/v1/acme/sessions HTTP/1.1", "authorization: Bearer a\r\nauthorization: Bearer b"),
        ("OPTIONS /api/v1/acme/sessions HTTP/1.1", "origin: http://evil"),
        ("HEAD /livez HTTP/1.1", "accept: nothing"),
    ]:
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
            connection.sendall(
                f"{line}\r\nhost: x\r\n{header}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode("latin-1")
            )
            status = int(connection.recv(4096).split(b" ")[1])
        assert 200 <= status < 500
