"""Check whether a broker serves, with three kinds of request and no Kafka client.

An open port proves too little: it may belong to another program, or the controller may not have registered the broker
yet. Until then the metadata name no broker, and clients get errors.
"""

import base64
import hashlib
import hmac
import secrets
import socket
import struct
from io import BufferedRWPair
from typing import NamedTuple

from runtime.settings.stack_folder import KAFKA_MECHANISM

# The oldest layouts that a current broker accepts. Metadata is requested for an empty list of topics.
METADATA, SASL_HANDSHAKE, SASL_AUTHENTICATE = (3, 1), (17, 1), (36, 0)
TIMEOUT_S = 1.0  # of each step
_NO_TOPICS = struct.pack(">i", 0)
_REPLY_BYTES_MAX = 1 << 20
_ITERATIONS_MAX = 100_000  # Kafka uses 4,096; a fake broker must not keep us computing
_NO_BINDING = base64.b64encode(b"n,,").decode()


class Login(NamedTuple):
    """A user of the broker. The name must not have a comma or an equals sign."""

    user: str
    password: str


def serves(host: str, port: int, login: Login | None = None) -> bool:
    """Return whether the broker accepts the login, proves that it knows the password, and is registered as live."""
    try:
        with socket.create_connection((host, port), timeout=TIMEOUT_S) as connection:
            stream = connection.makefile("rwb")
            if login is not None:
                _log_in(stream, login)
            (brokers,) = struct.unpack_from(">i", _ask(stream, METADATA, _NO_TOPICS))
            return int(brokers) > 0
    except (OSError, ValueError, struct.error):
        return False


def _log_in(stream: BufferedRWPair, login: Login) -> None:
    """Log in with SCRAM-SHA-512 (RFC 5802), without channel binding.

    Raises `ValueError` if the broker refuses us, does not know the password, or is not a broker.
    """
    mechanism = KAFKA_MECHANISM.encode()
    _check(_ask(stream, SASL_HANDSHAKE, struct.pack(">h", len(mechanism)) + mechanism))
    nonce = secrets.token_hex(16)
    begin = f"n={login.user},r={nonce}"
    challenge = _authenticate(stream, f"n,,{begin}".encode()).decode()
    fields = dict(field.split("=", 1) for field in challenge.split(","))
    if not fields.get("r", "").startswith(nonce) or not {"s", "i"} <= set(fields):
        raise ValueError("no answer to our first message")
    if (iterations := int(fields["i"])) > _ITERATIONS_MAX:
        raise ValueError(f"the broker asks for {iterations} iterations")
    salted = hashlib.pbkdf2_hmac("sha512", login.password.encode(), base64.b64decode(fields["s"]), iterations)
    last = f"c={_NO_BINDING},r={fields['r']}"
    said = f"{begin},{challenge},{last}".encode()
    key = _hmac(salted, b"Client Key")
    signature = _hmac(hashlib.sha512(key).digest(), said)
    proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
    answer = _authenticate(stream, f"{last},p={base64.b64encode(proof).decode()}".encode())
    if answer != b"v=" + base64.b64encode(_hmac(_hmac(salted, b"Server Key"), said)):
        raise ValueError("the broker does not know the password")


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha512")


def _authenticate(stream: BufferedRWPair, message: bytes) -> bytes:
    reply = _check(_ask(stream, SASL_AUTHENTICATE, struct.pack(">i", len(message)) + message))
    (text,) = struct.unpack_from(">h", reply)  # length of the error text; -1: none
    return reply[2 + max(text, 0) + 4 :]


def _check(reply: bytes) -> bytes:
    """Return what follows the error code. Raises `ValueError` if there is an error."""
    (error,) = struct.unpack_from(">h", reply)
    if error:
        raise ValueError(f"refused with {error}")
    return reply[2:]


def _ask(stream: BufferedRWPair, kind: tuple[int, int], body: bytes) -> bytes:
    """Send a request; return the reply's body. Both have their size first; the correlation id is always 1."""
    request = struct.pack(">hhih", *kind, 1, -1) + body
    stream.write(struct.pack(">i", len(request)) + request)
    stream.flush()
    (size,) = struct.unpack(">i", stream.read(4))
    if not 4 <= size <= _REPLY_BYTES_MAX:
        raise ValueError(f"a reply of {size} bytes")
    reply = stream.read(size)
    if len(reply) < size:
        raise ValueError("a reply cut short")
    return reply[4:]
