"""The settings of Kafka's clients, put together: which topic, and who we are there."""

from pathlib import Path
from typing import cast, get_args

from deploy.log_url import KafkaAddress
from deploy.secret_files import read_secret
from deploy.settings import BadSettings, Settings
from ingest.kafka_log import KafkaTopic
from schemas.kafka_security import KafkaSecurity, Mechanism, Protocol

_LATER = ("tls", "sasl_tls")


def kafka_topic(settings: Settings, address: KafkaAddress) -> KafkaTopic:
    """The topic at ``address``, as this installation reaches it.

    Raises:
        BadSettings: a setting of Kafka's clients is missing or wrong, or others can read the password.
    """
    return KafkaTopic(address.bootstrap, address.topic, settings.partitions, kafka_security(settings))


def kafka_security(settings: Settings) -> KafkaSecurity:
    """Who we are at the broker; raises as `kafka_topic` does."""
    protocol, mechanism = settings.kafka_security, settings.kafka_sasl_mechanism
    if protocol in _LATER:
        raise BadSettings(f"kafka_security: {protocol} is not there yet; plaintext and sasl_plaintext are")
    if protocol not in get_args(Protocol):
        raise BadSettings(f"kafka_security: {protocol} is none of plaintext, sasl_plaintext")
    if mechanism not in get_args(Mechanism):
        raise BadSettings(f"kafka_sasl_mechanism: {mechanism} is none of {', '.join(get_args(Mechanism))}")
    if protocol == "plaintext":
        if settings.kafka_user or settings.kafka_password_file:
            raise BadSettings("kafka_user is of no use while kafka_security is plaintext: set it to sasl_plaintext")
        return KafkaSecurity()
    if not (settings.kafka_user and settings.kafka_password_file):
        raise BadSettings("kafka_security: sasl_plaintext needs kafka_user and kafka_password_file")
    password = _password(Path(settings.kafka_password_file))
    return KafkaSecurity("sasl_plaintext", cast(Mechanism, mechanism), settings.kafka_user, password)


def _password(file: Path) -> str:
    try:
        password = read_secret(file)
    except FileNotFoundError as error:
        raise BadSettings(f"kafka_password_file: there is no {file}") from error
    if not password:
        raise BadSettings(f"kafka_password_file: {file} is empty")
    return password
