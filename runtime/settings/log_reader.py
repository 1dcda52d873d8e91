"""What reads a log in Kafka: the topic alone, or the topic and its archive if `ARCHIVE_URL` names one."""

from pathlib import Path

from ingest.log.archive.cold import ColdLog
from ingest.log.archive.folder import Folder
from ingest.log.archive.manifest import Source
from ingest.log.archive.place import Place
from ingest.log.archive.places import place_at
from ingest.log.archive.refusals import Refused
from ingest.log.kafka import KafkaLogReader, KafkaTopic
from ingest.log.tiered import TieredLogReader, TopicReader
from runtime.settings.settings import BadSettings, Settings
from runtime.settings.url_parts import split

_FORMS = "file:///absolute/folder or s3://bucket/prefix"


def archive_place(settings: Settings) -> Place | None:
    """Return where the archive is; None if there is none. Raises `BadSettings`."""
    if not settings.archive_url:
        return None
    parts = split("ARCHIVE_URL", settings.archive_url, _FORMS)
    if parts.scheme == "s3":
        return _bucket(settings.archive_url)
    if parts.scheme != "file" or parts.netloc or parts.path in ("", "/"):
        raise BadSettings(f"ARCHIVE_URL must be {_FORMS}")
    return Folder(Path(parts.path))


def _bucket(address: str) -> Place:
    try:
        return place_at(address)
    except Refused as error:
        raise BadSettings(f"ARCHIVE_URL: {error}") from error


def kafka_reader(settings: Settings, topic: KafkaTopic, secrets: str) -> TopicReader:
    """Return a reader of the log; ``secrets`` is the fingerprint of the installation. Raises `BadSettings`."""
    reader, place = KafkaLogReader(topic), archive_place(settings)
    if place is None:
        return reader
    return TieredLogReader(reader, ColdLog(place, Source(topic.name, topic.partitions, secrets)))
