"""The prices in the log of an installation: `store.price_log.PriceLog` over the embedded log, and over Kafka."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from ingest.log.kafka import InstalledTopic, KafkaEventLog, KafkaLogReader, KafkaTopic
from ingest.log.kafka.by_key import records_of_key as in_kafka
from ingest.log.kafka.creation import outages_explained
from ingest.log.kafka.installation import read_record
from ingest.log.port import EventLog
from ingest.log.sqlite.offline import has_records
from ingest.log.sqlite.offline import records_of_key as in_sqlite
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from runtime.kafka_settings import kafka_topic
from runtime.log_url import KafkaAddress, parse_log_url
from runtime.settings import Settings
from schemas.log.codec import Undecodable, decode_value, encode
from schemas.log.position import LogRecord
from schemas.log.records import PRICES_ID, PricesLoaded
from schemas.log.topics import record_key
from store.price_log import PriceLog

KEY = record_key(PRICES_ID)


def open_price_log(settings: Settings) -> PriceLog:
    """Return the prices in the log that the settings name.

    Raises:
        BadSettings: the log's URL, or a setting of Kafka's clients, is wrong.
    """
    address = parse_log_url(settings.log)
    if isinstance(address, KafkaAddress):
        return KafkaPriceLog(kafka_topic(settings, address))
    return SqlitePriceLog(address.path)


class SqlitePriceLog:
    """`PriceLog` over the file of an embedded log that no process has open."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def exists(self) -> bool:
        """Return whether there is a file."""
        return self._path.exists()

    def is_empty(self) -> bool:
        """Return whether the file is missing or has no record."""
        return not has_records(self._path)

    def loads(self) -> Sequence[PricesLoaded]:
        """Return the records of all loads, in log order."""
        return _decoded(in_sqlite(self._path, KEY))

    def append(self, records: Iterable[PricesLoaded]) -> None:
        """Commit records, in order; create the file if it is missing."""
        asyncio.run(_append(SqliteEventLog(self._path), records))


class KafkaPriceLog:
    """`PriceLog` over the topic of an installation."""

    def __init__(self, configured: KafkaTopic) -> None:
        self._configured = configured

    def exists(self) -> bool:
        """Return whether the installation was recorded beside the topic."""
        with outages_explained(self._configured):
            return asyncio.run(read_record(self._configured, patience_s=0)) is not None

    def is_empty(self) -> bool:
        """Return whether no partition has a record."""
        return asyncio.run(self._is_empty())

    def loads(self) -> Sequence[PricesLoaded]:
        """Return the records of all loads, in log order: their partition is read as a whole."""
        return _decoded(asyncio.run(self._loads()))

    def append(self, records: Iterable[PricesLoaded]) -> None:
        """Append records, in order, each after the one before is acknowledged."""
        asyncio.run(_append(KafkaEventLog(self._configured, find=InstalledTopic(None)), records))

    async def _is_empty(self) -> bool:
        reader = KafkaLogReader(await self._topic())
        try:
            return not any(await reader.ends())
        finally:
            await reader.stop()

    async def _loads(self) -> list[LogRecord]:
        return await in_kafka(await self._topic(), KEY)

    async def _topic(self) -> KafkaTopic:
        """Return the topic as it was recorded. Only a search of prices needs the right to read it."""
        with outages_explained(self._configured):
            return await InstalledTopic(None)(self._configured)


async def _append(log: EventLog, records: Iterable[PricesLoaded]) -> None:
    await log.start()
    try:
        for record in records:
            await log.append(KEY, encode(record))
    finally:
        await log.stop()


def _decoded(found: Iterable[LogRecord]) -> list[PricesLoaded]:
    """Return the loads among the records of their key; what can't be projected is a dead letter, and no price."""
    loads: list[PricesLoaded] = []
    for record in found:
        try:
            decoded = decode_value(record.value)
        except Undecodable:
            continue
        if isinstance(decoded, PricesLoaded):
            loads.append(decoded)
    return loads
