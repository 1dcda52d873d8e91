"""Parses `LOG_URL`, the address of the log: ``sqlite:///file`` or ``kafka://host:port,host:port/topic``."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from runtime.settings.settings import BadSettings, Settings
from runtime.settings.url_parts import port_of, query_of, refuse, split
from schemas.log.topics import TOPIC

_FORMS = "sqlite:///absolute/file or kafka://host:port,host:port/topic"
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")  # the names that Kafka accepts
_PORT = 9092


class SqliteAddress(Struct, frozen=True):
    """A log in one file, with one partition."""

    path: Path


class KafkaAddress(Struct, frozen=True):
    """A log in Kafka; ``bootstrap`` is a comma-separated list of host:port."""

    bootstrap: str
    topic: str


def parse_log_url(url: str) -> SqliteAddress | KafkaAddress:
    """Parse a log URL. Raises `BadSettings`: the URL is wrong; the message names the part and gives an example."""
    parts = split("LOG_URL", url, _FORMS)
    query_of("LOG_URL", parts, (), _FORMS)
    if parts.scheme == "sqlite" and not parts.netloc and parts.path not in ("", "/"):
        return SqliteAddress(Path(parts.path))
    if parts.scheme != "kafka" or not parts.netloc:
        raise BadSettings(f"LOG_URL must be {_FORMS}")
    if "@" in parts.netloc:
        raise refuse("LOG_URL", "set the user in KAFKA_USER and KAFKA_PASSWORD_FILE, not in the URL", _FORMS)
    for address in parts.netloc.split(","):
        host = urlsplit(f"kafka://{address}")
        if not host.hostname:
            raise refuse("LOG_URL", "an address between two commas has no host", _FORMS)
        port_of("LOG_URL", host, _PORT)
    topic = parts.path.strip("/")
    if topic and not _TOPIC.fullmatch(topic):
        raise refuse("LOG_URL", f"{topic!r} is not a topic name: only letters, digits, dots, - and _", _FORMS)
    return KafkaAddress(parts.netloc, topic or TOPIC)


def embedded_log(settings: Settings) -> Path:
    """Return the file of `up`'s log. Raises `BadSettings`: the settings name a log in Kafka."""
    address = parse_log_url(settings.log)
    if not isinstance(address, SqliteAddress):
        raise BadSettings("log_url: `up` keeps its log in a file; for Kafka, run ingest, query-api and processors")
    return address.path
