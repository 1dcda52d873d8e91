"""Keys that verify tokens. Each is pinned to one algorithm and issuer, so that a token cannot choose its own.

The operator has an Ed25519 key pair: the private key signs on the operator's machine, and the public key verifies.
"""

import re
from typing import Any, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge.names import AUDIENCE, ISSUER

HS256_BYTES_MIN = 32
_PUBLIC = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


class VerificationKey(NamedTuple):
    """A key, its only algorithm, and the ``kid`` by which tokens choose it, if any.

    Its tokens must have its ``issuer`` and ``audience``. Unless it ``grants_org_access``, they must be operator tokens.
    """

    algorithm: str
    key: Any
    kid: str | None = None
    issuer: str = ISSUER
    audience: str = AUDIENCE
    grants_org_access: bool = True


def shared_secret(secret: bytes, *, grants_org_access: bool = True) -> VerificationKey:
    """Return a key that both signs and verifies (HS256). Raises `ValueError` for a secret of fewer than 32 bytes."""
    if len(secret) < HS256_BYTES_MIN:
        raise ValueError(f"an HS256 secret needs at least {HS256_BYTES_MIN} bytes, this one has {len(secret)}")
    return VerificationKey("HS256", secret, grants_org_access=grants_org_access)


def new_key_pair() -> tuple[str, str]:
    """Return a new private key and its public key, both as PEM."""
    private = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    secret = private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return secret.decode(), public.decode()


def parse_private_key(pem: str) -> Ed25519PrivateKey:
    """Return the key that signs. Raises `ValueError` unless it is an Ed25519 key in PEM without a password."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("does not contain a private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("contains a private key that is not Ed25519")
    return key


def parse_public_keys(pem: bytes) -> tuple[VerificationKey, ...]:
    """Return the keys that verify: several in a rotation. Raises `ValueError` unless all are public Ed25519 keys."""
    if b"PRIVATE KEY" in pem:
        raise ValueError("contains a private key, which must stay on the operator's machine")
    blocks = _PUBLIC.findall(pem)
    if not blocks:
        raise ValueError("does not contain a public key in PEM")
    keys = []
    for block in blocks:
        try:
            key = serialization.load_pem_public_key(block)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ValueError("contains a malformed public key") from error
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("contains a public key that is not Ed25519")
        keys.append(VerificationKey("EdDSA", key, grants_org_access=False))
    return tuple(keys)
