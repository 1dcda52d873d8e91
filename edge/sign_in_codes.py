"""One-time codes for sign-in links, so that a link is short and contains no token.

They are only in the memory of the process that made them, as digests: a restart forgets them.
"""

import time
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe

from schemas.http.requests import SignInTokens

CODE_BYTES = 16  # 22 characters
CODE_TTL_S = 3_600
CODES_MAX = 64  # above this number, the oldest one is forgotten


class SignInCodes:
    """The codes that have not been used yet, with the tokens that each is exchanged for."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """``clock`` returns seconds since 1970. A monotonic clock may stand still while the machine sleeps."""
        self._clock = clock
        self._held: dict[bytes, tuple[float, SignInTokens]] = {}  # by digest, oldest first; with the time of expiry

    def add(self, tokens: SignInTokens) -> str:
        """Return a new code for these tokens."""
        self._forget_expired()
        if len(self._held) >= CODES_MAX:
            del self._held[next(iter(self._held))]
        code = token_urlsafe(CODE_BYTES)
        self._held[_digest(code)] = self._clock() + CODE_TTL_S, tokens
        return code

    def use(self, code: str) -> SignInTokens | None:
        """Return the tokens and forget the code; None if it is unknown, used or expired.

        Nothing is awaited here, so of several concurrent requests with one code only one gets the tokens.
        """
        self._forget_expired()
        given = _digest(code)
        # Each comparison takes the same time, whatever the digests have in common.
        known = [digest for digest in self._held if compare_digest(digest, given)]
        return self._held.pop(known[0])[1] if known else None

    def _forget_expired(self) -> None:
        now = self._clock()
        self._held = {digest: held for digest, held in self._held.items() if now < held[0]}


def _digest(code: str) -> bytes:
    return sha256(code.encode()).digest()
