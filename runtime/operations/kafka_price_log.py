"""`prices.log.PriceLog` over Kafka."""

import asyncio
from collections.abc import Iterable, Sequence

from ingest.log.kafka import InstalledTopic, KafkaEventLog, KafkaLogReader, KafkaTopic
from ingest.log.kafka.by_key import records_of_key
from ingest.log.kafka.creation import outages_explained
from ingest.log.kafka.installation_record import read_record
from runtime.operations.price_log import KEY, append_all, decoded
from schemas.log.position import LogRecord
from schemas.log.records import PricesLoaded


class KafkaPriceLog:
    """`PriceLog` over the topic of an installation."""

    def __init__(self, configured: KafkaTopic) -> None:
        self._configured = configured

    def exists(self) -> bool:
        """Return whether the installation is recorded next to the topic."""
        with outages_explained(self._configured):
            return asyncio.run(read_record(self._configured, patience_s=0)) is not None

    def is_empty(self) -> bool:
        """Return whether no partition has a record."""
        return asyncio.run(self._is_empty())

    def loads(self) -> Sequence[PricesLoaded]:
        """Return the records of all loads, in log order; this reads their whole partition."""
        return decoded(asyncio.run(self._loads()))

    def append(self, records: Iterable[PricesLoaded]) -> None:
        """Append records in order, each after the previous one is acknowledged."""
        asyncio.run(append_all(KafkaEventLog(self._configured, find=InstalledTopic(None)), records))

    async def _is_empty(self) -> bool:
        reader = KafkaLogReader(await self._topic())
        try:
            return not any(await reader.ends())
        finally:
            await reader.stop()

    async def _loads(self) -> list[LogRecord]:
        return await records_of_key(await self._topic(), KEY)

    async def _topic(self) -> KafkaTopic:
        """Return the topic as recorded. Only a search for prices needs the right to read it."""
        with outages_explained(self._configured):
            return await InstalledTopic(None)(self._configured)
