"""Verify bearer tokens and derive their principals, in a middleware before every route except the public ones."""

import re
import time
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, NamedTuple, cast

import jwt
from litestar.types import ASGIApp, Receive, Scope, Send

from edge.errors import unauthenticated
from edge.keys import VerificationKey
from edge.names import is_valid_name
from edge.principal import Principal
from schemas.permissions import OPERATOR_ORG, ROLES

PUBLIC = {"public": True}  # the `opt` of a route that needs no credential
CLOCK_SKEW_S = 5  # tolerated between the issuer's clock and ours
_TOKEN_BYTES_MAX = 8_192
_CACHE_MAX = 4_096
# Three base64url parts as in RFC 7515: no padding, no other alphabet, and unused bits of the last group are 0. PyJWT
# accepts other spellings, so a token would have many forms. (Anyone can compute a second valid ES256 signature. Issuers
# use either form, so both are accepted; the `jti` is the same.)
_GROUP = "[A-Za-z0-9_-]"
_PART = f"(?:{_GROUP}{{4}})*+(?:{_GROUP}[AQgw]|{_GROUP}{{2}}[AEIMQUYcgkosw048])?"
_CANONICAL = re.compile(rf"{_PART}\.{_PART}\.{_PART}")
# PyJWT checks only the signature. `grant_from_claims` and `Grant` check the claims, with an injected clock.
_SIGNATURE_ONLY: Mapping[str, Any] = {
    "verify_signature": True,
    **dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss"), False),
    **dict.fromkeys(("verify_sub", "verify_jti"), False),
}


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


class TokenVerifier:
    """Turn tokens into principals. A verification takes about 30 µs, so verified tokens are cached."""

    def __init__(self, keys: Sequence[VerificationKey], clock: Callable[[], float] = time.time) -> None:
        """``clock`` returns seconds since 1970."""
        self._keys, self._clock = tuple(keys), clock
        self._revoked: set[str] = set()
        self._grants: dict[str, Grant] = {}

    def verify(self, token: str) -> Principal:
        """Return the principal of a token that is valid now; raise `BadToken` for any other."""
        grant = self._grants.get(token)
        if grant is None:
            grant = grant_from_claims(*self._claims(token))
            grant.check_time(self._clock())
            if len(self._grants) >= _CACHE_MAX:
                del self._grants[next(iter(self._grants))]  # the oldest one; its next use caches it again
            self._grants[token] = grant
        grant.check_time(self._clock())
        if grant.jti in self._revoked:
            raise BadToken("the token was revoked")
        return grant.principal

    def use_keys(self, keys: Sequence[VerificationKey]) -> None:
        """Replace the keys. Cached tokens are verified again with the new keys."""
        self._keys = tuple(keys)
        self._grants.clear()

    def revoke(self, ids: Set[str]) -> None:
        """Refuse tokens with these ids (``jti``) as long as this process runs.

        Ids are only added, so a half-written, empty or missing file cannot un-revoke a token. Removing a line takes
        effect at the next restart.
        """
        self._revoked |= ids

    def _claims(self, token: str) -> tuple[dict[str, Any], VerificationKey]:
        if len(token) > _TOKEN_BYTES_MAX:
            raise BadToken("the token is too long")
        if not _CANONICAL.fullmatch(token):
            raise BadToken("the token is not canonical base64url")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise BadToken(str(error)) from error
        for key in self._keys:
            if (key.kid, key.algorithm) != (header.get("kid"), header.get("alg")):
                continue
            try:
                claims = jwt.decode(token, key.key, algorithms=[key.algorithm], options=dict(_SIGNATURE_ONLY))  # type: ignore[arg-type]  # a TypedDict there
                return claims, key
            except jwt.InvalidSignatureError:
                continue  # during a rotation there are two secrets without a kid
            except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
                raise BadToken(str(error)) from error
        raise BadToken("no key verifies the signature")


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
    return Grant(Principal(user_id, org_id, role), _name(claims, "jti"), not_before, _time(claims, "exp"))


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


class Authenticate:
    """ASGI middleware that sets ``scope["user"]`` to the principal, or refuses with 401."""

    def __init__(self, app: ASGIApp, verifier: TokenVerifier) -> None:
        self.app, self.verifier = app, verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["route_handler"].opt.get("public"):
            given = [value for name, value in scope["headers"] if name == b"authorization"]
            scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
            if scheme.lower() != b"bearer":
                raise unauthenticated()
            try:
                scope["user"] = self.verifier.verify(token.strip(b" ").decode("ascii"))
            except (BadToken, UnicodeDecodeError) as error:
                raise unauthenticated() from error
        await self.app(scope, receive, send)
