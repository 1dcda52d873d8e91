"""A token has one spelling: a text that differs in one character is another, invalid token."""

import string
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from edge.authentication import BadToken, TokenVerifier
from edge.keys import VerificationKey, shared_secret
from edge.names import AUDIENCE, ISSUER

SECRET = b"a test key of at least 32 bytes, yes"
NOW = 1_768_905_000
ALPHABET = string.ascii_letters + string.digits + "-_"
PRIVATE: dict[str, Any] = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
PUBLIC = [VerificationKey(algorithm, key.public_key(), algorithm) for algorithm, key in PRIVATE.items()]
VERIFIER = TokenVerifier([*PUBLIC, shared_secret(SECRET)], lambda: NOW)
FOREIGN = ("=", "+", "/", " ", "\n", "\r\n", "\t", "\0", ".", "~", "é", "٣", "%3D")  # inserted at any place


def signed(algorithm: str, user: str = "alice") -> str:
    """Return a valid token; user names of different lengths end in different bits."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "org_id": "acme", "role": "member", "jti": "1"}
    times = {"iat": NOW, "exp": NOW + 3600}
    key = PRIVATE.get(algorithm, SECRET)
    return jwt.encode(claims | times, key, algorithm, headers={"kid": algorithm} if algorithm in PRIVATE else None)


def is_taken(token: str) -> bool:
    """Return whether a token is accepted."""
    try:
        VERIFIER.verify(token)
    except BadToken:
        return False
    return True


def substitutes(character: str) -> Iterator[str]:
    """Return characters that differ from this one in one bit of base64url, lowest first, and others."""
    if character in ALPHABET:
        index = _ORDER.index(character)
        yield from (_ORDER[index ^ 1 << bit] for bit in range(6))
    yield from "+/=."


_ORDER = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["HS256", *PRIVATE])
@pytest.mark.parametrize("user", ["alice", "alice1", "alice12"])
def test_no_character_can_be_another_one(algorithm: str, user: str) -> None:
    """In header, claims and signature, although the last character of each has unused bits."""
    token = signed(algorithm, user)

    assert is_taken(token)
    for at, character in enumerate(token):
        for other in substitutes(character):
            assert other == character or not is_taken(token[:at] + other + token[at + 1 :]), (at, character, other)


@pytest.mark.parametrize("algorithm", ["HS256", *PRIVATE])
def test_nothing_can_be_added_or_left_out(algorithm: str) -> None:
    """Padding, white space and other characters are refused before, after and inside; so is a missing character."""
    token = signed(algorithm)

    for at in range(len(token) + 1):
        assert not is_taken(token[:at] + token[at + 1 :] if at < len(token) else token + "A")
        for added in FOREIGN:
            assert not is_taken(token[:at] + added + token[at:]), (at, added)
    for padded in ("=", "==", "===", "\n", "A", "AA", "AAA"):
        assert not is_taken(token + padded)
        assert not is_taken(".".join(part + padded for part in token.split(".")))


@given(st.text(st.sampled_from(ALPHABET + "+/=. \n"), max_size=6), st.data())
def test_any_other_text_in_its_place_is_refused(text: str, data: st.DataObject) -> None:
    """This holds for each of the three parts."""
    token = signed("HS256")
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, min(len(token), start + 6)))
    changed = token[:start] + text + token[end:]

    assert is_taken(changed) is (changed == token)
