"""The prices in an installation's log: `prices.log.PriceLog` over the embedded log, and what Kafka's shares with it."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import structlog

from ingest.log.port import EventLog
from ingest.log.sqlite.file import PARTITION
from ingest.log.sqlite.sqlite_log import SqliteEventLog, SqliteLogReader
from prices.log import PriceLog
from runtime.settings.log_url import KafkaAddress, parse_log_url
from runtime.settings.settings import Settings
from schemas.log.codec import Undecodable, decode_value, encode
from schemas.log.position import LogReader
from schemas.log.records import PRICES_ID, PricesLoaded
from schemas.log.topics import record_key

KEY = record_key(PRICES_ID)
_SAY_EVERY = 500_000  # records
logger = structlog.get_logger()


def open_price_log(settings: Settings) -> PriceLog:
    """Return the prices in the log that the settings name. Raises `BadSettings`."""
    address = parse_log_url(settings.log)
    if isinstance(address, KafkaAddress):
        from runtime.operations.kafka_price_log import (
            KafkaPriceLog,  # imported here: the embedded log needs no Kafka client
        )
        from runtime.settings.kafka_settings import kafka_topic

        return KafkaPriceLog(settings, kafka_topic(settings, address))
    return SqlitePriceLog(address.path)


class SqlitePriceLog:
    """`PriceLog` over the file of an embedded log."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def exists(self) -> bool:
        return self._path.exists()

    def is_empty(self) -> bool:
        """Return whether the file is missing or has no records."""
        return not self.exists() or asyncio.run(has_no_records(SqliteLogReader(self._path)))

    def loads(self) -> Sequence[PricesLoaded]:
        """Return the records of all loads, in log order. The whole file is scanned, which may take seconds."""
        return asyncio.run(loads_in(SqliteLogReader(self._path), PARTITION + 1)) if self.exists() else ()

    def append(self, records: Iterable[PricesLoaded]) -> None:
        """Commit records in order; create the file if it is missing. No process may have the log open."""
        asyncio.run(append_all(SqliteEventLog(self._path), records))


class ServedPriceLog(SqlitePriceLog):
    """The same while this process serves the log. Its methods are called in threads, not in the log's event loop."""

    def __init__(self, path: Path, log: SqliteEventLog) -> None:
        super().__init__(path)
        self._log, self._loop = log, asyncio.get_running_loop()

    def append(self, records: Iterable[PricesLoaded]) -> None:
        """Commit records in order, among those of clients."""
        for record in records:
            asyncio.run_coroutine_threadsafe(self._log.append(KEY, encode(record)), self._loop).result()


class OpenReader(LogReader, Protocol):
    """A reader of a log, to be stopped after use."""

    async def stop(self) -> None: ...


async def has_no_records(reader: OpenReader) -> bool:
    """Return whether no partition has a record."""
    try:
        return not any(await reader.ends())
    finally:
        await reader.stop()


async def loads_in(reader: OpenReader, partitions: int) -> list[PricesLoaded]:
    """Return the price loads among the records with their key; one that can't be projected is a dead letter."""
    from ingest.log.by_key import records_of_key  # imported here: a new installation has nothing to search

    loads: list[PricesLoaded] = []
    try:
        async for record in records_of_key(reader, partitions, KEY, _Search()):
            with suppress(Undecodable):
                decoded = decode_value(record.value)
                if isinstance(decoded, PricesLoaded):
                    loads.append(decoded)
    finally:
        await reader.stop()
    return loads


async def append_all(log: EventLog, records: Iterable[PricesLoaded]) -> None:
    """Append records to a log that is not running, in order."""
    await log.start()
    try:
        for record in records:
            await log.append(KEY, encode(record))
    finally:
        await log.stop()


class _Search:
    """Logs how far a search is: reading a large partition takes minutes."""

    def begin(self, _step: str, records: int) -> None:
        self._read, self._end = 0, records

    def add(self, records: int, _size: int) -> None:
        self._read += records
        if self._read % _SAY_EVERY == 0:
            logger.info("searching_prices", offset=self._read, end=self._end)
