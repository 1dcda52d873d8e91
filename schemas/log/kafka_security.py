"""How Kafka clients authenticate themselves and the broker: the same for every client of this installation."""

import ssl
from typing import Any, Literal, Protocol

from msgspec import Struct

Transport = Literal["plaintext", "tls", "sasl_plaintext", "sasl_tls"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER"]
_WIRE: dict[Transport, str] = {
    "plaintext": "PLAINTEXT",
    "tls": "SSL",
    "sasl_plaintext": "SASL_PLAINTEXT",
    "sasl_tls": "SASL_SSL",
}


class TokenSource(Protocol):
    """A source of tokens for OAUTHBEARER."""

    async def token(self) -> str: ...


class KafkaSecurity(Struct, frozen=True):
    """``user``, ``password``, ``mechanism`` and ``tokens`` apply only with SASL, ``context`` only with TLS."""

    protocol: Transport = "plaintext"
    mechanism: Mechanism = "SCRAM-SHA-512"
    user: str = ""
    password: str = ""
    context: ssl.SSLContext | None = None  # the trusted authorities, and the client's certificate if it has one
    tokens: TokenSource | None = None  # with OAUTHBEARER, instead of user and password
    certificate: str = ""  # the file of the client's certificate, for errors

    @property
    def has_user(self) -> bool:
        return self.protocol in ("sasl_plaintext", "sasl_tls")

    @property
    def has_tls(self) -> bool:
        return self.protocol in ("tls", "sasl_tls")

    @property
    def who(self) -> str:
        """The client, as errors name it."""
        if self.has_user:
            return "the client with the token of KAFKA_TOKEN_COMMAND" if self.tokens else f"the user {self.user}"
        return f"the client with the certificate {self.certificate}" if self.certificate else "the user ANONYMOUS"

    def client_options(self) -> dict[str, Any]:
        """Return the keyword arguments for any client of aiokafka."""
        return self._transport_options() | self._login_options()

    def _transport_options(self) -> dict[str, Any]:
        if self.protocol == "plaintext":
            return {}
        way = {"security_protocol": _WIRE[self.protocol]}
        return way | {"ssl_context": self.context} if self.has_tls else way

    def _login_options(self) -> dict[str, Any]:
        if not self.has_user:
            return {}
        if self.tokens is not None:
            return {"sasl_mechanism": self.mechanism, "sasl_oauth_token_provider": self.tokens}
        return {
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.user,
            "sasl_plain_password": self.password,
        }

    def __repr__(self) -> str:
        """Leave out the password: errors and logs may contain this text."""
        return f"KafkaSecurity({self.protocol!r}, {self.mechanism!r}, {self.user!r})"
