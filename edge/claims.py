"""From the claims of a token whose signature is good to the principal it stands for."""

from typing import Any, cast

from edge.keys import VerificationKey
from edge.principal import Principal
from schemas.permissions import NAME_CHARACTERS_MAX, OPERATOR_ORG, ROLES

CLOCK_SKEW_S = 5  # between the machine that issued a token and this one


class BadToken(Exception):
    """This token opens nothing; the reason is for our logs, the caller learns only that it was refused."""


class Grant:
    """A verified token: the principal, its id, and for how long it is good (seconds since 1970)."""

    __slots__ = ("expires_at", "jti", "not_before", "principal")

    def __init__(self, principal: Principal, jti: str, not_before: float, expires_at: float) -> None:
        self.principal = principal
        self.jti = jti
        self.not_before = not_before
        self.expires_at = expires_at

    def check_time(self, now: float) -> None:
        """Raises `BadToken` before the token's time and after it."""
        if now < self.not_before - CLOCK_SKEW_S:
            raise BadToken("the token is not valid yet")
        if now >= self.expires_at:
            raise BadToken("the token has expired")


def grant_from_claims(claims: dict[str, Any], key: VerificationKey) -> Grant:
    """Check every claim but the times, which are checked at each use; ``key`` is the one that signed them.

    Raises:
        BadToken: with the claim that is missing or wrong.
    """
    if claims.get("iss") != key.issuer:
        raise BadToken("wrong issuer")
    audience = claims.get("aud")
    if key.audience not in (audience if isinstance(audience, list) else [audience]):
        raise BadToken("wrong audience")
    principal = _principal(claims)
    if principal.org_id != OPERATOR_ORG and not key.grants_org_access:
        raise BadToken("this key signs for operators alone")
    not_before = max(_time(claims, "iat"), _time(claims, "nbf") if "nbf" in claims else 0.0)
    return Grant(principal, _name(claims, "jti"), not_before, _time(claims, "exp"))


def is_valid_name(value: object) -> bool:
    """Whether a user, an org or a token may be called so."""
    return isinstance(value, str) and 0 < len(value) <= NAME_CHARACTERS_MAX and value.isprintable()


def _principal(claims: dict[str, Any]) -> Principal:
    user_id, org_id, role = _name(claims, "sub"), _name(claims, "org_id"), claims.get("role")
    if role not in ROLES:
        raise BadToken("unknown role")
    if (role == "operator") != (org_id == OPERATOR_ORG):
        raise BadToken("the operator role and the operator org belong together")
    return Principal(user_id, org_id, role)


def _name(claims: dict[str, Any], claim: str) -> str:
    value = claims.get(claim)
    if not is_valid_name(value):
        raise BadToken(f"{claim} is missing or no name")
    return cast(str, value)


def _time(claims: dict[str, Any], claim: str) -> float:
    value = claims.get(claim)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1 << 53:
        raise BadToken(f"{claim} is missing or no time")
    return float(value)
