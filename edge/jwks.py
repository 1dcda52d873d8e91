"""Parse a JWKS file (RFC 7517): the public keys of the token issuer. Tokens choose a key by ``kid``."""

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

logger = structlog.get_logger()

RSA_BITS_MIN = 2_048
# Key type and curve determine the algorithm; an ``alg`` in the file must match it.
_ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
_PRIVATE = ("d", "k")  # members of private keys and of shared secrets


class _KeySet(Struct):
    keys: list[dict[str, Any]]


def parse_jwks(raw: bytes, issuer: str = ISSUER, audience: str = AUDIENCE) -> tuple[VerificationKey, ...]:
    """Return the keys of a file that verify tokens. Keys for other uses are skipped and logged.

    Raises `Unreadable`: not a JWKS; no usable key; a private, weak or malformed key; a missing or duplicate ``kid``.
    """
    try:
        listed = msgspec.json.decode(raw, type=_KeySet).keys
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f'is not a JWKS ({{"keys": […]}}): {error}') from error
    keys = tuple(_verification_key(jwk, issuer, audience) for jwk in listed if _verifies_tokens(jwk))
    if not keys:
        raise Unreadable("contains no key for RS256, ES256 or EdDSA")
    if duplicates := [kid for kid, times in Counter(key.kid for key in keys).items() if times > 1]:
        raise Unreadable(f"has two keys with the kid {duplicates[0]!r}")
    return keys


def _verifies_tokens(jwk: dict[str, Any]) -> bool:
    """Return whether a key verifies tokens. Identity providers also list keys for other uses, which is fine."""
    if any(name in jwk for name in _PRIVATE):
        raise Unreadable(f"contains a private key or a secret (kid {jwk.get('kid')!r}): keep only public keys in it")
    algorithm = _algorithm(jwk)
    fits = algorithm is not None and jwk.get("alg", algorithm) == algorithm and jwk.get("use", "sig") == "sig"
    if not fits:
        logger.warning("jwks_key_left_out", kid=jwk.get("kid"), kty=jwk.get("kty"), alg=jwk.get("alg"))
    return fits


def _algorithm(jwk: dict[str, Any]) -> str | None:
    kind, curve = jwk.get("kty"), jwk.get("crv")
    return _ALGORITHMS.get((kind, curve)) if isinstance(kind, str) and isinstance(curve, str | None) else None


def _verification_key(jwk: dict[str, Any], issuer: str, audience: str) -> VerificationKey:
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not kid:
        raise Unreadable("has a key without a kid: tokens cannot choose it")
    algorithm = str(_algorithm(jwk))
    try:
        key = jwt.PyJWK(jwk, algorithm).key
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError) as error:
        raise Unreadable(f"has a malformed key (kid {kid!r}): {error}") from error
    if algorithm == "RS256" and key.key_size < RSA_BITS_MIN:
        raise Unreadable(f"has a weak key (kid {kid!r}): RSA with {key.key_size} bits, the minimum is {RSA_BITS_MIN}")
    return VerificationKey(algorithm, key, kid, issuer, audience)
