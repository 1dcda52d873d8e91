"""Redaction, rule by rule: what is cut, what is counted, and what stays."""

import contextlib
import json
from pathlib import Path

import pytest

from ingest.privacy.redaction import TooDense, may_hold_secrets, redact, redact_text
from ingest.privacy.redaction.rules import RULES
from tests.support.corpora.canaries import CANARIES, Canary, fill

NEAR_MISSES = [
    line
    for line in (Path(__file__).parent / "redaction_near_misses.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


def nested(value: str, levels: int) -> str:
    """Return JSON nested this many times in strings of JSON."""
    return value if levels == 0 else nested(json.dumps({"text": value, "n": 1}), levels - 1)


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: f"{canary.rule}-{canary.text[:20]!r}")
@pytest.mark.parametrize("levels", [0, 1, 3])
def test_each_rule_cuts_its_secrets(canary: Canary, levels: int) -> None:
    """The secret is gone, its marker is in its place, and the count is under the name of its rule."""
    sent = json.dumps({"a": nested(canary.written, levels), "b": "stays"}).encode()

    data, counts = redact(sent)

    assert canary.secret not in json.loads(data)["a"]
    assert json.dumps(canary.secret)[1:-1].encode() not in data
    assert f"[redacted:{canary.rule}]".encode() in data
    assert counts[canary.rule] >= 1
    assert json.loads(data)["b"] == "stays"


def test_every_rule_has_a_canary() -> None:
    """A rule without a canary would have no test."""
    assert {canary.rule for canary in CANARIES} == {rule.name for rule in RULES}


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_near_misses_stay(text: str) -> None:
    """They stay byte for byte, as a text and as a payload."""
    sent = json.dumps({"tool_input": {"command": text}}).encode()

    assert redact(sent) == (sent, {})
    assert redact_text(text) == (text, {})


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: f"{canary.rule}-{canary.text[:20]!r}")
def test_a_secret_in_letters_spelled_out_is_found(canary: Canary) -> None:
    r"""Every character is written as ``\u00XX``, and every slash as ``\/``."""
    spelled_out = "".join(f"\\u{ord(character):04x}" for character in canary.written)
    slashes = json.dumps(canary.written).replace("/", "\\/")

    for sent in (f'{{"a": "{spelled_out}"}}', f'{{"a": {slashes}}}'):
        data, counts = redact(sent.encode())
        assert canary.secret not in json.loads(data)["a"]
        assert canary.rule in counts


@pytest.mark.parametrize(
    "rule", ["github_token", "aws_access_key", "jwt", "openai_key", "gitlab_token", "replicate_token"]
)
def test_a_secret_in_colour_is_found(rule: str) -> None:
    """In a terminal's output, the letters of an escape sequence come directly before coloured text."""
    for canary in (canary for canary in CANARIES if canary.rule == rule):
        sent = json.dumps({"stdout": f"+\x1b[01;31m\x1b[K{canary.secret}\x1b[m\x1b[K"})
        assert redact(sent.encode()) == (sent.replace(canary.secret, f"[redacted:{rule}]").encode(), {rule: 1})


def test_what_is_not_a_secret_stays_byte_for_byte() -> None:
    """White space, escapes, the order of keys, numbers with many digits, and emoji stay as sent."""
    secret = f"ghp_{fill(36)}"
    before, after = rb'{ "b":1.50e+2 ,"\u00e9\/":"\ud83d\ude00 \n', rb'","a" : [ "\u0041", 12345678901234567890 ]}'

    data, counts = redact(before + secret.encode() + after)

    assert data == before + b"[redacted:github_token]" + after
    assert counts == {"github_token": 1}


def test_a_key_may_be_a_secret_too() -> None:
    """A key is a string like any other."""
    data, counts = redact(json.dumps({f"ghp_{fill(36)}": 1}).encode())

    assert json.loads(data) == {"[redacted:github_token]": 1}
    assert counts == {"github_token": 1}


def test_a_password_that_is_a_number_becomes_a_string() -> None:
    """So the result is still JSON."""
    data, counts = redact(b'{"password": 12345678, "n": 12345678}')

    assert data == b'{"password": "[redacted:password]", "n": 12345678}'
    assert counts == {"password": 1}


def test_a_password_goes_as_a_whole_whatever_is_in_it() -> None:
    """Quotes, backslashes, braces, line breaks and other secrets are included; of two rules the exact one is named."""
    for secret in ('a"b', "a\\", 'x","y":"z', "line\nbreak", "{}[]", "päss wörd"):
        data, counts = redact(json.dumps({"password": secret, "z": 1}).encode())
        assert (json.loads(data), counts) == ({"password": "[redacted:password]", "z": 1}, {"password": 1})

    data, counts = redact(json.dumps({"api_key": f"sk-ant-{fill(40)}"}).encode())
    assert (json.loads(data), counts) == ({"api_key": "[redacted:anthropic_key]"}, {"anthropic_key": 1})


def test_a_lone_surrogate_beside_a_secret_stays() -> None:
    """It is valid in JSON's grammar, and stays as sent."""
    data, _ = redact(rb'{"a": "\ud83d ghp_' + fill(36).encode() + rb' \ude00"}')

    assert data == rb'{"a": "\ud83d [redacted:github_token] \ude00"}'


def test_no_escape_is_torn_apart() -> None:
    """A rule may find a secret directly after a backslash in the bytes; the result is still JSON."""
    tail = fill(64).encode() + rb"\n-----END PRIVATE KEY-----"
    for escape in (rb"\n", rb"\u00e9", rb"\ud83d\ude00", rb"\ud83d"):
        data, counts = redact(b'{"a": "\xc3\xa9' + escape + tail + b'"}')
        json.loads(data)
        assert counts == {"private_key": 1}


def test_most_payloads_are_looked_at_once() -> None:
    """A payload without a hit of the detection is not parsed."""
    assert not may_hold_secrets(b'{"tool_name":"Read","tool_input":{"file_path":"/src/app.py"},"usage":{"tokens":12}}')


@pytest.mark.parametrize(
    "text",
    [
        "password=" * 60_000,
        "password='" * 60_000,
        'password:\\"' * 60_000,
        "-----BEGIN PRIVATE KEY-----" * 20_000,
        "-----END PRIVATE KEY-----" * 20_000,
        "\\" * 500_000 + "password",
        "https://" * 60_000 + "a:b@c",
        "a://b:" * 60_000 + "@",
        "eyJabcdef.eyJabcdef" * 30_000,
        "Authorization: Bearer " * 25_000,
        "curl -u " * 60_000,
        "\\u0070assword\\u003d1" * 25_000,
        "AKIA" * 100_000,
    ],
    ids=lambda text: text[:20],
)
@pytest.mark.slow
@pytest.mark.timeout(20)
def test_hostile_payloads_take_no_time_worth_the_name(text: str) -> None:
    """Half a megabyte made to slow down a rule takes linear work, not quadratic."""
    for sent in (json.dumps({"a": text}).encode(), b'{"a": "' + text.encode().replace(b'"', b"'") + b'"}'):
        with contextlib.suppress(TooDense):  # beyond a request's budget
            redact(sent)


@pytest.mark.parametrize("escape", [rb"\u003e", rb"\u00fc", rb"\u0142"])
def test_a_card_number_behind_an_escape_is_found(escape: bytes) -> None:
    """The escape has digits of its own between the word and the number."""
    assert redact(b'{"a": "visa' + escape + b' 4111111111111111"}').counts == {"card_number": 1}
