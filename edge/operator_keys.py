"""The operator's key pair (Ed25519): the private key signs on the operator's machine, the public key verifies."""

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
    """Return a new private key and its public key, both as PEM."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), public.decode()


def parse_private_key(pem: str) -> Ed25519PrivateKey:
    """Return the key that signs.

    Raises:
        ValueError: the text is not a private Ed25519 key in PEM, or has a password.
    """
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("does not contain a private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("contains a private key that is not Ed25519")
    return key


def parse_public_keys(pem: bytes) -> tuple[VerificationKey, ...]:
    """Return the keys that verify: several during a rotation.

    Raises:
        ValueError: there is no public key, one is not Ed25519, or there is a private key.
    """
    if b"PRIVATE KEY" in pem:
        raise ValueError("contains a private key, which must stay on the operator's machine")
    blocks = _PUBLIC.findall(pem)
    if not blocks:
        raise ValueError("does not contain a public key in PEM")
    return tuple(_verifying(block) for block in blocks)


def _verifying(block: bytes) -> VerificationKey:
    try:
        key = load_pem_public_key(block)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("contains a malformed public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("contains a public key that is not Ed25519")
    return operators_key(key)
