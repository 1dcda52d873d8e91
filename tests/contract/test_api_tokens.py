"""API section "Who may", tokens: which tokens an installation accepts, and that all others are refused.

The installation has keys of all three kinds in a JWKS file and a file of revoked tokens. Each forged token is sent over
real HTTP and gets the same 401, so a reply tells an attacker nothing.
"""

import base64
import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec

from edge.tokens import issue_token
from runtime.settings.secrets import token_key
from tests.support.fakes.token_issuer import ALGORITHMS, AUDIENCE, ISSUER, Key, good, write_jwks
from tests.support.rigs.installation import Installation
from tests.support.waiting import eventually

PATH = "/api/v1/acme/sessions"


class Guarded(NamedTuple):
    """An installation that accepts an issuer's tokens, and what a test needs to forge some."""

    installation: Installation
    keys: dict[str, Key]
    secret: bytes  # the secret that signs operators' tokens

    @property
    def rsa(self) -> Key:
        return self.keys["RS256"]

    def get(self, token: str | None = None, path: str = PATH, **headers: str) -> httpx.Response:
        """Send a read, with or without a token."""
        given = {} if token is None else {"authorization": f"Bearer {token}"}
        return httpx.get(f"{self.installation.url}{path}", headers={**given, **headers}, trust_env=False, timeout=15)

    def until(self, expected: int, token: str, limit_s: float = 30) -> None:
        """Wait until the token gets this status; the contract allows 30 seconds."""
        deadline = time.monotonic() + limit_s
        while self.get(token).status_code != expected:
            assert time.monotonic() < deadline, f"no {expected} within {limit_s:.0f} s"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Run an installation with a JWKS file and a revocation file."""
    folder = tmp_path_factory.mktemp("guarded")
    keys = {algorithm: Key(algorithm, f"key {algorithm}") for algorithm in ALGORITHMS}
    write_jwks(folder / "jwks.json", *(key.jwk() for key in keys.values()))
    (folder / "revoked.txt").write_text("# lost laptops\nrevoked-1\n")
    options = ("--jwks-file", "jwks.json", "--revoked-file", "revoked.txt")
    with pytest.MonkeyPatch.context() as at:
        at.chdir(folder)
        at.setenv("JWKS_ISSUER", ISSUER)
        at.setenv("JWKS_AUDIENCE", AUDIENCE)
        running = Installation("up", folder / "data", *options)
        try:
            running.start()
            yield Guarded(running, keys, token_key(folder / "data" / "secrets"))
        finally:
            running.end()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_each_kind_of_key_is_taken(guarded: Guarded, algorithm: str) -> None:
    """`kid` selects the key; all keys are valid at once."""
    assert guarded.get(guarded.keys[algorithm].sign()).status_code == 200


def test_no_link_signs_in_where_an_issuer_makes_the_tokens(guarded: Guarded) -> None:
    """`up` prints the address of the dashboard, and that it asks for a token."""
    address = f"Open the dashboard: {guarded.installation.url}/  (it asks for a token)\n"
    out = guarded.installation.data / "up.out"

    eventually(lambda: address in out.read_text())
    assert "token=" not in out.read_text()


def test_an_audience_may_be_one_of_several(guarded: Guarded) -> None:
    """RFC 7519 allows a list."""
    assert guarded.get(guarded.rsa.sign(aud=["other", AUDIENCE])).status_code == 200


def _now(later: int) -> int:
    return int(time.time()) + later


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _hs256(secret: bytes, header: dict[str, Any], claims: dict[str, Any]) -> str:
    return _mac(secret, {"alg": "HS256", **header}, claims, hashes.SHA256())


def _mac(secret: bytes, header: dict[str, Any], claims: dict[str, Any], digest: hashes.HashAlgorithm) -> str:
    """Sign by hand: libraries refuse to use a public key as a secret."""
    text = f"{_encoded({'typ': 'JWT', **header})}.{_encoded(claims)}"
    mac = hmac.HMAC(secret, digest)
    mac.update(text.encode())
    return f"{text}.{base64.urlsafe_b64encode(mac.finalize()).rstrip(b'=').decode()}"


def _unsigned(algorithm: str, **header: Any) -> str:
    return f"{_encoded({'typ': 'JWT', 'alg': algorithm, **header})}.{_encoded(good())}."


def _cut_claims(token: str) -> str:
    header, claims, signature = token.split(".")
    return ".".join((header, claims[:-4], signature))


def _other_claims(token: str, **claims: Any) -> str:
    header, _, signature = token.split(".")
    return ".".join((header, _encoded(good(**claims)), signature))


def _claim_text(token: str, text: str) -> str:
    """Replace the claims by ``text`` and leave the signature."""
    header, _, signature = token.split(".")
    return ".".join((header, base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode(), signature))


def _der_signed(key: Key) -> str:
    text = f"{_encoded({'alg': 'ES256', 'kid': key.kid})}.{_encoded(good())}"
    signature = key.private.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


ATTACKER = Key("RS256", "key RS256")

FORGED: dict[str, Callable[[Guarded], str]] = {
    "alg none": lambda to: _unsigned("none"),
    "alg none with a kid": lambda to: _unsigned("none", kid="key RS256"),
    "alg None": lambda to: _unsigned("None"),
    "alg empty": lambda to: _unsigned(""),
    "alg missing": lambda to: f"{_encoded({'typ': 'JWT', 'kid': 'key RS256'})}.{_encoded(good())}.",
    "alg a list": lambda to: f"{_encoded({'alg': ['RS256'], 'kid': 'key RS256'})}.{_encoded(good())}.",
    "HS256 with the RSA public key": lambda to: _hs256(to.rsa.public_pem(), {"kid": to.rsa.kid}, good()),
    "HS256 with the RSA public key, no kid": lambda to: _hs256(to.rsa.public_pem(), {}, good()),
    "HS256 with the JWK's text": lambda to: _hs256(json.dumps(to.rsa.jwk()).encode(), {"kid": to.rsa.kid}, good()),
    "HS256 with an empty secret": lambda to: _hs256(b"", {}, good()),
    "HS256 with the secret of operators, for an org": lambda to: issue_token(
        to.secret, "alice", "acme", "member", 600, time.time()
    ),
    "the same with the issuer's name": lambda to: _hs256(to.secret, {}, good()),
    "HS512 with the secret of operators": lambda to: _mac(to.secret, {"alg": "HS512"}, good(), hashes.SHA512()),
    "RS512 with the right key": lambda to: jwt.encode(good(), to.rsa.private, "RS512", {"kid": to.rsa.kid}),
    "PS256 with the right key": lambda to: jwt.encode(good(), to.rsa.private, "PS256", {"kid": to.rsa.kid}),
    "unknown kid": lambda to: to.rsa.sign({"kid": "another"}),
    "no kid": lambda to: to.rsa.sign({"kid": ...}),
    "empty kid": lambda to: to.rsa.sign({"kid": ""}),
    "the kid of another key": lambda to: to.rsa.sign({"kid": "key ES256"}),
    "kid as a path": lambda to: _hs256(b"", {"kid": "../../../../../../dev/null"}, good()),
    "kid as SQL": lambda to: _hs256(b"x", {"kid": "' UNION SELECT 'x' --"}, good()),
    "kid as a command": lambda to: _hs256(b"x", {"kid": "key RS256|/usr/bin/id"}, good()),
    "kid of another type": lambda to: f"{_encoded({'alg': 'RS256', 'kid': ['key RS256']})}.{_encoded(good())}.AAAA",
    "another key of the same kid": lambda to: ATTACKER.sign(),
    "its own jwk": lambda to: ATTACKER.sign({"jwk": ATTACKER.jwk()}),
    "its own jku": lambda to: ATTACKER.sign({"jku": "http://127.0.0.1:1/jwks.json"}),
    "its own x5u": lambda to: ATTACKER.sign({"x5u": "http://127.0.0.1:1/cert.pem", "x5c": ["AAAA"]}),
    "an extension that must be understood": lambda to: to.rsa.sign({"crit": ["exp"], "exp": _now(600)}),
    "a detached payload": lambda to: _unsigned("RS256", kid="key RS256", b64=False, crit=["b64"]),
    "expired": lambda to: to.rsa.sign(exp=_now(-1)),
    "not yet valid": lambda to: to.rsa.sign(nbf=_now(600)),
    "issued in the future": lambda to: to.rsa.sign(iat=_now(600)),
    "without an end": lambda to: to.rsa.sign(exp=...),
    "an end as text": lambda to: to.rsa.sign(exp=str(_now(600))),
    "an end beyond all numbers": lambda to: to.rsa.sign(exp=10**400),
    "wrong audience": lambda to: to.rsa.sign(aud="another"),
    "the audience of our own tokens": lambda to: to.rsa.sign(aud="crewkit-sessions-api"),
    "no audience": lambda to: to.rsa.sign(aud=...),
    "wrong issuer": lambda to: to.rsa.sign(iss="https://evil.example.com"),
    "the issuer of our own tokens": lambda to: to.rsa.sign(iss="crewkit-sessions"),
    "issuer with a slash more": lambda to: to.rsa.sign(iss=f"{ISSUER}/"),
    "no jti": lambda to: to.rsa.sign(jti=...),
    "a jti of another type": lambda to: to.rsa.sign(jti=5),
    "unknown role": lambda to: to.rsa.sign(role="root"),
    "role operator in an org": lambda to: to.rsa.sign(role="operator"),
    "a member of the operators": lambda to: to.rsa.sign(org_id="operator"),
    "no user": lambda to: to.rsa.sign(sub=...),
    "revoked": lambda to: to.rsa.sign(jti="revoked-1"),
    "cut in the signature": lambda to: to.rsa.sign()[:-7],
    "cut in the claims": lambda to: _cut_claims(to.rsa.sign()),
    "without a signature": lambda to: to.rsa.sign().rpartition(".")[0] + ".",
    "two parts": lambda to: to.rsa.sign().rpartition(".")[0],
    "four parts": lambda to: to.rsa.sign() + ".AAAA",
    "other claims under a good signature": lambda to: _other_claims(to.rsa.sign(), role="owner"),
    "claims that are no object": lambda to: _claim_text(to.rsa.sign(), "[]"),
    "deep claims": lambda to: _claim_text(to.rsa.sign(), "[" * 4_000),
    "a signature of ES256 in DER": lambda to: _der_signed(to.keys["ES256"]),
    "too long": lambda to: to.rsa.sign(more="x" * 9_000),
    "no token at all": lambda to: "null",
}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.fault(row=19)
def test_a_forged_token_opens_nothing(guarded: Guarded, name: str) -> None:
    """Each forged token gets the reply of a missing credential, headers included."""
    check_refusal(guarded, guarded.get(FORGED[name](guarded)))


def check_refusal(guarded: Guarded, reply: httpx.Response) -> None:
    nothing = guarded.get()
    bodies = [{**answer.json(), "request_id": None} for answer in (reply, nothing)]

    assert reply.status_code == nothing.status_code == 401, reply.text
    assert bodies[0] == bodies[1]
    assert _constant(reply) == _constant(nothing)
    assert reply.json()["request_id"] == reply.headers["x-request-id"]


def _constant(reply: httpx.Response) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in reply.headers.items() if name not in {"date", "x-request-id"})


def test_a_token_elsewhere_than_in_its_header_opens_nothing(guarded: Guarded) -> None:
    """A token in the URL, a cookie, another header or under another scheme is ignored."""
    token = guarded.rsa.sign()

    for query in (f"access_token={token}", f"token={token}", f"authorization=Bearer%20{token}"):
        check_refusal(guarded, guarded.get(path=f"{PATH}?{query}"))
    for headers in (
        {"cookie": f"access_token={token}"},
        {"x-authorization": f"Bearer {token}"},
        {"proxy-authorization": f"Bearer {token}"},
        {"authorization": f"Basic {token}"},
        {"authorization": token},
        {"authorization": f"Bearer {token} {token}"},
        {"authorization": f"Bearer {token},Bearer {token}"},
    ):
        check_refusal(guarded, guarded.get(**headers))


def test_two_authorization_headers_open_nothing(guarded: Guarded) -> None:
    """A proxy may check either one, so neither counts, even if one or both are valid."""
    token = guarded.rsa.sign()
    for other in ("Bearer x", f"Bearer {token}", ""):
        connection = http.client.HTTPConnection("127.0.0.1", guarded.installation.port, timeout=15)
        connection.putrequest("GET", PATH)
        connection.putheader("Authorization", f"Bearer {token}")
        connection.putheader("Authorization", other)
        connection.endheaders()
        reply = connection.getresponse()

        assert (reply.status, json.loads(reply.read())["code"]) == (401, "unauthenticated")
        connection.close()


def test_the_secret_of_our_own_opens_what_operators_ask(guarded: Guarded) -> None:
    """Operator tokens and commands work beside an issuer's keys, and open no org."""
    operator = guarded.installation.command("token", "--operator").stdout.strip()

    assert guarded.get(operator, "/api/v1/operator/freshness").status_code == 200
    assert guarded.get(operator).status_code == 404
    assert guarded.installation.command("coverage").returncode == 0


def test_keys_are_rotated_without_a_restart(guarded: Guarded) -> None:
    """All keys in the file are valid; a removed key is refused, cached or not.

    A broken file changes nothing.
    """
    file = guarded.installation.data.parent / "jwks.json"
    others = [key.jwk() for key in guarded.keys.values()]
    old, new = Key("ES256", "before"), Key("ES256", "after")
    first, second = old.sign(), new.sign()

    write_jwks(file, *others, old.jwk())
    guarded.until(200, first)
    assert guarded.get(second).status_code == 401
    write_jwks(file, *others, old.jwk(), new.jwk())
    guarded.until(200, second)
    assert guarded.get(first).status_code == 200
    file.write_text("{")
    write_jwks(file, *others, new.jwk())
    guarded.until(401, first)
    assert guarded.get(second).status_code == 200


@pytest.mark.fault(row=19)
def test_a_token_is_revoked_while_it_is_in_use(guarded: Guarded) -> None:
    """A new line counts within 30 seconds; removing or emptying the file restores no token."""
    file = guarded.installation.data.parent / "revoked.txt"
    token, other = guarded.rsa.sign(jti="lost"), guarded.rsa.sign(jti="kept")
    assert guarded.get(token).status_code == 200

    with file.open("a") as lines:
        lines.write("lost")
    guarded.until(401, token)
    file.write_text("kept\n")
    guarded.until(401, other)

    assert guarded.get(token).status_code == 401
