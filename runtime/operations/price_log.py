"""The prices in an installation's log: `prices.log.PriceLog` over the embedded log."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from ingest.log.port import EventLog
from ingest.log.sqlite.offline import has_records, records_of_key
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from prices.log import PriceLog
from runtime.settings.log_url import KafkaAddress, parse_log_url
from runtime.settings.settings import Settings
from schemas.log.codec import Undecodable, decode_value, encode
from schemas.log.position import LogRecord
from schemas.log.records import PRICES_ID, PricesLoaded
from schemas.log.topics import record_key

KEY = record_key(PRICES_ID)


def open_price_log(settings: Settings) -> PriceLog:
    """Return the prices in the log that the settings name. Raises `BadSettings`."""
    address = parse_log_url(settings.log)
    if isinstance(address, KafkaAddress):
        from runtime.operations.kafka_price_log import (
            KafkaPriceLog,  # imported here: the embedded log needs no Kafka client
        )
        from runtime.settings.kafka_settings import kafka_topic

        return KafkaPriceLog(kafka_topic(settings, address))
    return SqlitePriceLog(address.path)


class SqlitePriceLog:
    """`PriceLog` over the file of an embedded log. No process may have the log open."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def exists(self) -> bool:
        """Return whether the file exists."""
        return self._path.exists()

    def is_empty(self) -> bool:
        """Return whether the file is missing or has no records."""
        return not has_records(self._path)

    def loads(self) -> Sequence[PricesLoaded]:
        """Return the records of all loads, in log order."""
        return decoded(records_of_key(self._path, KEY))

    def append(self, records: Iterable[PricesLoaded]) -> None:
        """Commit records in order; create the file if it is missing."""
        asyncio.run(append_all(SqliteEventLog(self._path), records))


async def append_all(log: EventLog, records: Iterable[PricesLoaded]) -> None:
    """Append records to a log that is not running, in order."""
    await log.start()
    try:
        for record in records:
            await log.append(KEY, encode(record))
    finally:
        await log.stop()


def decoded(found: Iterable[LogRecord]) -> list[PricesLoaded]:
    """Return the price loads among records with their key; one that can't be projected is a dead letter."""
    loads: list[PricesLoaded] = []
    for record in found:
        try:
            decoded = decode_value(record.value)
        except Undecodable:
            continue
        if isinstance(decoded, PricesLoaded):
            loads.append(decoded)
    return loads
