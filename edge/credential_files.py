"""Parse the credential files: a JWKS (RFC 7517), the public keys of the token issuer, and the ids of revoked tokens."""

from collections import Counter
from typing import Any

import jwt
import msgspec
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from msgspec import Struct

from edge.keys import VerificationKey
from edge.names import AUDIENCE, ISSUER
from edge.watched_file import Unreadable
from schemas.permissions import NAME_CHARACTERS_MAX

logger = structlog.get_logger()

RSA_BITS_MIN = 2_048
# Key type and curve determine the algorithm; an ``alg`` in the file must match it.
_ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
_PRIVATE = ("d", "k")  # members of private keys and of shared secrets


class _KeySet(Struct):
    keys: list[dict[str, Any]]


def parse_jwks(raw: bytes, issuer: str = ISSUER, audience: str = AUDIENCE) -> tuple[VerificationKey, ...]:
    """Return the keys of a JWKS that verify tokens; a token chooses by ``kid``. Other keys are skipped and logged.

    Raises `Unreadable`: not a JWKS; no usable key; a private, weak or malformed key; a missing or duplicate ``kid``.
    """
    try:
        listed = msgspec.json.decode(raw, type=_KeySet).keys
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f'is not a JWKS ({{"keys": […]}}): {error}') from error
    keys = tuple(key for jwk in listed if (key := _verification_key(jwk, issuer, audience)) is not None)
    if not keys:
        raise Unreadable("contains no key for RS256, ES256 or EdDSA")
    if duplicates := [kid for kid, times in Counter(key.kid for key in keys).items() if times > 1]:
        raise Unreadable(f"has two keys with the kid {duplicates[0]!r}")
    return keys


def _verification_key(jwk: dict[str, Any], issuer: str, audience: str) -> VerificationKey | None:
    """Return a key, or None for one that verifies no tokens: identity providers also list keys for other uses."""
    kid, kind, curve = (jwk.get(name) for name in ("kid", "kty", "crv"))
    if any(name in jwk for name in _PRIVATE):
        raise Unreadable(f"contains a private key or a secret (kid {kid!r}): keep only public keys in it")
    algorithm = _ALGORITHMS.get((kind, curve)) if isinstance(kind, str) and isinstance(curve, str | None) else None
    if algorithm is None or jwk.get("alg", algorithm) != algorithm or jwk.get("use", "sig") != "sig":
        logger.warning("jwks_key_left_out", kid=kid, kty=kind, alg=jwk.get("alg"))
        return None
    if not isinstance(kid, str) or not kid:
        raise Unreadable("has a key without a kid: tokens cannot choose it")
    try:
        key = jwt.PyJWK(jwk, algorithm).key
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError) as error:
        raise Unreadable(f"has a malformed key (kid {kid!r}): {error}") from error
    if algorithm == "RS256" and key.key_size < RSA_BITS_MIN:
        raise Unreadable(f"has a weak key (kid {kid!r}): RSA with {key.key_size} bits, the minimum is {RSA_BITS_MIN}")
    return VerificationKey(algorithm, key, kid, issuer, audience)


def parse_revoked(raw: bytes) -> frozenset[str]:
    """Return the ids (``jti``) in a file, one per line. Blank lines and lines that begin with ``#`` are ignored.

    Raises `Unreadable` if the file is not UTF-8, or a line is too long to be an id.
    """
    try:
        lines = raw.decode().splitlines()
    except UnicodeDecodeError as error:
        raise Unreadable("is not UTF-8 text") from error
    ids = frozenset(line for text in lines if (line := text.strip()) and not line.startswith("#"))
    if too_long := next((line for line in ids if len(line) > NAME_CHARACTERS_MAX), None):
        raise Unreadable(f"has a line of {len(too_long)} characters: each line must be one jti")
    return ids
