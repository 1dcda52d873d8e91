"""A token is accepted only if its signature and all of its claims are valid."""

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.authentication import BadToken, TokenVerifier
from edge.keys import VerificationKey, shared_secret
from edge.names import AUDIENCE, ISSUER
from edge.principal import Principal
from edge.tokens import issue_token

KEY = b"a test key of at least 32 bytes, yes"
NOW = 1_768_905_000.0
GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "alice",
    "org_id": "acme",
    "role": "member",
    "iat": int(NOW),
    "exp": int(NOW) + 3600,
    "jti": "1",
}


def verifier(now: float = NOW) -> TokenVerifier:
    return TokenVerifier([shared_secret(KEY)], lambda: now)


def signed(key: Any = KEY, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {name: value for name, value in {**GOOD, **changes}.items() if value is not ...}
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def test_an_issued_token_is_accepted() -> None:
    """It is valid until it expires, also from the cache."""
    token = issue_token(KEY, "alice", "acme", "member", 3600, NOW)

    assert verifier().verify(token) == Principal("alice", "acme", "member")
    assert verifier(NOW + 3599).verify(token) == Principal("alice", "acme", "member")


WRONG = {
    "issuer": {"iss": "another issuer"},
    "audience": {"aud": "another-api"},
    "audiences": {"aud": ["another-api"]},
    "unknown role": {"role": "god"},
    "role of another type": {"role": ["member"]},
    "operator of an org": {"role": "operator"},
    "member of the operators": {"org_id": "operator"},
    "expired": {"exp": int(NOW)},
    "not yet valid": {"nbf": int(NOW) + 60},
    "issued in the future": {"iat": int(NOW) + 60},
    "empty user": {"sub": ""},
    "user of another type": {"sub": 5},
    "user with control characters": {"sub": "a\nb"},
    "org of another type": {"org_id": None},
    "exp of another type": {"exp": "tomorrow"},
    "exp without end": {"exp": float("inf")},
    **{f"{name} is not a number": {name: float("nan")} for name in ("exp", "iat", "nbf")},
    "exp as a truth": {"exp": True},
    "nbf of another type": {"nbf": []},
    **{f"no {name}": {name: ...} for name in GOOD},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_a_wrong_or_missing_claim_is_refused(changes: dict[str, Any]) -> None:
    """Every claim is checked."""
    try:
        token = signed(**changes)
    except (TypeError, ValueError):
        pytest.skip("PyJWT does not even sign this")

    with pytest.raises(BadToken):
        verifier().verify(token)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "é.é.é",
        signed()[:-1] + ("A" if signed()[-1] != "A" else "B"),
        signed().rpartition(".")[0] + ".",
        signed(b"another key of at least 32 bytes, yes"),
        signed(algorithm="HS512"),
        signed("", algorithm="none"),
        signed(headers={"kid": "unknown"}),
        signed(headers={"kid": "../../etc/passwd"}),
        "x" * 100_000,
    ],
)
def test_anything_else_is_refused(token: str) -> None:
    """Garbage, other keys, other or no algorithms, and unknown key ids are refused."""
    with pytest.raises(BadToken):
        verifier().verify(token)


def test_a_cached_token_still_expires() -> None:
    """The cache stores the signature check, not the time check."""
    now = [NOW]
    cached = TokenVerifier([shared_secret(KEY)], lambda: now[0])
    token = signed()
    cached.verify(token)
    now[0] = NOW + 3600

    with pytest.raises(BadToken):
        cached.verify(token)


def test_a_revoked_token_is_refused_at_its_next_use() -> None:
    """This holds for cached tokens too."""
    cached = verifier()
    cached.verify(signed())
    cached.revoke({"1"})

    with pytest.raises(BadToken):
        cached.verify(signed())


def test_a_revoked_token_stays_revoked() -> None:
    """Later contents of the file do not un-revoke it while the process lives."""
    updated = verifier()
    for ids in ({"a"}, set(), {"b"}):
        updated.revoke(frozenset(ids))

    for jti in ("a", "b"):
        with pytest.raises(BadToken, match="revoked"):
            updated.verify(signed(jti=jti))
    assert updated.verify(signed(jti="c")).user_id == GOOD["sub"]


def test_the_cache_is_bounded() -> None:
    """Old tokens are evicted."""
    busy = verifier()
    for number in range(5_000):
        busy.verify(signed(jti=str(number)))

    assert len(busy._grants) <= 4_096


def test_asymmetric_keys_are_chosen_by_kid_and_pinned_to_their_algorithm() -> None:
    """Three kinds of keys work together. A token signed with HS256 and a public key as the secret is refused."""
    private = {
        "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }
    keys = [VerificationKey(algorithm, key.public_key(), f"key {algorithm}") for algorithm, key in private.items()]
    many = TokenVerifier([*keys, shared_secret(KEY)], lambda: NOW)

    for algorithm, key in private.items():
        assert many.verify(signed(key, algorithm, {"kid": f"key {algorithm}"})).user_id == "alice"
        for headers in ({}, {"kid": "unknown key"}):
            with pytest.raises(BadToken):
                many.verify(signed(key, algorithm, headers))
    public = private["EdDSA"].public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    with pytest.raises(BadToken):
        many.verify(signed(public, "HS256", {"kid": "key EdDSA"}))
    assert many.verify(signed()).user_id == "alice"


def test_two_secrets_at_once_allow_a_rotation() -> None:
    """Without a kid, either secret may verify a token."""
    old, new = b"an old key of at least 32 bytes, yes", b"the new key of at least 32 bytes, yes"
    both = TokenVerifier([shared_secret(new), shared_secret(old)], lambda: NOW)

    assert both.verify(signed(old)) == both.verify(signed(new))


def test_weak_secrets_are_refused_at_the_start() -> None:
    """A secret below 32 bytes."""
    with pytest.raises(ValueError, match="32"):
        shared_secret(b"short")
