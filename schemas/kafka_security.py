"""How a client of Kafka proves who it is: the same for each of them, whoever makes it."""

from typing import Any, Literal

from msgspec import Struct

Protocol = Literal["plaintext", "sasl_plaintext"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


class KafkaSecurity(Struct, frozen=True):
    """``user``, ``password`` and ``mechanism`` count with ``sasl_plaintext`` alone."""

    protocol: Protocol = "plaintext"
    mechanism: Mechanism = "SCRAM-SHA-512"
    user: str = ""
    password: str = ""

    @property
    def has_user(self) -> bool:
        """Whether clients say who they are."""
        return self.protocol == "sasl_plaintext"

    def client_options(self) -> dict[str, Any]:
        """The keywords that every client of aiokafka takes for this."""
        if not self.has_user:
            return {}
        return {
            "security_protocol": self.protocol.upper(),
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.user,
            "sasl_plain_password": self.password,
        }

    def __repr__(self) -> str:
        """Without the password: topics are shown in errors and logs."""
        return f"KafkaSecurity({self.protocol!r}, {self.mechanism!r}, {self.user!r})"
