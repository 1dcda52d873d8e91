"""The meaning of TLS errors: real failed handshakes between two ends in this process."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.settings.tls import TlsFiles, tls_context
from store.tls_errors import speaks_tls, tls_failure, tls_refusal
from tests.support.rigs.certificates import HERE, Authority, server_context


@contextlib.contextmanager
def answering(context: ssl.SSLContext | None, said: bytes = b"") -> Iterator[int]:
    """Start a server that answers each connection with TLS, or with ``said`` and a close; yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, context, said), daemon=True).start()
        yield server.getsockname()[1]


def _serve(server: socket.socket, context: ssl.SSLContext | None, said: bytes) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            with contextlib.suppress(OSError), connection:
                if context is None:
                    connection.recv(1)
                    connection.sendall(said)
                    continue
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    wrapped.recv(1)


def failure(port: int, ca: Path, cert: str = "", newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Exception:
    """Return the error of a client that trusts ``ca``, wrapped as libraries do."""
    context = tls_context(TlsFiles("kafka", str(ca), cert, ""))
    context.maximum_version = newest
    try:
        raise ConnectionError("wrapped") from tls_failure("127.0.0.1", port, context)
    except ConnectionError as outer:
        return Exception("in an argument", outer)


def test_a_certificate_that_does_not_fit_is_named(tmp_path: Path) -> None:
    """Expired, from another CA, for another name: the message says which, and names the setting."""
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    cases = {
        "has expired": ours.sign("server", *HERE, expired=True),
        "was not issued by a CA that we trust": other.sign("server", *HERE),
        "is for another name": ours.sign("elsewhere", "db.example.com"),
    }
    for said, signed in cases.items():
        with answering(server_context(signed.both)) as port:
            sentence = tls_refusal(failure(port, ours.file), "db:1", "STORE")

        assert sentence is not None
        assert sentence.startswith(f"the certificate of db:1 {said}")
        assert sentence.endswith("check STORE_CA_FILE and the certificate")


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_that_is_missing_or_wrong_is_named(tmp_path: Path, newest: ssl.TLSVersion) -> None:
    """Versions 1.2 and 1.3 are tested: one refuses within the handshake, the other after it."""
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    strict = server_context(ours.sign("server", *HERE).both, trusting=ours.file)
    wrong = ("", str(other.sign("us").both), str(ours.sign("us", expired=True).both))
    with answering(strict) as port:
        for cert in wrong:
            sentence = tls_refusal(failure(port, ours.file, cert, newest), "db:1", "KAFKA")
            assert sentence is not None, cert
            assert "KAFKA_CERT_FILE and KAFKA_KEY_FILE" in sentence
        assert tls_refusal(failure(port, ours.file, str(ours.sign("us").both), newest), "db:1", "KAFKA") is None


def test_a_server_without_tls_is_distinguished_from_an_unavailable_one(tmp_path: Path) -> None:
    """A plain-text response means a wrong port or setting; a close without data may be a dying server."""
    ca = Authority(tmp_path, "ours").file
    with answering(None, b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert tls_refusal(failure(port, ca), "db:1", "STORE") == (
            "db:1 does not speak TLS: check the port and `secure` in STORE_URL"
        )
    with answering(None) as port:
        assert tls_refusal(failure(port, ca), "db:1", "STORE") is None
    assert tls_refusal(ConnectionRefusedError(), "db:1", "STORE") is None


def test_tls_is_found_with_any_certificate(tmp_path: Path) -> None:
    """It is found even if a client certificate is required; plain servers and closed ports do not speak TLS."""
    ours = Authority(tmp_path, "ours")
    signed = ours.sign("server", *HERE, expired=True)
    strict = server_context(signed.both, trusting=ours.file)
    strict.maximum_version = ssl.TLSVersion.TLSv1_2
    for context in (server_context(signed.both), strict):
        with answering(context) as port:
            assert speaks_tls("127.0.0.1", port)
    with answering(None, b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert not speaks_tls("127.0.0.1", port)
    with answering(None) as port:
        assert not speaks_tls("127.0.0.1", port)
    assert not speaks_tls("127.0.0.1", port)
