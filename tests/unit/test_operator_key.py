"""Machines that serve requests need only the operator's public key, which cannot sign."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from structlog.testing import capture_logs

from cli.main import crewkit_sessions
from edge.authentication import BadToken
from edge.keys import parse_private_key
from edge.names import AUDIENCE, ISSUER
from runtime.settings.http_settings import check_tokens_open_orgs, load_credentials
from runtime.settings.secret_making import make_embedded_secrets, make_secrets
from runtime.settings.settings import BadSettings, Settings
from tests.support.fakes.token_issuer import Key, write_jwks

ISSUED = Key("RS256", "theirs")


@pytest.fixture
def operator(tmp_path: Path) -> Path:
    """Return the secrets folder of the operator's machine."""
    folder = tmp_path / "operator"
    list(make_secrets(folder, dev_tokens=False))
    return folder


@pytest.fixture
def pod(tmp_path: Path, operator: Path) -> Settings:
    """Return the settings of a machine that serves, without any secret of the operator."""
    folder = tmp_path / "pod"
    folder.mkdir(mode=0o700)
    for name in ("seed.key", "id.keys", "operator.pub"):
        (folder / name).write_text((operator / name).read_text())
        (folder / name).chmod(0o600)
    write_jwks(tmp_path / "jwks.json", ISSUED.jwk())
    return Settings(data=str(tmp_path), secrets=str(folder), jwks_file=str(tmp_path / "jwks.json"))


def signed(folder: Path, *who: str) -> str:
    """Return a token issued by the command."""
    arguments = ["token", "--secrets", str(folder), *who]
    return CliRunner().invoke(crewkit_sessions, arguments, catch_exceptions=False).stdout.strip()


def test_the_public_key_verifies_operator_tokens(operator: Path, pod: Settings) -> None:
    """On a machine without a token secret, only operator tokens and those of the JWKS issuer are accepted."""
    verifier = load_credentials(pod)[0]

    assert verifier.verify(signed(operator, "--operator")).role == "operator"
    assert verifier.verify(ISSUED.sign(aud=pod.jwks_audience, iss=pod.jwks_issuer)).org_id
    make_embedded_secrets(operator)
    (operator / "operator.key").unlink()
    with pytest.raises(BadToken, match="no key verifies"):
        verifier.verify(signed(operator, "--operator"))


def test_the_operators_key_grants_no_access_to_orgs(operator: Path, pod: Settings) -> None:
    """This holds for every token that it signs, even with another key's kid."""
    forging = Key("EdDSA", "")
    forging.private = parse_private_key((operator / "operator.key").read_text())
    verifier = load_credentials(pod)[0]

    for headers, said in (({"kid": ...}, "operator tokens only"), ({"kid": ISSUED.kid}, "no key verifies")):
        with pytest.raises(BadToken, match=said):
            verifier.verify(forging.sign(headers, aud=AUDIENCE, iss=ISSUER))


def test_the_operators_key_is_rotated_with_both_in_the_file(operator: Path, pod: Settings, tmp_path: Path) -> None:
    """A setting names the file; the file in the secrets folder is then ignored."""
    list(make_secrets(tmp_path / "new", dev_tokens=False))
    both = tmp_path / "both.pem"
    both.write_text((tmp_path / "new" / "operator.pub").read_text() + (operator / "operator.pub").read_text())
    tokens = [signed(folder, "--operator") for folder in (operator, tmp_path / "new")]

    rotating = load_credentials(msgspec.structs.replace(pod, operator_public_key_file=str(both)))[0]
    before = load_credentials(pod)[0]

    assert [rotating.verify(token).role for token in tokens] == ["operator", "operator"]
    with pytest.raises(BadToken):
        before.verify(tokens[1])


def _pem(key: ec.EllipticCurvePrivateKey, *, private: bool) -> bytes:
    if private:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


OTHER = ec.generate_private_key(ec.SECP256R1())
WRONG = {
    "nothing": (b"", "does not contain a public key in PEM"),
    "another kind": (_pem(OTHER, private=False), "that is not Ed25519"),
    "a private key": (_pem(OTHER, private=True), "a private key, which must stay on the operator's machine"),
    "broken": (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "a malformed public key"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_public_key_is_refused(pod: Settings, tmp_path: Path, what: str) -> None:
    """The message names the setting, the file and the cause."""
    content, said = WRONG[what]
    file = tmp_path / "wrong.pem"
    file.write_bytes(content)

    with pytest.raises(BadSettings, match=f"operator_public_key_file: {file} .*{said}"):
        load_credentials(msgspec.structs.replace(pod, operator_public_key_file=str(file)))
    with pytest.raises(BadSettings, match="operator_public_key_file: /nowhere No such file"):
        load_credentials(msgspec.structs.replace(pod, operator_public_key_file="/nowhere"))


def test_an_unusable_private_key_is_refused(operator: Path) -> None:
    """A key that other users can read is refused like any secret."""
    for content, said in (
        (b"junk", "does not contain a private key in PEM"),
        (_pem(OTHER, private=True), "contains a private key that is not Ed25519"),
    ):
        (operator / "operator.key").write_bytes(content)
        with pytest.raises(BadSettings, match=f"operator.key {said}"):
            signed(operator, "--operator")
    (operator / "operator.key").chmod(0o644)
    with pytest.raises(BadSettings, match="chmod 600"):
        signed(operator, "--operator")


def test_missing_operator_keys_are_logged(pod: Settings) -> None:
    """Without a key of either kind the machine serves, but no operator token is valid."""
    (pod.secrets_folder / "operator.pub").unlink()

    with capture_logs() as said:
        load_credentials(pod)

    assert [line["event"] for line in said] == ["operators_shut_out"]


def test_our_tokens_grant_access_to_orgs_only_if_configured(pod: Settings) -> None:
    """Without dev tokens and without a JWKS file, no client could be served, so the service does not start."""
    alone = msgspec.structs.replace(pod, jwks_file="")
    with pytest.raises(BadSettings, match=r"jwks_file: no token would grant access to an org.*--dev-tokens"):
        check_tokens_open_orgs(alone)
    for enough in (pod, msgspec.structs.replace(alone, dev_tokens=True)):
        check_tokens_open_orgs(enough)
    make_embedded_secrets(pod.secrets_folder)
    token = signed(pod.secrets_folder, "--org", "acme", "--user", "u", "--role", "viewer")

    assert load_credentials(msgspec.structs.replace(alone, dev_tokens=True))[0].verify(token).role == "viewer"
    for closed in (alone, msgspec.structs.replace(pod, dev_tokens=True)):
        with pytest.raises(BadToken, match="operator tokens only"):
            load_credentials(closed)[0].verify(token)


def test_with_kafka_a_token_that_would_be_invalid_is_not_printed(operator: Path, pod: Settings) -> None:
    """It is wrong usage, unless `--dev-tokens` says that services accept it."""
    make_embedded_secrets(operator)
    arguments = ["token", "--secrets", str(operator), "--org", "acme", "--user", "u", "--role", "viewer"]
    kafka = ["--log-url", "kafka://k:9092/t"]

    refused = CliRunner().invoke(crewkit_sessions, [*arguments, *kafka])
    printed = CliRunner().invoke(crewkit_sessions, [*arguments, *kafka, "--dev-tokens"])

    assert (refused.exit_code, refused.stdout, printed.exit_code) == (2, "", 0)
    assert "--dev-tokens" in refused.stderr
