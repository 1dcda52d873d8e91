"""Verify bearer tokens, in a middleware that runs before every route except the public ones."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jwt
from litestar.types import ASGIApp, Receive, Scope, Send

from edge.claims import BadToken, Grant, grant_from_claims
from edge.errors import unauthenticated
from edge.keys import VerificationKey
from edge.principal import Principal

PUBLIC = {"public": True}  # the `opt` of a route that needs no credential
_TOKEN_BYTES_MAX = 8_192
_CACHE_MAX = 4_096
# Three base64url parts as in RFC 7515: no padding, no other alphabet, and unused bits of the last group are 0. PyJWT
# accepts other spellings, so a token would have many forms. (Anyone can compute a second valid ES256 signature. Issuers
# use either form, so both are accepted; the `jti` is the same.)
_GROUP = "[A-Za-z0-9_-]"
_PART = f"(?:{_GROUP}{{4}})*+(?:{_GROUP}[AQgw]|{_GROUP}{{2}}[AEIMQUYcgkosw048])?"
_CANONICAL = re.compile(rf"{_PART}\.{_PART}\.{_PART}")
# PyJWT checks only the signature. `claims.py` checks the claims, with an injected clock.
_SIGNATURE_ONLY: Mapping[str, Any] = {
    "verify_signature": True,
    **dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss"), False),
    **dict.fromkeys(("verify_sub", "verify_jti"), False),
}


class TokenVerifier:
    """Turn tokens into principals. A verification takes about 30 µs, so verified tokens are cached."""

    def __init__(
        self,
        keys: Sequence[VerificationKey],
        clock: Callable[[], float] = time.time,
        revoked: Callable[[str], bool] = lambda _jti: False,
    ) -> None:
        """``clock`` returns seconds since 1970. ``revoked`` is called with the token's ``jti`` at each use."""
        self._keys = tuple(keys)
        self._clock = clock
        self._revoked = revoked
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
        if self._revoked(grant.jti):
            raise BadToken("the token was revoked")
        return grant.principal

    def use_keys(self, keys: Sequence[VerificationKey]) -> None:
        """Replace the keys. Cached tokens are verified again with the new keys."""
        self._keys = tuple(keys)
        self._grants.clear()

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


class Authenticate:
    """ASGI middleware that sets ``scope["user"]`` to the principal, or refuses with 401."""

    def __init__(self, app: ASGIApp, verifier: TokenVerifier) -> None:
        self.app = app
        self.verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["route_handler"].opt.get("public"):
            scope["user"] = self._principal(scope)
        await self.app(scope, receive, send)

    def _principal(self, scope: Scope) -> Principal:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        if scheme.lower() != b"bearer":
            raise unauthenticated()
        try:
            return self.verifier.verify(token.strip(b" ").decode("ascii"))
        except (BadToken, UnicodeDecodeError) as error:
            raise unauthenticated() from error
