"""Verifying bearer tokens, and the middleware that does so before every route that is not opted out."""

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
# Three parts in base64url as RFC 7515 has it: no padding, no other alphabet, and in a last group of two or three
# characters the bits that belong to no byte are 0. PyJWT takes other spellings, so one token would have many. (Of a
# signature by ES256 anyone can compute a twin. Issuers use either, so both are taken; the `jti` is the same.)
_GROUP = "[A-Za-z0-9_-]"
_PART = f"(?:{_GROUP}{{4}})*+(?:{_GROUP}[AQgw]|{_GROUP}{{2}}[AEIMQUYcgkosw048])?"
_CANONICAL = re.compile(rf"{_PART}\.{_PART}\.{_PART}")
# Claims are checked by `claims.py`, with a clock that can be injected; of PyJWT only the signature is asked.
_SIGNATURE_ONLY: Mapping[str, Any] = {
    "verify_signature": True,
    **dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss"), False),
    **dict.fromkeys(("verify_sub", "verify_jti"), False),
}


class TokenVerifier:
    """Turns a token into its principal. A verification costs about 30 µs, so verified tokens are remembered."""

    def __init__(
        self,
        keys: Sequence[VerificationKey],
        clock: Callable[[], float] = time.time,
        revoked: Callable[[str], bool] = lambda _jti: False,
    ) -> None:
        """``clock`` gives seconds since 1970; ``revoked`` is asked with a token's ``jti`` at each use."""
        self._keys = tuple(keys)
        self._clock = clock
        self._revoked = revoked
        self._grants: dict[str, Grant] = {}

    def verify(self, token: str) -> Principal:
        """The principal of a token that is good now.

        Raises:
            BadToken: for any other token.
        """
        grant = self._grants.get(token)
        if grant is None:
            grant = grant_from_claims(*self._claims(token))
            grant.check_time(self._clock())
            self._remember(token, grant)
        grant.check_time(self._clock())
        if self._revoked(grant.jti):
            raise BadToken("the token was revoked")
        return grant.principal

    def use_keys(self, keys: Sequence[VerificationKey]) -> None:
        """These keys, and no others, from now on; what the former ones have verified is verified again."""
        self._keys = tuple(keys)
        self._grants.clear()

    def _remember(self, token: str, grant: Grant) -> None:
        if len(self._grants) >= _CACHE_MAX:
            del self._grants[next(iter(self._grants))]  # the oldest one; if it is still in use it comes back
        self._grants[token] = grant

    def _claims(self, token: str) -> tuple[dict[str, Any], VerificationKey]:
        if len(token) > _TOKEN_BYTES_MAX:
            raise BadToken("the token is too long")
        if not _CANONICAL.fullmatch(token):
            raise BadToken("the token is not spelled as it was issued")
        for key in self._candidates(token):
            try:
                claims = jwt.decode(token, key.key, algorithms=[key.algorithm], options=dict(_SIGNATURE_ONLY))  # type: ignore[arg-type]  # a TypedDict there
                return claims, key
            except jwt.InvalidSignatureError:
                continue  # of two secrets without a kid during a rotation the other may fit
            except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
                raise BadToken(str(error)) from error
        raise BadToken("no key fits")

    def _candidates(self, token: str) -> list[VerificationKey]:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise BadToken(str(error)) from error
        kid, algorithm = header.get("kid"), header.get("alg")
        return [key for key in self._keys if key.kid == kid and key.algorithm == algorithm]


class Authenticate:
    """ASGI middleware: puts the principal into the scope as ``user``, or refuses with 401."""

    def __init__(self, app: ASGIApp, verifier: TokenVerifier) -> None:
        self.app = app
        self.verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_public(scope):
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


def _is_public(scope: Scope) -> bool:
    return bool(scope["route_handler"].opt.get("public"))
