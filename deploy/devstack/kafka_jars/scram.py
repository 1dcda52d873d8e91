"""The client's side of SCRAM-SHA-512 (RFC 5802), without channel binding."""

import base64
import hashlib
import hmac
import secrets
from typing import NamedTuple

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
