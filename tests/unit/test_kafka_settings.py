"""Who we are at Kafka, by the settings."""

from pathlib import Path

import pytest

from deploy.kafka_settings import kafka_security
from deploy.settings import BadSettings, Settings
from schemas.kafka_security import KafkaSecurity


def settings(folder: Path, **given: str) -> Settings:
    """Complete, but for what is given."""
    file = folder / "password"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    complete = {"kafka_security": "sasl_plaintext", "kafka_user": "us", "kafka_password_file": str(file)}
    return Settings(**(complete | given))


def test_the_password_comes_from_its_file(tmp_path: Path) -> None:
    """Without the end of the line; the mechanism is the strongest unless another is set."""
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
    """As before there were any."""
    assert kafka_security(Settings()).client_options() == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kafka_security": "tls"}, "tls is not there yet"),
        ({"kafka_security": "sasl_tls"}, "sasl_tls is not there yet"),
        ({"kafka_security": "SSL"}, "none of plaintext, sasl_plaintext"),
        ({"kafka_sasl_mechanism": "GSSAPI"}, "none of SCRAM-SHA-512, SCRAM-SHA-256, PLAIN"),
        ({"kafka_user": ""}, "needs kafka_user and kafka_password_file"),
        ({"kafka_password_file": ""}, "needs kafka_user and kafka_password_file"),
        ({"kafka_password_file": "/nowhere"}, "there is no /nowhere"),
        ({"kafka_password_file": "/dev/null"}, "/dev/null"),
        ({"kafka_security": "plaintext"}, "set it to sasl_plaintext"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, given: dict[str, str], said: str) -> None:
    """In a sentence that names the setting."""
    with pytest.raises(BadSettings, match=said):
        kafka_security(settings(tmp_path, **given))


def test_a_password_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """As every secret."""
    given = settings(tmp_path)
    (tmp_path / "password").chmod(0o644)

    with pytest.raises(BadSettings, match=f"chmod 600 {tmp_path}/password"):
        kafka_security(given)
