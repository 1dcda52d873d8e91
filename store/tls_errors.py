"""Explain a failed TLS handshake in one sentence, from an exception and its causes.

A TLS error is not an outage: the peer responds, and a retry would fail in the same way.
"""

import socket
import ssl
from collections.abc import Iterator
from typing import Literal

SettingPrefix = Literal["KAFKA", "STORE"]  # prefix of the setting names

_SWITCH: dict[SettingPrefix, str] = {"KAFKA": "KAFKA_SECURITY", "STORE": "`secure` in STORE_URL"}
# By OpenSSL's X509_V_ERR_… (62: host name, 64: address); all other codes mean that no chain leads to a trusted CA.
_UNFIT = {9: "is not valid yet", 10: "has expired", 62: "is for another name", 64: "is for another name"}
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
_NO_VERSION = ("UNSUPPORTED_PROTOCOL", "ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE")
_CLIENT_CERTIFICATE = (
    *("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN", "CERTIFICATE_EXPIRED", "CERTIFICATE_REVOKED"),
    *("UNKNOWN_CA", "HANDSHAKE_FAILURE", "ACCESS_DENIED", "DECRYPT_ERROR", "UNSUPPORTED_CERTIFICATE"),
)
_PROBE_S = 2.0
_REFUSES_WITHIN_S = 0.5


def tls_refusal(error: BaseException, peer: str, settings: SettingPrefix) -> str | None:
    """Return why one side refuses TLS, and which setting to check; None if the error is not a TLS refusal."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            unfit = _UNFIT.get(cause.verify_code, f"was not issued by a CA that we trust ({cause.verify_message})")
            return f"the certificate of {peer} {unfit}: check {settings}_CA_FILE and the certificate"
        if isinstance(cause, ssl.SSLError) and (said := _refused(cause, peer, settings)):
            return said
    return None


def speaks_tls(host: str, port: int) -> bool:
    """Return whether the server at an address speaks TLS. Sends no data, and checks no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), timeout=_PROBE_S) as plain, context.wrap_socket(plain):
            return True
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")  # only a TLS server sends an alert
    except OSError:
        return False


def tls_failure(host: str, port: int, context: ssl.SSLContext) -> OSError | None:
    """Return the error of a TLS connection to an address; None if it works.

    A server may refuse the client certificate after the handshake, and then close the connection. Data sent by then
    can make the client miss the reason, so this function sends none.
    """
    try:
        with (
            socket.create_connection((host, port), timeout=_PROBE_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            wrapped.settimeout(_REFUSES_WITHIN_S)
            wrapped.recv(1)
    except TimeoutError:
        return None
    except OSError as error:
        return error
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes. Libraries store a cause in one of four places."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        found = waiting.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        inside = (found.__cause__, found.__context__, getattr(found, "reason", None), *found.args)
        waiting.extend(each for each in inside if isinstance(each, BaseException))


def _refused(error: ssl.SSLError, peer: str, settings: SettingPrefix) -> str | None:
    """Return why the peer refuses TLS; None if the connection just ended, as when a server dies."""
    reason = error.reason or ""
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or "EOF" in reason:
        return None
    words = reason.lower().replace("_", " ")
    if any(part in reason for part in _NO_TLS):
        return f"{peer} does not speak TLS: check the port and {_SWITCH[settings]}"
    if any(part in reason for part in _NO_VERSION):
        return f"{peer} does not support a version of TLS that we accept ({words}): enable TLS 1.2 or newer there"
    if any(part in reason for part in _CLIENT_CERTIFICATE):
        return (
            f"{peer} asks for a client certificate, and ours is missing or not accepted ({words}): "
            f"check that {settings}_CERT_FILE and {settings}_KEY_FILE are set, not expired, and of a CA that it trusts"
        )
    return f"TLS with {peer} fails ({words or error}): check {settings}_CA_FILE and {_SWITCH[settings]}"
