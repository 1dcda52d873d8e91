"""Check the claims of a token with a valid signature, and derive its principal."""

from typing import Any, NamedTuple, cast

from edge.keys import VerificationKey
from edge.names import is_valid_name
from edge.principal import Principal
from schemas.permissions import OPERATOR_ORG, ROLES

CLOCK_SKEW_S = 5  # tolerated between the issuer's clock and ours


class BadToken(Exception):
    """The token is not valid. The reason is for our logs; the response does not contain it."""


class Grant(NamedTuple):
    """A verified token: principal, token id, and validity period (seconds since 1970)."""

    principal: Principal
    jti: str
    not_before: float
    expires_at: float

    def check_time(self, now: float) -> None:
        """Raise `BadToken` outside the validity period."""
        if now < self.not_before - CLOCK_SKEW_S:
            raise BadToken("the token is not valid yet")
        if now >= self.expires_at:
            raise BadToken("the token has expired")


def grant_from_claims(claims: dict[str, Any], key: VerificationKey) -> Grant:
    """Check every claim except the times, which `Grant.check_time` checks at each use. ``key`` signed the token.

    Raises `BadToken`, which names the missing or wrong claim.
    """
    if claims.get("iss") != key.issuer:
        raise BadToken("wrong issuer")
    audience = claims.get("aud")
    if key.audience not in (audience if isinstance(audience, list) else [audience]):
        raise BadToken("wrong audience")
    user_id, org_id, role = _name(claims, "sub"), _name(claims, "org_id"), claims.get("role")
    if role not in ROLES:
        raise BadToken("unknown role")
    if (role == "operator") != (org_id == OPERATOR_ORG):
        raise BadToken("the operator role requires the operator org, and vice versa")
    if org_id != OPERATOR_ORG and not key.grants_org_access:
        raise BadToken("this key may sign operator tokens only")
    not_before = max(_time(claims, "iat"), _time(claims, "nbf") if "nbf" in claims else 0.0)
    principal = Principal(user_id, org_id, role)
    return Grant(principal, _name(claims, "jti"), not_before, _time(claims, "exp"))


def _name(claims: dict[str, Any], claim: str) -> str:
    value = claims.get(claim)
    if not is_valid_name(value):
        raise BadToken(f"{claim} is missing or not a valid name")
    return cast(str, value)


def _time(claims: dict[str, Any], claim: str) -> float:
    value = claims.get(claim)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1 << 53:
        raise BadToken(f"{claim} is missing or not a valid time")
    return float(value)
