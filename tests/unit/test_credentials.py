"""Keys and revoked tokens: valid contents of the JWKS and the revocation file, their reload, and invalid files."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from structlog.testing import capture_logs

from cli.main import crewkit_sessions
from edge.authentication import BadToken, TokenVerifier
from edge.credential_files import parse_jwks, parse_revoked
from edge.keys import shared_secret
from edge.watched_file import Unreadable, WatchedFile
from runtime.services.ports import free_port
from runtime.settings.http_settings import load_credentials
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.secrets import token_key, token_keys
from runtime.settings.settings import BadSettings, Settings
from tests.support.fakes.token_issuer import ALGORITHMS, Key, write_jwks

RSA, EC, ED = (Key(algorithm, algorithm) for algorithm in ALGORITHMS)


def file_of(*jwks: dict[str, Any]) -> bytes:
    return json.dumps({"keys": jwks}).encode()


def _weak() -> dict[str, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 (it is refused)
    return {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": "weak"}


def test_each_key_is_pinned_to_its_algorithm() -> None:
    """The key's type decides, with or without an ``alg`` in the file."""
    named = parse_jwks(file_of(RSA.jwk(), EC.jwk(), ED.jwk()))
    unnamed = parse_jwks(file_of(*(key.jwk(alg=..., use=...) for key in (RSA, EC, ED))))

    assert [(key.algorithm, key.kid) for key in named] == [(name, name) for name in ALGORITHMS]
    assert [key.algorithm for key in unnamed] == list(ALGORITHMS)


def test_keys_for_other_uses_are_skipped_and_logged() -> None:
    """Identity providers also list keys for encryption and for other algorithms."""
    others = [RSA.jwk(use="enc"), RSA.jwk(alg="RS512"), {"kty": "EC", "crv": "P-521", "kid": "p"}, {"kty": ["RSA"]}, {}]

    with capture_logs() as logs:
        keys = parse_jwks(file_of(*others, ED.jwk()))

    assert [key.kid for key in keys] == ["EdDSA"]
    assert [log["event"] for log in logs] == ["jwks_key_left_out"] * len(others)


BROKEN = {
    "nothing": (b"", "not a JWKS"),
    "no JSON": (b"{", "not a JWKS"),
    "no set": (b"[]", "not a JWKS"),
    "deep": (b"[" * 100_000, "not a JWKS"),
    "no UTF-8": (b'{"keys": [{"kid": "\xff"}]}', "not a JWKS"),
    "no keys": (file_of(), "no key for"),
    "only others": (file_of(RSA.jwk(use="enc")), "no key for"),
    "a private key": (file_of({**RSA.jwk(), "d": "AQAB"}), "private"),
    "a shared secret": (file_of(RSA.jwk(), {"kty": "oct", "k": "c2VjcmV0", "kid": "s"}), "private"),
    "no kid": (file_of(RSA.jwk(kid=...)), "without a kid"),
    "an empty kid": (file_of(RSA.jwk(kid="")), "without a kid"),
    "a kid twice": (file_of(RSA.jwk(kid="a"), EC.jwk(kid="a")), "two keys with the kid 'a'"),
    "a weak key": (file_of(_weak()), "2048"),
    "half a key": (file_of(RSA.jwk(n=...)), "malformed"),
    "a point off the curve": (file_of(EC.jwk(x="A" * 43)), "malformed"),
    "a number of another type": (file_of(RSA.jwk(n=5)), "malformed"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_jwks_says_what_is_wrong(name: str) -> None:
    """The message continues a sentence that begins with the file name."""
    raw, reason = BROKEN[name]

    with pytest.raises(Unreadable, match=reason):
        parse_jwks(raw)


def test_a_revocation_file_has_one_id_per_line() -> None:
    """Blank lines, comments and a missing final newline are allowed."""
    assert parse_revoked(b"# lost\n a \r\n\nb") == {"a", "b"}
    assert parse_revoked(b"") == frozenset()
    for broken in (b"\xff\xfe", b"x" * 201):
        with pytest.raises(Unreadable):
            parse_revoked(broken)


async def test_a_file_is_reloaded_when_it_changes(tmp_path: Path) -> None:
    """It is reloaded even if size and time stay the same, and not reloaded without a change."""
    file, taken = tmp_path / "file", []
    file.write_bytes(b"1")
    watched = WatchedFile(file, int, taken.append)

    await watched.reload()
    file.write_bytes(b"2")
    await watched.reload()
    await watched.reload()

    assert taken == [1, 2]


async def test_a_file_that_breaks_changes_nothing_and_is_reported_once(tmp_path: Path) -> None:
    """If the file is missing or invalid, its last valid content stays in use, and each change is logged once."""
    file, taken, broken = tmp_path / "jwks.json", [], []
    write_jwks(file, RSA.jwk())
    watched = WatchedFile(file, parse_jwks, taken.append)

    with capture_logs() as logs:
        for change in (lambda: file.write_text("{"), file.unlink, lambda: write_jwks(file, EC.jwk())):
            change()
            await watched.reload()
            await watched.reload()
            broken.append(watched.is_broken)

    assert broken == [True, True, False]
    assert [[key.kid for key in keys] for keys in taken] == [["RS256"], ["ES256"]]
    assert [log["event"] for log in logs] == ["file_not_taken", "file_not_taken", "file_taken"]
    assert [log["log_level"] for log in logs] == ["error", "error", "info"]


@pytest.mark.usefixtures("own_logging")
def test_a_missing_or_invalid_file_prevents_the_start(tmp_path: Path) -> None:
    """The message names the setting, the file and the cause, before anything has started."""
    (tmp_path / "broken").write_text("{")
    for options, said in (
        (("--jwks-file", str(tmp_path / "none")), "No such file"),
        (("--jwks-file", str(tmp_path / "broken")), "is not a JWKS"),
        (("--revoked-file", str(tmp_path)), "Is a directory"),
    ):
        for command in ("up", "stack"):
            where = ("--data", str(tmp_path / "data"), "--port", str(free_port()))
            with pytest.raises(BadSettings, match=f"{options[0][2:].replace('-', '_')}: {options[1]} .*{said}"):
                CliRunner().invoke(crewkit_sessions, [command, *where, *options], catch_exceptions=False)
        assert not (tmp_path / "data" / "log.sqlite").exists()


def test_with_a_jwks_file_the_token_secret_signs_operator_tokens_only(tmp_path: Path) -> None:
    """Without one, it also signs tokens of orgs."""
    write_jwks(tmp_path / "jwks.json", RSA.jwk())
    make_embedded_secrets(tmp_path / "secrets")
    alone = load_credentials(Settings(data=str(tmp_path), dev_tokens=True))[0]
    beside = load_credentials(Settings(data=str(tmp_path), jwks_file=str(tmp_path / "jwks.json"), jwks_audience="a"))[0]
    made = {
        who: CliRunner().invoke(crewkit_sessions, ["token", "--data", str(tmp_path), *who]).stdout.strip()
        for who in (("--org", "acme", "--user", "bob", "--role", "viewer"), ("--operator",))
    }
    member, operator = made.values()

    assert (alone.verify(member).role, alone.verify(operator).role) == ("viewer", "operator")
    assert beside.verify(operator).role == "operator"
    with pytest.raises(BadToken, match="operator tokens only"):
        beside.verify(member)
    assert beside.verify(RSA.sign(aud="a", iss="crewkit-sessions")).user_id == "alice"


def test_the_token_secret_can_be_rotated(tmp_path: Path) -> None:
    """The first line signs, all lines verify. Any other content is refused with a message."""
    make_embedded_secrets(tmp_path)
    old = token_key(tmp_path)
    file = tmp_path / "token.key"
    file.write_text("ab" * 32 + "\n" + file.read_text())

    assert token_keys(tmp_path) == (b"\xab" * 32, old)
    assert token_key(tmp_path) == b"\xab" * 32
    for broken in ("", "no hex", "ab" * 31):
        file.write_text(broken)
        with pytest.raises(BadSettings, match=r"token\.key must contain keys"):
            token_keys(tmp_path)


def test_only_the_owner_can_read_secrets(tmp_path: Path) -> None:
    """Files have mode 600, their folder 700."""
    folder = tmp_path / "secrets"
    make_embedded_secrets(folder)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == dict.fromkeys(
        ("id.keys", "seed.key", "token.key"), 0o600
    )


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--org", "acme", "--user", "bob"],
        ["--org", "operator", "--user", "bob", "--role", "admin"],
        ["--org", "acme", "--user", "bob", "--role", "operator"],
        ["--org", "acme", "--user", "bob", "--role", "god"],
        ["--org", "a\nb", "--user", "bob", "--role", "admin"],
        ["--org", "acme", "--user", "b" * 201, "--role", "admin"],
        ["--org", "acme", "--user", "bob", "--role", "admin", "--ttl", "0h"],
        ["--org", "acme", "--user", "bob", "--role", "admin", "--ttl", "4"],
        ["--org", "acme", "--user", "bob", "--role", "admin", "--jwks-file", "x"],
    ],
)
def test_a_token_that_would_be_invalid_is_not_printed(tmp_path: Path, arguments: list[str]) -> None:
    """Wrong usage ends with exit code 2, a message, and nothing on standard output."""
    result = CliRunner().invoke(crewkit_sessions, ["token", "--data", str(tmp_path), *arguments])

    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error:" in result.stderr


def test_replacing_keys_clears_the_cache_of_verified_tokens() -> None:
    """A cached token is verified again."""
    verifier = TokenVerifier(parse_jwks(file_of(RSA.jwk()), "https://id.example.com", "sessions"))
    token = RSA.sign()
    verifier.verify(token)
    verifier.use_keys([shared_secret(b"x" * 32)])

    with pytest.raises(BadToken):
        verifier.verify(token)
