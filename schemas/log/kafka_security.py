"""How Kafka clients authenticate themselves and the broker: the same for every client of this installation."""

import ssl
from typing import Any, Literal, Protocol

from msgspec import Struct

Transport = Literal["plaintext", "tls", "sasl_plaintext", "sasl_tls"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER"]
_WIRE: dict[Transport, str] = {"tls": "SSL", "sasl_plaintext": "SASL_PLAINTEXT", "sasl_tls": "SASL_SSL"}


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
        if self.protocol == "plaintext":
            return {}
        options: dict[str, Any] = {"security_protocol": _WIRE[self.protocol]}
        if self.has_tls:
            options["ssl_context"] = self.context
        if not self.has_user:
            return options
        options["sasl_mechanism"] = self.mechanism
        if self.tokens is not None:
            return options | {"sasl_oauth_token_provider": self.tokens}
        return options | {"sasl_plain_username": self.user, "sasl_plain_password": self.password}

    def __repr__(self) -> str:
        """Leave out the password: errors and logs may contain this text."""
        return f"KafkaSecurity({self.protocol!r}, {self.mechanism!r}, {self.user!r})"
