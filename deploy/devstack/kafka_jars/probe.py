"""Check whether a broker serves, with three kinds of request and no Kafka client.

An open port proves too little: another program may hold it, or the controller has not registered the broker yet. Then
its metadata name no broker, and clients get errors.
"""

import base64
import hashlib
import hmac
import secrets
import socket
import struct
from io import BufferedRWPair
from typing import NamedTuple

from deploy.devstack.kafka_jars.users import MECHANISM

# The oldest layouts that a current broker reads; metadata of a list of no topics.
METADATA, SASL_HANDSHAKE, SASL_AUTHENTICATE = (3, 1), (17, 1), (36, 0)
_NO_TOPICS = struct.pack(">i", 0)
_REPLY_BYTES_MAX = 1 << 20


class Login(NamedTuple):
    """A user of the broker."""

    user: str
    password: str


def serves(host: str, port: int, login: Login | None = None, *, timeout_s: float = 1.0) -> bool:
    """Return whether the broker accepts the log-in, proves the password, and its cluster has a live broker."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.settimeout(timeout_s)
            stream = connection.makefile("rwb")
            if login is not None:
                _log_in(stream, login)
            (brokers,) = struct.unpack_from(">i", _ask(stream, METADATA, _NO_TOPICS))
            return int(brokers) > 0
    except (OSError, ValueError, struct.error):
        return False


def _log_in(stream: BufferedRWPair, login: Login) -> None:
    """Log in. Raises `ValueError` if the broker refuses us, or is no broker."""
    mechanism = MECHANISM.encode()
    _check(_ask(stream, SASL_HANDSHAKE, struct.pack(">h", len(mechanism)) + mechanism))
    exchange = Exchange(*login)
    proof = exchange.proof(_authenticate(stream, exchange.first()))
    if _authenticate(stream, proof.message) != proof.answer:
        raise ValueError("it does not know the password")


def _authenticate(stream: BufferedRWPair, message: bytes) -> bytes:
    reply = _check(_ask(stream, SASL_AUTHENTICATE, struct.pack(">i", len(message)) + message))
    (text,) = struct.unpack_from(">h", reply)  # the error; -1: none
    return reply[2 + max(text, 0) + 4 :]


def _check(reply: bytes) -> bytes:
    """Return what follows the error code. Raises `ValueError` for an error."""
    (error,) = struct.unpack_from(">h", reply)
    if error:
        raise ValueError(f"refused with {error}")
    return reply[2:]


def _ask(stream: BufferedRWPair, kind: tuple[int, int], body: bytes) -> bytes:
    """Send a request; return the reply's body. Both begin with their size, then a correlation id, here always 1."""
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


_ALGORITHM = "sha512"
_ITERATIONS_MAX = 100_000  # Kafka's are 4,096; a false broker must not keep us computing
_NO_BINDING = base64.b64encode(b"n,,").decode()


class Proof(NamedTuple):
    """The client's last message, and the response of a server that knows the password."""

    message: bytes
    answer: bytes


class Exchange:
    """One log-in. ``user`` has no comma and no equals sign."""

    def __init__(self, user: str, password: str) -> None:
        self._nonce = secrets.token_hex(16)
        self._begin = f"n={user},r={self._nonce}"
        self._password = password.encode()

    def first(self) -> bytes:
        """Return the client's first message."""
        return f"n,,{self._begin}".encode()

    def proof(self, challenge: bytes) -> Proof:
        """Return the proof for the server's first message.

        Raises:
            ValueError: the message does not answer ours.
        """
        text = challenge.decode()
        fields = dict(field.split("=", 1) for field in text.split(","))
        if not fields.get("r", "").startswith(self._nonce) or not {"s", "i"} <= set(fields):
            raise ValueError("no answer to our first message")
        last = f"c={_NO_BINDING},r={fields['r']}"
        said = f"{self._begin},{text},{last}".encode()
        if (iterations := int(fields["i"])) > _ITERATIONS_MAX:
            raise ValueError(f"it asks for {iterations} iterations")
        salted = hashlib.pbkdf2_hmac(_ALGORITHM, self._password, base64.b64decode(fields["s"]), iterations)
        key = _hmac(salted, b"Client Key")
        signature = _hmac(hashlib.new(_ALGORITHM, key).digest(), said)
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        answer = _hmac(_hmac(salted, b"Server Key"), said)
        return Proof(f"{last},p={base64.b64encode(proof).decode()}".encode(), b"v=" + base64.b64encode(answer))


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, _ALGORITHM)
