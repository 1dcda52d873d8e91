"""A token issuer: private keys of all three kinds, and the JWKS file with their public halves."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

_MAKE = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}
_TO_JWK: dict[str, Any] = {"RS256": RSAAlgorithm.to_jwk, "ES256": ECAlgorithm.to_jwk, "EdDSA": OKPAlgorithm.to_jwk}
ISSUER, AUDIENCE = "https://id.example.com", "sessions"
ALGORITHMS = tuple(_MAKE)


class Key:
    """One key pair."""

    def __init__(self, algorithm: str, kid: str) -> None:
        self.algorithm, self.kid = algorithm, kid
        self.private: Any = _MAKE[algorithm]()

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """Return the public half as a JWKS file lists it; ``...`` as a value leaves a member out."""
        listed = json.loads(_TO_JWK[self.algorithm](self.private.public_key()))
        return present({**listed, "kid": self.kid, "alg": self.algorithm, "use": "sig", **changes})

    def public_pem(self) -> bytes:
        """Return the public half in PEM."""
        pem: bytes = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem

    def sign(self, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """Return a token; without changes it is valid."""
        given = present({"kid": self.kid, **(headers or {})})
        return jwt.encode(good(**claims), self.private, self.algorithm, given)


def good(**changes: Any) -> dict[str, Any]:
    """Return claims that currently open the org acme; ``...`` as a value leaves a claim out."""
    now = int(time.time())
    whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "org_id": "acme", "role": "member", "jti": "1"}
    return present({**whole, "iat": now, "exp": now + 600, **changes})


def present(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that are not left out."""
    return {name: value for name, value in values.items() if value is not ...}


def write_jwks(file: Path, *jwks: dict[str, Any]) -> None:
    """Write the file as an issuer would publish it."""
    file.write_text(json.dumps({"keys": jwks}))
