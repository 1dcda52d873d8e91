"""Does the broker take our credentials? Asked apart: aiokafka's clients say only that they found no broker."""

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from ingest.errors import BrokenLog
from ingest.kafka_log.topic import KafkaTopic

_ANSWER_MS = 5_000
# ValueError: the other end does not know the password itself, so it is no broker of ours.
_REFUSED = (
    *(AuthenticationFailedError, AuthenticationMethodNotSupported, IllegalSaslStateError),
    *(SaslAuthenticationFailed, UnsupportedSaslMechanismError, ValueError),
)


async def check_credentials(topic: KafkaTopic) -> None:
    """Log in at the first broker that answers; does nothing where clients have no user.

    Raises:
        BrokenLog: it refuses us. To try again would not help, unlike with a broker that is away.
    """
    if not topic.security.has_user:
        return
    for host, port, _ in collect_hosts(topic.bootstrap):
        try:
            connection = await create_conn(host, port, request_timeout_ms=_ANSWER_MS, **topic.security.client_options())
        except _REFUSED as error:
            raise _refused(topic, f"{host}:{port}", error) from error
        except (KafkaError, OSError, TimeoutError):
            continue  # whether one answers at all is for the caller to find out
        connection.close()
        return


def _refused(topic: KafkaTopic, address: str, error: Exception) -> BrokenLog:
    return BrokenLog(
        f"{address} does not let the user {topic.security.user} in with {topic.security.mechanism} ({error}): "
        "check KAFKA_USER, KAFKA_PASSWORD_FILE and KAFKA_SASL_MECHANISM"
    )
