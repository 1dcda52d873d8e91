"""How our processes log in to Kafka, according to the settings."""

import ssl
from pathlib import Path

import pytest

from ingest.log.atomic_write import write_whole
from runtime.settings.kafka_settings import kafka_security
from runtime.settings.settings import BadSettings, Settings
from schemas.log.kafka_security import KafkaSecurity
from tests.support.rigs.certificates import Authority


def settings(folder: Path, **given: str) -> Settings:
    """Return complete settings with these changes."""
    file = folder / "password"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    complete = {"kafka_security": "sasl_plaintext", "kafka_user": "us", "kafka_password_file": str(file)}
    return Settings(**(complete | given))


def test_the_password_comes_from_its_file(tmp_path: Path) -> None:
    """The trailing newline is dropped; the mechanism is the strongest one unless another is set."""
    security = kafka_security(settings(tmp_path))

    assert security == KafkaSecurity("sasl_plaintext", "SCRAM-SHA-512", "us", "s3cret")
    assert security.client_options() == {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "us",
        "sasl_plain_password": "s3cret",
    }
    assert "s3cret" not in repr(security)
    assert kafka_security(settings(tmp_path, kafka_sasl_mechanism="PLAIN")).mechanism == "PLAIN"


def test_without_settings_nothing_is_proved() -> None:
    """The connection is plain text and without a login, as before these settings existed."""
    assert kafka_security(Settings()).client_options() == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kafka_security": "SSL"}, "not one of plaintext, tls, sasl_plaintext, sasl_tls"),
        ({"kafka_sasl_mechanism": "GSSAPI"}, "not one of SCRAM-SHA-512, SCRAM-SHA-256, PLAIN, OAUTHBEARER"),
        ({"kafka_user": ""}, "needs kafka_user and kafka_password_file"),
        ({"kafka_password_file": ""}, "needs kafka_user and kafka_password_file"),
        ({"kafka_password_file": "/nowhere"}, "/nowhere does not exist"),
        ({"kafka_password_file": "/dev/null"}, "/dev/null"),
        ({"kafka_security": "plaintext"}, "kafka_user has no effect .* set it to sasl_tls or sasl_plaintext"),
        ({"kafka_security": "tls"}, "kafka_user has no effect .* set it to sasl_tls or sasl_plaintext"),
        ({"kafka_ca_file": "/ca"}, "kafka_ca_file has no effect .* set it to tls or sasl_tls"),
        ({"kafka_key_password_file": "/x"}, "kafka_key_password_file has no effect"),
        ({"kafka_security": "sasl_tls", "kafka_ca_file": "/nowhere"}, "kafka_ca_file: /nowhere does not exist"),
        ({"kafka_security": "sasl_tls", "kafka_key_file": "/nowhere"}, "kafka_key_file needs kafka_cert_file"),
        ({"kafka_token_command": "print"}, "kafka_token_command is for OAUTHBEARER"),
        ({"kafka_sasl_mechanism": "OAUTHBEARER"}, "needs kafka_token_command, and no user or password"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, given: dict[str, str], said: str) -> None:
    """The message is a sentence that names the setting."""
    with pytest.raises(BadSettings, match=said):
        kafka_security(settings(tmp_path, **given))


@pytest.mark.parametrize(
    ("command", "said"),
    [("no-such-program --x", "there is no executable program no-such-program"), ("'open", "split"), (" ", "no word")],
)
def test_a_token_command_that_can_not_run_is_refused(command: str, said: str) -> None:
    """The refusal comes before anything starts."""
    given = Settings(kafka_security="sasl_tls", kafka_sasl_mechanism="OAUTHBEARER", kafka_token_command=command)

    with pytest.raises(BadSettings, match=f"kafka_token_command.*{said}"):
        kafka_security(given)


def test_tls_checks_certificate_and_name(tmp_path: Path) -> None:
    """TLS 1.2 is the minimum; our certificate may share a file with its key or not, and the key may be encrypted."""
    authority = Authority(tmp_path, "ca")
    locked, open_ = authority.sign("us", password="opened-by-this"), authority.sign("us")
    secret = tmp_path / "key-password"
    write_whole(secret, "opened-by-this\n")
    ways = (
        {"kafka_cert_file": str(open_.both)},
        {"kafka_cert_file": str(open_.cert), "kafka_key_file": str(open_.key)},
        {
            "kafka_cert_file": str(locked.cert),
            "kafka_key_file": str(locked.key),
            "kafka_key_password_file": str(secret),
        },
    )
    for way in ways:
        security = kafka_security(Settings(kafka_security="tls", kafka_ca_file=str(authority.file), **way))

        assert security.client_options() == {"security_protocol": "SSL", "ssl_context": security.context}
        context = security.context
        assert context is not None
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        assert [cert["subject"] for cert in context.get_ca_certs()] == [((("commonName", "ca"),),)]
        assert way["kafka_cert_file"] in security.who


def test_files_of_tls_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """A file that isn't a certificate, another certificate's key, a readable key, an encrypted key without password."""
    authority = Authority(tmp_path, "ca")
    ours, other, locked = authority.sign("us"), authority.sign("other"), authority.sign("us", password="x" * 8)
    cases = {
        "kafka_ca_file: .* contains no PEM certificates": {"kafka_ca_file": str(ours.key)},
        "kafka_key_file: .* is not the private key of": {
            "kafka_cert_file": str(ours.cert),
            "kafka_key_file": str(other.key),
        },
        "kafka_cert_file: .* is not the private key of": {"kafka_cert_file": str(ours.cert)},
        "or its password is wrong": {"kafka_cert_file": str(locked.cert), "kafka_key_file": str(locked.key)},
    }
    for said, given in cases.items():
        with pytest.raises(BadSettings, match=said):
            kafka_security(Settings(kafka_security="tls", **given))

    ours.key.chmod(0o644)
    with pytest.raises(BadSettings, match=f"chmod 600 {ours.key}"):
        kafka_security(Settings(kafka_security="tls", kafka_cert_file=str(ours.cert), kafka_key_file=str(ours.key)))


def test_a_password_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """The rule is the same as for every secret."""
    given = settings(tmp_path)
    (tmp_path / "password").chmod(0o644)

    with pytest.raises(BadSettings, match=f"chmod 600 {tmp_path}/password"):
        kafka_security(given)
