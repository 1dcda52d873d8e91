"""Issue tokens: HS256 with the installation's secret, or EdDSA with the operator's key."""

from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.names import AUDIENCE, ISSUER
from schemas.permissions import Role

TOKEN_TTL_S = 4 * 3600


def issue_token(key: bytes | Ed25519PrivateKey, user_id: str, org_id: str, role: Role, ttl_s: int, now: float) -> str:
    """Return a signed token for ``user_id`` of ``org_id``; ``now`` is in seconds since 1970."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": user_id,
        "org_id": org_id,
        "role": role,
        "iat": int(now),
        "exp": int(now) + ttl_s,
        "jti": uuid4().hex,
    }
    return jwt.encode(claims, key, algorithm="HS256" if isinstance(key, bytes) else "EdDSA")
