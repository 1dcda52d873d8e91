"""Private keys and seed phrases, in each spelling that tools and people write, and texts that only look similar."""

import json
from base64 import b64encode
from functools import partial

import pytest

from ingest.privacy.redaction import redact, redact_text
from ingest.privacy.redaction.private_keys import private_keys, seed_phrases
from tests.support.corpora.canaries import fill
from tests.support.processor_time import grows_linearly, in_counts, search_s

WORTH_COMPARING_S = 0.05
COUNTS_MAX = 70  # about a second of an idle machine
LINES = [fill(64, str(number)) for number in range(6)]
KINDS = ("RSA", "EC", "DSA", "OPENSSH", "ENCRYPTED", "SSH2 ENCRYPTED")
SEED = "canary river velvet orbit maple ocean quiz tiger umbrella lemon zebra humble"


def pem(kind: str = "RSA", lines: list[str] = LINES) -> list[str]:
    """Return the lines of a key; the dashes and spaces around its first and last line vary."""
    return [f"-----BEGIN {kind} PRIVATE KEY-----", *lines, f"-----END {kind} PRIVATE KEY-----"]


def cut(text: str) -> str:
    """Return the redacted text, which must be the same for a text and for a payload."""
    redacted, _ = redact_text(text)
    data, counts = redact(json.dumps({"a": text}).encode())
    assert json.loads(data) == {"a": redacted}
    assert set(counts) == {"private_key"}
    return redacted


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "between",
    ["\n", "\r\n", "\n    ", " ", "\\n", "\\\\n", "\\n\\\n    ", "\\r\\n", '\\n" +\n  "', "',\n  '", '", "'],
    ids=repr,
)
def test_a_key_goes_as_a_whole_however_its_lines_are_joined(kind: str, between: str) -> None:
    """Separate lines, escapes, an indented block, one line, continued lines of properties, or strings of a program."""
    assert cut(f"before\n{between.join(pem(kind))}\nafter") == "before\n[redacted:private_key]\nafter"


@pytest.mark.parametrize("dashes", ["---- %s ----", "-----%s-----", "----- %s -----"])
def test_the_dashes_of_the_first_and_last_line_vary(dashes: str) -> None:
    """SSH2 has four dashes and a space."""
    first, last = dashes % "BEGIN SSH2 ENCRYPTED PRIVATE KEY", dashes % "END SSH2 ENCRYPTED PRIVATE KEY"

    assert cut("\n".join(["x.", first, *LINES, last, ".y"])) == "x.\n[redacted:private_key]\n.y"


def test_the_headers_of_an_encrypted_key_go_with_it() -> None:
    """They are as OpenSSL writes them, with or without a last line."""
    headers = ["Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,0123456789ABCDEF0123456789ABCDEF", ""]
    lines = [pem()[0], *headers, *LINES]

    assert cut("\n".join([*lines, pem()[-1]])) == cut("\n".join(lines)) == "[redacted:private_key]"


def test_a_key_whose_lines_are_strings_of_a_list_loses_each_of_them() -> None:
    """A cut ends with the string in which it begins, so each line is cut separately; other strings stay."""
    headers = ["Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,0123456789ABCDEF"]
    for lines in (pem(), pem()[:-1], [*pem()[:1], *headers, *LINES, pem()[-1]]):
        sent = {"lines": lines, "commit": "5f2b6a0c9d1e4f3a8b7c6d5e4f3a2b1c0d9e8f7a"}
        for indent in (None, 2):
            redacted = json.loads(redact(json.dumps(sent, indent=indent).encode()).data)
            assert redacted["commit"] == sent["commit"]
            assert len(redacted["lines"]) == len(lines)
            assert not any(line[:16] in json.dumps(redacted) for line in LINES)


def test_a_key_that_breaks_off_takes_no_other_string_with_it() -> None:
    """The value of another name is not part of the key."""
    sent = {"stdout": "\n".join(pem()[:3]), "digest": fill(40), "id": fill(32)}

    redacted = json.loads(redact(json.dumps(sent).encode()).data)

    assert redacted == sent | {"stdout": "[redacted:private_key]"}


def test_what_is_secret_in_a_file_of_putty_goes() -> None:
    """The private lines and their MAC are cut, with and without the last line, and as strings of a list."""
    head = ["PuTTY-User-Key-File-3: ssh-rsa", "Encryption: none", "Comment: x", "Public-Lines: 1", fill(64)]
    lines = ["Private-Lines: 6", *LINES, "Private-MAC: 0123456789abcdef0123456789abcdef"]

    for newline in ("\n", "\r\n", "\\n"):
        assert cut(newline.join([*head, *lines])) == newline.join([*head, "[redacted:private_key]"])
    assert not any(line in cut("\n".join([*head, *lines[:-1]])) for line in LINES)
    redacted = redact(json.dumps([*head, *lines]).encode()).data.decode()
    assert not any(line in redacted for line in LINES)


@pytest.mark.parametrize("before", ["", "#", "##", "key: "])
@pytest.mark.parametrize("width", [None, 64, 76])
def test_a_key_in_base64_goes(before: str, width: int | None) -> None:
    """As in a kubeconfig or a Secret: on one line or several, at any offset in its group of three bytes."""
    whole = b64encode((before + "\n".join(pem()) + "\n").encode()).decode()
    lines = [whole[at : at + (width or len(whole))] for at in range(0, len(whole), width or len(whole))]

    redacted = cut("client-key-data: " + "\n  ".join(lines) + "\nusers: []")

    assert redacted.endswith("[redacted:private_key]\nusers: []")
    assert not any(line[8:] in redacted for line in lines if len(line) > 40)


def test_a_certificate_in_base64_stays() -> None:
    """It begins like a key."""
    text = b64encode("\n".join(["-----BEGIN CERTIFICATE-----", *LINES]).encode()).decode()

    assert redact_text(f"certificate-authority-data: {text}") == (f"certificate-authority-data: {text}", {})


@pytest.mark.parametrize("count", [12, 15, 18, 21, 24])
@pytest.mark.parametrize(
    "name",
    [
        "mnemonic: {}",
        'MNEMONIC="{}"',
        "seed_phrase = '{}'",
        '--mnemonic "{}"',
        "recovery phrase: {}",
        '"seedPhrase": "{}",',
    ],
)
def test_a_seed_phrase_behind_its_name_goes(count: int, name: str) -> None:
    """Every valid length is found."""
    phrase = " ".join((SEED + " " + SEED).split()[:count])

    assert redact_text(name.format(phrase)) == (name.format("[redacted:seed_phrase]"), {"seed_phrase": 1})


@pytest.mark.parametrize("count", [3, 11, 13, 14, 16, 25, 30])
def test_any_other_number_of_words_is_no_seed_phrase(count: int) -> None:
    """It is an ordinary sentence then."""
    text = 'mnemonic: "' + " ".join((SEED.split() * 3)[:count]) + '"'

    assert redact_text(text) == (text, {})


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----" * 40_000,
        "-----END PRIVATE KEY-----" * 40_000,
        ("-----BEGIN PRIVATE KEY-----" + "a" * 20) * 20_000,
        "-----BEGIN PRIVATE KEY-----" + "a\n" * 500_000,
        "a\n" * 15_000 + "-----END PRIVATE KEY-----" * 40_000,
        ('-----BEGIN PRIVATE KEY-----","' + "a" * 30) * 15_000,
        "Private-Lines: 1" * 60_000,
        "Private-Lines: 1\n" + (fill(64) + "\n") * 15_000,
        "LS0tLS1CRUdJ" * 80_000,
        "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ" * 24_000,
        "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQ\n" + "a\n " * 300_000,
        "mnemonic: " * 100_000,
        "mnemonic: " + "canary " * 140_000,
        "mnemonic: canary river velvet " * 30_000,
    ],
    ids=lambda text: repr(text[:40]),
)
def test_hostile_keys_take_linear_time(text: str) -> None:
    """A megabyte costs less than 70 counts, and not much more than four times a quarter of it."""
    for find in (private_keys, seed_phrases):
        whole = text.encode()
        if search_s(find, whole) > WORTH_COMPARING_S:
            assert grows_linearly(partial(search_s, find, whole[: len(whole) // 4]), partial(search_s, find, whole))
            assert in_counts(partial(search_s, find, whole), COUNTS_MAX) < COUNTS_MAX
