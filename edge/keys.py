"""Keys that verify tokens. Each is pinned to one algorithm and issuer, so that a token cannot choose its own."""

from typing import Any, NamedTuple

from edge.tokens import AUDIENCE, ISSUER

HS256_BYTES_MIN = 32
ASYMMETRIC = frozenset({"RS256", "ES256", "EdDSA"})


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


def shared_secret(secret: bytes, kid: str | None = None, *, grants_org_access: bool = True) -> VerificationKey:
    """Return a key that both signs and verifies (HS256).

    Raises:
        ValueError: the secret has fewer than 32 bytes.
    """
    if len(secret) < HS256_BYTES_MIN:
        raise ValueError(f"an HS256 secret needs at least {HS256_BYTES_MIN} bytes, this one has {len(secret)}")
    return VerificationKey("HS256", secret, kid, grants_org_access=grants_org_access)


def operators_key(key: Any) -> VerificationKey:
    """Return the public half of the operator's key (Ed25519), which grants no access to orgs."""
    return VerificationKey("EdDSA", key, grants_org_access=False)


def public_key(algorithm: str, key: Any, kid: str, issuer: str = ISSUER, audience: str = AUDIENCE) -> VerificationKey:
    """Return a public key of a JWKS file.

    Raises:
        ValueError: the algorithm is not RS256, ES256 or EdDSA.
    """
    if algorithm not in ASYMMETRIC:
        raise ValueError(f"{algorithm} is not one of {', '.join(sorted(ASYMMETRIC))}")
    return VerificationKey(algorithm, key, kid, issuer, audience)
