"""The data folder of `stack`: where its Kafka and its store listen, and the settings to reach them.

The commands that work beside a running stack read them here; `devstack` chooses the ports.
"""

from pathlib import Path

import msgspec

from ingest.log.atomic_write import write_whole
from runtime.settings.secrets import read_or_make_secret
from runtime.settings.settings import Settings
from schemas.log.kafka_security import KafkaSecurity, Mechanism
from schemas.log.topics import TOPIC

LOCAL = "127.0.0.1"
STORE_USER = "crewkit"
KAFKA_USER = "crewkit"
KAFKA_MECHANISM: Mechanism = "SCRAM-SHA-512"
STORE_PASSWORD, KAFKA_PASSWORD = "store-password", "kafka-password"  # names of secrets


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """The internal ports, all on 127.0.0.1; chosen once for a data directory."""

    kafka: int
    controller: int
    store: int
    keeper: int = 0  # its metrics; 0: not chosen yet
    metrics: dict[str, tuple[int, ...]] = {}  # of each projector, by generation


def load_ports(data: Path) -> Ports | None:
    """Return the ports in DIR/run/stack.json, or None if there is no stack."""
    file = _ports_file(data)
    return msgspec.json.decode(file.read_bytes(), type=Ports) if file.exists() else None


def save_ports(data: Path, ports: Ports) -> Ports:
    """Write the ports, which Kafka and the store keep across restarts."""
    write_whole(_ports_file(data), msgspec.json.encode(ports).decode())
    return ports


def secret_file(data: Path, name: str) -> Path:
    return data / "secrets" / name


def kafka_security(data: Path) -> KafkaSecurity:
    """Return how our processes log in at the broker; the password is created the first time."""
    password = read_or_make_secret(secret_file(data, KAFKA_PASSWORD))
    return KafkaSecurity("sasl_plaintext", KAFKA_MECHANISM, KAFKA_USER, password)


def settings_for(data: Path, ports: Ports, store_user: str, store_password: str) -> dict[str, str]:
    """Return the settings of log and store; ``store_password`` names the user's secret, which is made if missing."""
    security = kafka_security(data)
    read_or_make_secret(secret_file(data, store_password))
    return {
        "LOG_URL": f"kafka://{LOCAL}:{ports.kafka}/{TOPIC}",
        "ARCHIVE_URL": f"file://{data / 'archive'}",
        "STORE_URL": f"clickhouse://{store_user}@{LOCAL}:{ports.store}",
        "STORE_PASSWORD_FILE": str(secret_file(data, store_password)),
        "KAFKA_SECURITY": security.protocol,
        "KAFKA_SASL_MECHANISM": security.mechanism,
        "KAFKA_USER": security.user,
        "KAFKA_PASSWORD_FILE": str(secret_file(data, KAFKA_PASSWORD)),
    }


def with_stack(settings: Settings) -> Settings:
    """Return the settings; a log or a store that they do not name is that of the stack in the data folder, if any."""
    ports = load_ports(settings.folder)
    found = settings_for(settings.folder, ports, STORE_USER, STORE_PASSWORD) if ports else {}
    lower = {name.lower(): value for name, value in found.items()}
    named = {name for name in lower if (settings.store_url if name.startswith("store_") else settings.log_url)}
    return msgspec.structs.replace(settings, **{name: lower[name] for name in lower.keys() - named})


def stack_store_url(data: Path) -> str | None:
    """Return the store URL for writers of the stack in ``data``, with the password; None if there is no stack."""
    ports = load_ports(data)
    if ports is None:
        return None
    return f"clickhouse://{STORE_USER}:{read_or_make_secret(secret_file(data, STORE_PASSWORD))}@{LOCAL}:{ports.store}"


def _ports_file(data: Path) -> Path:
    return data / "run" / "stack.json"
