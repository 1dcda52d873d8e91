"""The operator's own key pair (Ed25519): the private half signs where the operator works, the public one verifies."""

import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from edge.keys import VerificationKey, operators_key

_PUBLIC = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


def new_key_pair() -> tuple[str, str]:
    """A private key and its public half, both as PEM."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), public.decode()


def parse_private_key(pem: str) -> Ed25519PrivateKey:
    """The key that signs.

    Raises:
        ValueError: it is none, of another kind, or has a password.
    """
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("holds no private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("holds a private key of another kind than Ed25519")
    return key


def parse_public_keys(pem: bytes) -> tuple[VerificationKey, ...]:
    """The keys that verify: several during a rotation.

    Raises:
        ValueError: there is none, one is of another kind, or there is a private one.
    """
    if b"PRIVATE KEY" in pem:
        raise ValueError("holds a private key, which stays where the operator works")
    blocks = _PUBLIC.findall(pem)
    if not blocks:
        raise ValueError("holds no public key in PEM")
    return tuple(_verifying(block) for block in blocks)


def _verifying(block: bytes) -> VerificationKey:
    try:
        key = load_pem_public_key(block)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("holds a public key that is broken") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("holds a public key of another kind than Ed25519")
    return operators_key(key)
