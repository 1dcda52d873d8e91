"""`LOG_URL`: where the log is. ``sqlite:///file`` or ``kafka://host:port,host:port/topic``."""

from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from deploy.settings import BadSettings
from schemas.topics import TOPIC


class SqliteAddress(Struct, frozen=True):
    """One file, one partition."""

    path: Path


class KafkaAddress(Struct, frozen=True):
    """``bootstrap`` is a comma-separated list of host:port."""

    bootstrap: str
    topic: str


def parse_log_url(url: str) -> SqliteAddress | KafkaAddress:
    """Read a log URL.

    Raises:
        BadSettings: with what is wrong and an example.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and not parts.netloc and parts.path not in ("", "/"):
        return SqliteAddress(Path(parts.path))
    if parts.scheme == "kafka" and parts.netloc and "@" not in parts.netloc:
        return KafkaAddress(parts.netloc, parts.path.strip("/") or TOPIC)
    raise BadSettings("LOG_URL is sqlite:///absolute/file or kafka://host:port,host:port/topic")
