"""Who may connect to the broker of `stack`: only our own processes. Both listeners use SASL.

With SCRAM, clients and broker prove to each other that they know the password: a program that takes the broker's port
while it is down learns nothing. The credentials are part of the metadata, which the controller can read only once it is
running. So its listener uses PLAIN; the only client that connects there is the same process.
"""

import hashlib

import msgspec

from runtime.settings.stack_folder import KAFKA_MECHANISM, KAFKA_USER

CONTROLLER_USER = "controller"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


class BrokerUsers(msgspec.Struct, frozen=True, kw_only=True):
    """The passwords: letters and digits, so that they need no quoting."""

    password: str  # of all clients
    controller_password: str  # of the broker, at its controller

    @property
    def digest(self) -> str:
        """Identifies the password in the metadata; 256 random bits can't be guessed from a digest."""
        return hashlib.sha256(self.password.encode()).hexdigest()


def sasl_properties(users: BrokerUsers) -> dict[str, str]:
    """Return the lines of `server.properties` for both listeners."""
    return {
        "listener.security.protocol.map": "CLIENTS:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "sasl.mechanism.inter.broker.protocol": KAFKA_MECHANISM,
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.clients.sasl.enabled.mechanisms": KAFKA_MECHANISM,
        f"listener.name.clients.{KAFKA_MECHANISM.lower()}.sasl.jaas.config": _login(_SCRAM, KAFKA_USER, users.password),
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": _knows_controller(users),
    }


def hidden_properties(users: BrokerUsers) -> dict[str, str]:
    """Return the same for a broker whose client password is being replaced: the controller's user may connect."""
    return sasl_properties(users) | {
        "listener.name.clients.sasl.enabled.mechanisms": f"{KAFKA_MECHANISM},PLAIN",
        "listener.name.clients.plain.sasl.jaas.config": _knows_controller(users),
    }


def controller_login(users: BrokerUsers) -> dict[str, str]:
    """Return the settings of a Kafka tool that connects to such a broker."""
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": _login(_PLAIN, CONTROLLER_USER, users.controller_password),
    }


def _knows_controller(users: BrokerUsers) -> str:
    password = users.controller_password
    return _login(_PLAIN, CONTROLLER_USER, password, f' user_{CONTROLLER_USER}="{password}"')


def _login(module: str, user: str, password: str, more: str = "") -> str:
    return f'{module} required username="{user}" password="{password}"{more};'
