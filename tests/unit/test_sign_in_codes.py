"""A sign-in code gives its tokens once, for an hour, and is kept as a digest."""

import re

from edge.sign_in_codes import CODE_TTL_S, CODES_MAX, SignInCodes
from schemas.http.requests import SignInTokens

TOKENS = SignInTokens("an org's token", "an operator's token")


class Clock:
    """A clock in seconds that the test advances."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_code_is_used_once() -> None:
    """Other codes stay."""
    codes = SignInCodes()
    code, other = codes.add(TOKENS), codes.add(SignInTokens("other"))

    assert codes.use(code) == TOKENS
    assert codes.use(code) is None
    assert codes.use(other) == SignInTokens("other")


def test_a_code_has_128_bits() -> None:
    """As base64url, so that it needs no escapes in a link."""
    made = {SignInCodes().add(TOKENS) for _ in range(50)}

    assert len(made) == 50
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", code) for code in made)


def test_a_code_expires_after_an_hour() -> None:
    """A moment earlier it still works."""
    clock = Clock()
    codes = SignInCodes(clock)
    early, late = codes.add(TOKENS), codes.add(TOKENS)

    clock.now += CODE_TTL_S - 0.001
    assert codes.use(early) == TOKENS
    clock.now += 0.001
    assert codes.use(late) is None


def test_unknown_codes_give_nothing() -> None:
    """Nor does a part of a code, or another spelling."""
    codes = SignInCodes()
    code = codes.add(TOKENS)

    for unknown in ("", code[:-1], f"{code} ", code.swapcase(), "ä" * 22):
        assert codes.use(unknown) is None
    assert codes.use(code) == TOKENS


def test_the_oldest_code_makes_room() -> None:
    """So the memory for codes is bounded."""
    codes = SignInCodes()
    oldest, *others = [codes.add(SignInTokens(str(number))) for number in range(CODES_MAX + 1)]

    assert codes.use(oldest) is None
    assert [found.token for code in others if (found := codes.use(code))] == [str(n + 1) for n in range(CODES_MAX)]


def test_no_code_is_kept_itself() -> None:
    """Only its digest is."""
    codes = SignInCodes()
    code = codes.add(TOKENS)

    assert code not in repr(vars(codes))
