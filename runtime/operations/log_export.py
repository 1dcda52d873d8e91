"""Open the log that the settings name, for `log read` and `log export`. In a stack's data folder it is the stack's."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID

from ingest.log.archive.export import Exported, export_log
from ingest.log.archive.manifest import Source
from ingest.log.archive.meter import Meter
from ingest.log.archive.place import Place
from ingest.log.archive.read_all import read_all
from ingest.log.by_key import records_of_key
from ingest.log.kafka import InstalledTopic
from ingest.log.kafka.creation import find_topic
from ingest.log.sqlite.sqlite_log import SqliteLogReader
from ingest.log.tiered import TopicReader
from runtime.operations.provision_store import EMBEDDED_PARTITIONS
from runtime.settings.kafka_settings import kafka_topic
from runtime.settings.log_reader import kafka_reader
from runtime.settings.log_url import KafkaAddress, parse_log_url
from runtime.settings.secrets import own_secrets
from runtime.settings.settings import Settings
from schemas.installation import OwnSecrets
from schemas.log.position import LogReader, LogRecord, Position
from schemas.log.topics import TOPIC, partition_of, record_key
from schemas.times import instant

Show = Callable[[LogRecord], None]


class NotInLog(Exception):
    """The log has no such record."""


class Opened(NamedTuple):
    """An open log: its topic's name (for an embedded log, the default name) and its partition count."""

    reader: LogReader
    topic: str
    partitions: int


@asynccontextmanager
async def open_log(settings: Settings, own: OwnSecrets | None = None) -> AsyncIterator[Opened]:
    """Open the log; with ``own``, compare its installation's secrets. Raises `BrokenLog`, `LogUnavailable`."""
    address = parse_log_url(settings.log)
    reader: SqliteLogReader | TopicReader
    if isinstance(address, KafkaAddress):
        installed = InstalledTopic(own, warns=False)
        topic = await find_topic(kafka_topic(settings, address), installed)
        reader = kafka_reader(settings, topic, installed.record.secrets)
        opened = Opened(reader, topic.name, topic.partitions)
    else:
        reader = SqliteLogReader(address.path)
        opened = Opened(reader, TOPIC, EMBEDDED_PARTITIONS)
    try:
        yield opened
    finally:
        await reader.stop()


async def export(settings: Settings, place: Place, meter: Meter) -> Exported:
    """Export the records that the place lacks. Raises as `export_log` and `open_log` do."""
    own = own_secrets(settings.secrets_folder)
    async with open_log(settings, own) as log:
        source = Source(log.topic, log.partitions, own.fingerprint)
        return await export_log(log.reader, source, place, meter, utc_now)


async def show_from(settings: Settings, at: Position, count: int, show: Show) -> None:
    """Show ``count`` records from a position on, or as many as there are. Raises `NotInLog` if there is none."""
    async with open_log(settings) as log:
        if at.partition >= log.partitions:
            raise NotInLog(f"the log has no record at {at}: its partitions are 0 to {log.partitions - 1}")
        end = (await log.reader.ends())[at.partition]
        if at.offset >= end:
            held = f"the last record of partition {at.partition} is at {Position(at.partition, end - 1)}"
            raise NotInLog(f"the log has no record at {at}: {held if end else f'partition {at.partition} is empty'}")
        async for record in read_all(log.reader, at.partition, at.offset, min(end, at.offset + count)):
            show(record)


async def show_session(settings: Settings, session_id: UUID, meter: Meter, show: Show) -> None:
    """Show all records of a session. Raises `NotInLog` if there is none."""
    key, found = record_key(session_id), 0
    async with open_log(settings) as log:
        async for record in records_of_key(log.reader, log.partitions, key, meter):
            show(record)
            found += 1
        if not found:
            partition = partition_of(key, log.partitions)
            end = (await log.reader.ends())[partition]
            raise NotInLog(f"none of the {end:,} records of partition {partition} belongs to session {session_id}")


def utc_now() -> str:
    """Return the current time in UTC as text."""
    return instant(time.time_ns() // 1_000_000)
