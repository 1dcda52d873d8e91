"""The keys that may sign tokens. Each is pinned to one algorithm and issuer, so that no token can choose its own."""

from typing import Any, NamedTuple

from edge.tokens import AUDIENCE, ISSUER

HS256_BYTES_MIN = 32
ASYMMETRIC = frozenset({"RS256", "ES256", "EdDSA"})


class VerificationKey(NamedTuple):
    """A key, the one algorithm it may be used with, and the ``kid`` by which tokens choose it, if they do.

    A token that it signed must carry its ``issuer`` and ``audience``, and is an operator's unless it ``opens_orgs``.
    """

    algorithm: str
    key: Any
    kid: str | None = None
    issuer: str = ISSUER
    audience: str = AUDIENCE
    grants_org_access: bool = True


def shared_secret(secret: bytes, kid: str | None = None, *, grants_org_access: bool = True) -> VerificationKey:
    """A key that both signs and verifies (HS256).

    Raises:
        ValueError: for a secret below 32 bytes.
    """
    if len(secret) < HS256_BYTES_MIN:
        raise ValueError(f"a secret for HS256 has at least {HS256_BYTES_MIN} bytes, this one has {len(secret)}")
    return VerificationKey("HS256", secret, kid, grants_org_access=grants_org_access)


def operators_key(key: Any) -> VerificationKey:
    """The public half of the operator's own key (Ed25519), which opens no org."""
    return VerificationKey("EdDSA", key, grants_org_access=False)


def public_key(algorithm: str, key: Any, kid: str, issuer: str = ISSUER, audience: str = AUDIENCE) -> VerificationKey:
    """The public half of a key of a JWKS file.

    Raises:
        ValueError: for an algorithm that is not one of RS256, ES256, EdDSA.
    """
    if algorithm not in ASYMMETRIC:
        raise ValueError(f"{algorithm} is not one of {', '.join(sorted(ASYMMETRIC))}")
    return VerificationKey(algorithm, key, kid, issuer, audience)
