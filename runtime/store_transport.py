"""Checks before the start that both sides use TLS, or neither does: later a mismatch would look like an outage."""

import http.client

from kernel.broken import Broken
from kernel.tls_errors import speaks_tls, tls_failure, tls_refusal
from runtime.tls_files import TlsFiles, tls_context
from store.address import StoreAddress

_ANSWER_S = 2.0


def check_transport(store: StoreAddress) -> None:
    """Refuse a server with which TLS fails, or that speaks TLS where we do not. A server that is away passes.

    Raises:
        Broken: the message names the certificate or the setting to check.
    """
    if store.is_embedded:
        return
    host, port = store.options["host"], store.options["port"]
    said = _secure(store, host, port) if store.options.get("secure") else _plain(host, port)
    if said:
        raise Broken(said)


def _secure(store: StoreAddress, host: str, port: int) -> str | None:
    names = ("ca_cert", "client_cert", "client_cert_key")
    failure = tls_failure(host, port, tls_context(TlsFiles("store", *(store.options.get(name, "") for name in names))))
    if failure is None:
        return None
    if said := tls_refusal(failure, f"{host}:{port}", "STORE"):
        return said
    if _answers_in_clear(host, port):
        return f"{host}:{port} does not speak TLS: check the port and `secure` in STORE_URL"
    return None


def _plain(host: str, port: int) -> str | None:
    if _answers_in_clear(host, port) or not speaks_tls(host, port):
        return None
    return f"{host}:{port} speaks TLS: add ?secure=true to STORE_URL"


def _answers_in_clear(host: str, port: int) -> bool:
    """Return whether a ping without TLS succeeds. Some servers answer it at a TLS port, too, but not with 200."""
    connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_S)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
