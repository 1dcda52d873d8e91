"""Tokens that must be refused: mutations of algorithm, key, claims, times, signature, size and scheme."""

import base64
import json
import random
from collections.abc import Callable
from typing import Any

import jwt

from tests.fuzz.attack_setup import ATTACKERS, EXPIRES_AT, ISSUED_AT, KEYS, PROBE_ORG, AttackSetup, claims, signed
from tests.fuzz.case import Case, request
from tests.fuzz.hostile import STRINGS, hostile

KEY = KEYS["token.key"]
HEADER = jwt.encode({}, KEY, algorithm="HS256").partition(".")[0]
TABBED = "Bearer %s.\t%s.\t%s"
Forged = str | bytes  # the whole value of the header


def tokens(chance: random.Random, setup: AttackSetup) -> Case:
    """Make a read that a valid token would open, with an invalid token."""
    forge = chance.choice(_FORGED)
    target = chance.choice((f"/api/v1/{ATTACKERS}/sessions?per_page=1", "/api/v1/operator/freshness"))
    headers = {"Authorization": forge(chance, setup)}
    return Case(f"token: {forge.__name__.strip('_')}", request("GET", target, headers), may_open=False)


def foreign(chance: random.Random, setup: AttackSetup) -> Case:
    """Make a read of another org or of the operator, with a valid token."""
    org = chance.choice(
        (
            PROBE_ORG,
            PROBE_ORG,
            "operator",
            "",
            PROBE_ORG.upper(),
            f"{PROBE_ORG}%00",
            "*",
            f"{ATTACKERS}%2F..%2F{PROBE_ORG}",
        )
    )
    path = chance.choice(
        (
            "sessions",
            "sessions/filters",
            "sessions/threads",
            "sessions/analytics/summary",
            "ops/recount",
            "freshness",
            "dead-letters",
        )
    )
    headers = {"Authorization": f"Bearer {setup.token(chance.choice(('owner', 'admin', 'viewer')))}"}
    return Case("another org", request("GET", f"/api/v1/{org}/{path}", headers), may_open=False)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _by_hand(header: Any, payload: Any, signature: bytes) -> str:
    return f"Bearer {_b64(json.dumps(header).encode())}.{_b64(json.dumps(payload).encode())}.{_b64(signature)}"


def _algorithm(chance: random.Random, _scene: AttackSetup) -> Forged:
    names = (
        "none",
        "None",
        "NONE",
        "",
        "RS256",
        "ES256",
        "EdDSA",
        "HS384",
        "HS512",
        "hs256",
        None,
        1,
        ["HS256"],
        "PS256",
    )
    signature = chance.choice((b"", chance.randbytes(32), KEY))
    return _by_hand({"alg": chance.choice(names), "typ": "JWT"}, claims(), signature)


def _other_hash(chance: random.Random, _scene: AttackSetup) -> Forged:
    """Sign with the right key, by an algorithm to which it is not pinned."""
    return "Bearer " + jwt.encode(claims(), KEY * 2, algorithm=chance.choice(("HS384", "HS512")))


def _header(chance: random.Random, _scene: AttackSetup) -> Forged:
    odd = ("x", "../../token.key", "/dev/null", "0", "' OR 1=1", "k" * 4_000)
    names: dict[str, Any] = {
        "kid": chance.choice(odd),
        "jku": "http://127.0.0.1/",
        "jwk": {"kty": "oct", "k": ""},
        "x5u": "file:///etc",
    }
    name = chance.choice(list(names))
    key = KEY if name == "kid" else chance.randbytes(32)
    return "Bearer " + signed(claims(), key, **{name: names[name]})


def _key(chance: random.Random, _scene: AttackSetup) -> Forged:
    other = (
        chance.randbytes(32),
        KEY[:-1] + b"\0",
        KEYS["seed.key"],
        KEYS["id.keys"],
        b"secret" * 8,
        KEY.hex().encode(),
        bytes(32),
    )
    return "Bearer " + signed(claims(), chance.choice(other))


def _claim(chance: random.Random, _scene: AttackSetup) -> Forged:
    """Sign a token with one wrong claim."""
    wrong: dict[str, tuple[Any, ...]] = {
        "iss": ("", None, "crewkit", 1, ["crewkit-sessions"]),
        "aud": ("", None, [], "crewkit-sessions", [None], {}),
        "sub": ("", None, 1, [], "a\x00b", "n" * 201, {"a": 1}, "\u202e"),
        "org_id": ("", None, 1, [ATTACKERS], "operator", PROBE_ORG, "o" * 201, ATTACKERS + "\n"),
        "role": ("", None, "root", "Admin", ["admin"], "operator", 1),
        "jti": ("", None, 1, "j" * 201, []),
    }
    name = chance.choice(list(wrong))
    return _signed_as_is({**claims(), name: chance.choice(wrong[name])})


def _missing(chance: random.Random, _scene: AttackSetup) -> Forged:
    good = claims()
    del good[chance.choice(list(good))]
    return _signed_as_is(good)


def _time(chance: random.Random, _scene: AttackSetup) -> Forged:
    late: tuple[Any, ...] = (EXPIRES_AT, 1 << 60, float("nan"), float("inf"), "0", None, True, [], -1e300)
    claim, value = chance.choice(
        (
            *(("exp", value) for value in (0, -1, ISSUED_AT, "4102444800", None, True, float("nan"), 1 << 60, 1e400)),
            *((claim, value) for claim in ("iat", "nbf") for value in late),
        )
    )
    return _signed_as_is({**claims(), claim: value})


def _payload(chance: random.Random, _scene: AttackSetup) -> Forged:
    """Sign a payload that is no object, is deeply nested, or repeats a claim."""
    odd = (
        b"[]",
        b"null",
        b"1",
        b"",
        b"{",
        b'"x"',
        b"[" * 2_000 + b"]" * 2_000,
        b'{"exp":1,"exp":2}',
        b"\xff",
        json.dumps(claims()).encode()[:-1],
    )
    return _signed_bytes(chance.choice(odd))


def _signature(chance: random.Random, setup: AttackSetup) -> Forged:
    head, payload, signature = setup.token().split(".")
    place = chance.randrange(len(signature) - 1)  # the last character has unused bits
    flipped = signature[:place] + ("A" if signature[place] != "A" else "B") + signature[place + 1 :]
    others = (flipped, "", signature[:-4], signature[::-1], signature.lower(), _b64(chance.randbytes(32)))
    return f"Bearer {head}.{payload}.{chance.choice(others)}"


def _swapped(chance: random.Random, setup: AttackSetup) -> Forged:
    """Combine the payload of one token with the signature of another."""
    head, _, signature = setup.token().split(".")
    payload = setup.token(chance.choice(("owner", "viewer")), user="adam").split(".")[1]
    return f"Bearer {head}.{payload}.{signature}"


def _shape(chance: random.Random, setup: AttackSetup) -> Forged:
    token = setup.token()
    odd: tuple[Forged, ...] = (
        *(
            "Bearer",
            "Bearer ",
            "Bearer a.b.c",
            "Bearer ...",
            f"Basic {token}",
            token,
            f"Bearer,{token}",
            f"Token {token}",
        ),
        *(
            f"Bearer {token} {token}",
            f"Bearer {token}.",
            f"Bearer .{token}",
            f"Bearer {token}x",
            f"Bearer {token[:-8]}",
        ),
        *(
            f'Bearer "{token}"',
            f"Bearer\t{token}",
            TABBED % tuple(token.split(".")),
            "Bearer " + "A" * 9_000,
            "Bearer " + "." * 8_000,
        ),
        *(
            b"Bearer \xff\xfe",
            b"Bearer " + token.encode() + b"\xc2\xa0",
            "Bearer " + chance.choice(STRINGS[:12]).strip("\r\n\x00\x1b\x7f\x85 "),
        ),
    )
    value = chance.choice(odd)
    return (
        value
        if isinstance(value, bytes)
        else value.replace("\r", "").replace("\n", "").replace("\x00", "").replace("\x1b", "")
    )


def _fuzzed_header(chance: random.Random, _scene: AttackSetup) -> Forged:
    value = hostile(chance)
    header = value.decode("latin-1") if isinstance(value, bytes) else json.dumps(value)
    return f"Bearer {_b64(header.encode('utf-8', 'replace')[:4_000])}.{_b64(json.dumps(claims()).encode())}.{_b64(KEY)}"


def _signed_as_is(payload: dict[str, Any]) -> str:
    """Sign without the checks that a library makes first."""
    return _signed_bytes(json.dumps(payload).encode())


def _signed_bytes(payload: bytes) -> str:
    signing = f"{HEADER}.{_b64(payload)}"
    signature = jwt.get_algorithm_by_name("HS256").sign(signing.encode(), KEY)
    return f"Bearer {signing}.{_b64(signature)}"


_FORGED: tuple[Callable[[random.Random, AttackSetup], Forged], ...] = (
    *(_algorithm, _other_hash, _header, _key, _claim, _claim, _missing, _time, _payload, _signature, _swapped, _shape),
    _fuzzed_header,
)
