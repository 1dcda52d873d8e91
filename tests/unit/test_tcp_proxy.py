"""The proxy of the fault tests injects the faults that its methods name; a fault without effect would prove nothing."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.fakes.tcp_proxy import TcpProxy


@pytest.fixture
def echo() -> Iterator[tuple[int, list[bytes]]]:
    """A server that returns what it receives, and records it."""
    heard: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        try:
            while data := connection.recv(100):
                heard.append(data)
                connection.sendall(data)
        except OSError:
            return

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1], heard
    server.close()


@pytest.fixture
def proxy(echo: tuple[int, list[bytes]]) -> Iterator[TcpProxy]:
    with TcpProxy(echo[0]) as proxy:
        yield proxy


def _open(proxy: TcpProxy) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", proxy.port))
    connection.settimeout(0.5)
    return connection


def _echo(connection: socket.socket) -> bytes:
    connection.sendall(b"hello")
    if answer := connection.recv(100):
        return answer
    raise ConnectionError


def test_it_passes_everything_until_a_fault_is_set(proxy: TcpProxy) -> None:
    """It forwards everything again after `heal`."""
    assert _echo(_open(proxy)) == b"hello"
    proxy.refuse()
    proxy.heal()
    assert _echo(_open(proxy)) == b"hello"


def test_cut_breaks_what_there_is_and_lets_new_ones_pass(proxy: TcpProxy) -> None:
    """Connections are reset, not silent."""
    old = _open(proxy)
    _echo(old)

    proxy.cut()

    with pytest.raises(ConnectionError):
        _echo(old)
    assert _echo(_open(proxy)) == b"hello"


def test_refuse_breaks_new_ones_too(proxy: TcpProxy) -> None:
    """No connection succeeds."""
    proxy.refuse()

    with pytest.raises(ConnectionError):
        _echo(_open(proxy))


def test_half_open_is_silence(proxy: TcpProxy) -> None:
    """The connection stays open, and no byte arrives."""
    connection = _open(proxy)
    _echo(connection)

    proxy.half_open()

    with pytest.raises(TimeoutError):
        _echo(connection)


def test_drop_reply_loses_the_answer_to_what_arrived(proxy: TcpProxy, echo: tuple[int, list[bytes]]) -> None:
    """The server has received the request, and the client cannot know."""
    connection = _open(proxy)
    _echo(connection)

    proxy.drop_reply()

    with pytest.raises(ConnectionError):
        _echo(connection)
    assert echo[1] == [b"hello", b"hello"]


def test_delay_makes_it_late_and_loses_nothing(proxy: TcpProxy) -> None:
    """Both directions are delayed."""
    proxy.delay(0.1)
    begun = time.monotonic()

    assert _echo(_open(proxy)) == b"hello"
    assert time.monotonic() - begun >= 0.2
