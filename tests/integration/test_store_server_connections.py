"""Connections without a credential cost little, and take no slots from clients that have one."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.support.rigs.served_store import LOGIN, Served, ask

CONNECTIONS_MAX = 40
UNKNOWN_FOR_S = 1.0
HEAD = "POST / HTTP/1.1\r\nHost: x\r\n"
AS_WRITER = "".join(f"{name}: {value}\r\n" for name, value in LOGIN.items())
SELECT = f"{HEAD}{AS_WRITER}Content-Length: 8\r\n\r\nSELECT 1".encode()


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run a server with its production time-outs, and fewer slots."""
    server = Served(tmp_path_factory.mktemp("patient"), CONNECTIONS_MAX=str(CONNECTIONS_MAX))
    yield server
    server.end()


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run a server that waits a second for a credential."""
    server = Served(tmp_path_factory.mktemp("hasty"), 0, UNKNOWN_FOR_S)
    yield server
    server.end()


@contextlib.contextmanager
def connections(served: Served, count: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as held:
        address = ("127.0.0.1", served.port)
        yield [held.enter_context(socket.create_connection(address, timeout=20)) for _ in range(count)]


def answers(connection: socket.socket) -> bool:
    """Return whether a query on this connection gets its reply."""
    try:
        connection.sendall(SELECT)
        return connection.recv(64 * 1024).endswith(b"\r\n\r\n1\n")
    except OSError:
        return False


def is_ended(connection: socket.socket) -> bool:
    """Return whether the server ends this connection; a response before that does not count."""
    try:
        while connection.recv(64 * 1024):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def test_a_client_is_served_while_all_places_are_taken_by_unknown_ones(patient: Served) -> None:
    """Each client with a credential gets a slot at once, despite more idle connections than the limit."""
    with connections(patient, CONNECTIONS_MAX + 20):
        assert [ask(patient, "SELECT 1")[2] for _ in range(5)] == [b"1\n"] * 5


def test_known_connections_keep_their_places(patient: Served) -> None:
    """An idle connection that sent a credential is not closed for another; the next one is refused."""
    with connections(patient, CONNECTIONS_MAX) as known:
        assert all(map(answers, known))
        with connections(patient, 1) as (late,):
            assert not answers(late)
        assert all(map(answers, known))


def test_without_a_credential_a_connection_ends(hasty: Served) -> None:
    """Silent, dripping, pinging and failing clients are closed in time; only the one with a credential stays."""
    wrong = HEAD + "X-ClickHouse-User: writer\r\nX-ClickHouse-Key: guess\r\nContent-Length: 0\r\n\r\n"
    with connections(hasty, 7) as (silent, head, body, ping, none, bad, known):
        assert answers(known)
        head.sendall(HEAD.encode())
        body.sendall(f"{HEAD}Content-Length: 100000\r\n\r\nSELECT".encode())
        ping.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
        none.sendall(f"{HEAD}Content-Length: 0\r\n\r\n".encode())
        bad.sendall(wrong.encode())
        with dripping(head, body):
            assert all(map(is_ended, (silent, head, body, ping, none, bad)))

        assert answers(known)


@contextlib.contextmanager
def dripping(*slow: socket.socket) -> Iterator[None]:
    """Send a byte now and then, so that no time-out between two bytes ends the connection."""
    stopped = threading.Event()

    def drip() -> None:
        while not stopped.wait(UNKNOWN_FOR_S / 5):
            for connection in slow:
                with contextlib.suppress(OSError):
                    connection.send(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


@pytest.mark.parametrize("framing", ["Content-Length: 60000000", "Transfer-Encoding: chunked"])
def test_the_body_of_an_unknown_client_is_not_read(patient: Served, framing: str) -> None:
    """A request without a credential is refused at once; only network buffers take its body."""
    piece = (b"%x\r\n" % 65_536 if "chunked" in framing else b"") + b" " * 65_536
    piece += b"\r\n" if "chunked" in framing else b""
    sent = 0
    with connections(patient, 1) as (client,):
        client.sendall(f"{HEAD}{framing}\r\n\r\n".encode())
        with contextlib.suppress(OSError):
            while sent < 60_000_000:
                client.sendall(piece)
                sent += 65_536

    assert sent < 20_000_000


def test_a_refused_client_reads_why(patient: Served) -> None:
    """A client that sent a body of usual size without a credential still reads the reply."""
    status, headers, body = ask(patient, b"SELECT 1" + b" " * 100_000, login={})

    assert (status, headers["Connection"]) == (401, "keep-alive")
    assert b"Authentication is required" in body
