"""Builds the configuration of Kafka clients from the settings: topic, transport and credentials."""

import shlex
import shutil
from typing import cast, get_args

from msgspec import structs

from ingest.log.kafka import KafkaTopic
from ingest.log.kafka.token_command import TokenCommand
from runtime.settings.log_url import KafkaAddress
from runtime.settings.settings import BadSettings, Settings
from runtime.settings.tls import TlsFiles, secret_of, tls_context
from schemas.log.kafka_security import KafkaSecurity, Mechanism, Transport


def kafka_topic(settings: Settings, address: KafkaAddress) -> KafkaTopic:
    """Return the topic at ``address``, with this installation's connection settings. Raises `BadSettings`."""
    return KafkaTopic(address.bootstrap, address.topic, settings.partitions, kafka_security(settings))


def kafka_security(settings: Settings) -> KafkaSecurity:
    """Return our credentials and the trusted authorities; raise like `kafka_topic`."""
    protocol, mechanism = settings.kafka_security, settings.kafka_sasl_mechanism
    if protocol not in get_args(Transport):
        raise BadSettings(f"kafka_security: {protocol} is not one of {', '.join(get_args(Transport))}")
    if mechanism not in get_args(Mechanism):
        raise BadSettings(f"kafka_sasl_mechanism: {mechanism} is not one of {', '.join(get_args(Mechanism))}")
    has_tls, has_login = protocol in ("tls", "sasl_tls"), protocol in ("sasl_plaintext", "sasl_tls")
    login = [name for name in ("kafka_user", "kafka_password_file", "kafka_token_command") if getattr(settings, name)]
    files = TlsFiles(
        "kafka",
        settings.kafka_ca_file,
        settings.kafka_cert_file,
        settings.kafka_key_file,
        settings.kafka_key_password_file,
    )
    if not has_tls:
        _refuse_unused(protocol, files.given, "tls or sasl_tls")
    if not has_login:
        _refuse_unused(protocol, login, "sasl_tls or sasl_plaintext")
    context = tls_context(files) if has_tls else None
    bare = KafkaSecurity(cast(Transport, protocol), cast(Mechanism, mechanism), context=context, certificate=files.cert)
    return _with_login(bare, settings, login) if has_login else bare


def _refuse_unused(protocol: str, given: list[str], needed: str) -> None:
    if given:
        raise BadSettings(f"{given[0]} has no effect while kafka_security is {protocol}: set it to {needed}")


def _with_login(bare: KafkaSecurity, settings: Settings, given: list[str]) -> KafkaSecurity:
    if bare.mechanism == "OAUTHBEARER":
        if given != ["kafka_token_command"]:
            raise BadSettings("kafka_sasl_mechanism: OAUTHBEARER needs kafka_token_command, and no user or password")
        return structs.replace(bare, tokens=_token_command(settings.kafka_token_command))
    if given != ["kafka_user", "kafka_password_file"]:
        raise BadSettings(
            f"kafka_security: {bare.protocol} needs kafka_user and kafka_password_file with {bare.mechanism}; "
            "kafka_token_command is for OAUTHBEARER"
        )
    password = secret_of("kafka_password_file", settings.kafka_password_file)
    return structs.replace(bare, user=settings.kafka_user, password=password)


def _token_command(line: str) -> TokenCommand:
    try:
        command = TokenCommand(line)
        program = shlex.split(line)[0]
    except ValueError as error:
        raise BadSettings(f"kafka_token_command can't be split into words: {error}") from error
    if shutil.which(program) is None:
        raise BadSettings(f"kafka_token_command: there is no executable program {program}")
    return command
