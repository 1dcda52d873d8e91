"""Checks whether the broker accepts this client's credentials, because aiokafka's clients only report "no broker".

A mistake in credentials, certificates or rights becomes one sentence that names the settings to check. Anything else
is an outage, which the caller handles.
"""

import asyncio
from collections.abc import Sequence
from contextlib import closing, suppress
from socket import gaierror
from typing import Any

from aiokafka import errors
from aiokafka.conn import AIOKafkaConnection, OAuthAuthenticator, collect_hosts, create_conn
from aiokafka.protocol.admin import SaslHandShakeRequest

from ingest.log.broken import BrokenLog
from ingest.log.kafka.rights import Node, Right, check_rights
from ingest.log.kafka.token_command import TokenFailed
from ingest.log.kafka.topic import KafkaTopic
from store.tls_errors import speaks_tls, tls_failure, tls_refusal

_ANSWER_MS = 5_000
_PROBE_MS = 2_000
# ValueError: the other end does not know the password, so it is not the expected broker.
_REFUSED = (
    *(errors.AuthenticationFailedError, errors.AuthenticationMethodNotSupported, errors.IllegalSaslStateError),
    *(errors.SaslAuthenticationFailed, errors.UnsupportedSaslMechanismError, ValueError),
)
_FAILED = (errors.KafkaError, OSError, TimeoutError, ValueError)
_NOT_THERE = (ConnectionRefusedError, gaierror, TimeoutError)


async def check_credentials(topic: KafkaTopic, needed: Sequence[Right] = (), *, all_brokers: bool = True) -> None:
    """Log in at the first broker that answers, and check the ``needed`` rights on the topic.

    With ``all_brokers``, also check the certificates of all others, which takes 2 s for an unreachable one. Raises
    `TokenFailed`, or `BrokenLog` if the broker refuses this client or the client the broker: a retry would not help.
    """
    for host, port, _ in collect_hosts(topic.bootstrap):
        try:
            with closing(await _connect(Node(host, port), _ANSWER_MS, topic)) as connection:
                brokers = await check_rights(connection, topic.security, topic.name, needed)
        except _FAILED as error:
            await _explain(topic, Node(host, port), error)
            continue  # the caller finds out whether any broker answers
        if topic.security.has_tls and all_brokers:
            await asyncio.gather(*[_check_certificate(topic, broker) for broker in brokers])
        return


async def _connect(node: Node, within_ms: int, topic: KafkaTopic) -> Any:
    connection = _Connection(*node, request_timeout_ms=within_ms, **topic.security.client_options())
    await connection.connect()
    return connection


async def _check_certificate(topic: KafkaTopic, node: Node) -> None:
    """Check one broker's certificate: clients connect to the names that brokers advertise, and would retry forever."""
    try:
        (await _connect(node, _PROBE_MS, topic)).close()
    except _FAILED as error:
        if said := tls_refusal(error, str(node), "KAFKA"):
            raise BrokenLog(f"{said} (advertised.listeners)") from error


async def _explain(topic: KafkaTopic, node: Node, error: Exception) -> None:
    """Raise `BrokenLog` if the failure isn't an outage but a mismatch between the two ends."""
    if isinstance(error, TokenFailed):
        raise error
    if said := tls_refusal(error, str(node), "KAFKA"):
        raise BrokenLog(said) from error
    if isinstance(error, _REFUSED):
        raise _refused(topic, node, error) from error
    if not isinstance(error, _NOT_THERE) and (said := await _other_way(topic, node)):
        raise BrokenLog(said) from error


async def _other_way(topic: KafkaTopic, node: Node) -> str | None:
    """Explain a connection that was closed without a message; None if the other end is unreachable."""
    if topic.security.context is not None:
        failure = await asyncio.to_thread(tls_failure, *node, topic.security.context)
        if failure and (said := tls_refusal(failure, str(node), "KAFKA")):
            return said
        with suppress(*_FAILED):
            (await create_conn(*node, request_timeout_ms=_PROBE_MS)).close()
            return f"{node} does not speak TLS: check the port and KAFKA_SECURITY"
    elif await asyncio.to_thread(speaks_tls, *node):
        return f"{node} speaks only TLS: set KAFKA_SECURITY to tls or sasl_tls"
    if not topic.security.has_user:
        with suppress(*_FAILED), closing(await _connect(node, _PROBE_MS, topic)) as connection:
            answer = await connection.send(SaslHandShakeRequest("PLAIN"))
            # A listener that requires no log-in refuses the handshake as an illegal state.
            if answer.error_code != errors.IllegalSaslStateError.errno:
                return f"{node} requires a log-in: set KAFKA_SECURITY to sasl_tls or sasl_plaintext, and KAFKA_USER"
    return None


class _Connection(AIOKafkaConnection):  # type: ignore[misc]  # aiokafka has no types
    """A connection that notices a refused token: aiokafka reads the broker's reason as success."""

    def close(self, reason: Any = None, exc: Exception | None = None) -> Any:
        """Close, and take the error from the stream, too: otherwise asyncio may log it with its traceback."""
        if exc is not None and self._writer is not None:
            asyncio.gather(self._writer.wait_closed(), return_exceptions=True)
        return super().close(reason, exc)

    def authenticator_oauth(self) -> Any:
        return _OAuthAuthenticator(sasl_oauth_token_provider=self._sasl_oauth_token_provider)


class _OAuthAuthenticator(OAuthAuthenticator):  # type: ignore[misc]  # as above
    async def step(self, payload: bytes | None) -> Any:
        if payload:
            raise errors.SaslAuthenticationFailed(payload.decode(errors="replace"))
        return await super().step(payload)


def _refused(topic: KafkaTopic, node: Node, error: Exception) -> BrokenLog:
    settings = "KAFKA_TOKEN_COMMAND" if topic.security.tokens else "KAFKA_USER, KAFKA_PASSWORD_FILE"
    if isinstance(error, errors.IllegalSaslStateError):
        reason, settings = "it does not ask for a log-in", "KAFKA_SECURITY, and " + settings
    else:
        reason = str(error.args[0]) if error.args else type(error).__name__
    return BrokenLog(
        f"{node} does not let {topic.security.who} in with {topic.security.mechanism} ({reason}): "
        f"check {settings} and KAFKA_SASL_MECHANISM"
    )
