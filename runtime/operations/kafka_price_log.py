"""`prices.log.PriceLog` over Kafka."""

import asyncio
from collections.abc import Iterable, Sequence

from ingest.log.archive.refusals import Refused
from ingest.log.broken import BrokenLog
from ingest.log.kafka import InstalledTopic, KafkaEventLog, KafkaLogReader, KafkaTopic
from ingest.log.kafka.creation import find_topic, outages_explained
from ingest.log.kafka.installation_record import read_record
from runtime.operations.price_log import append_all, has_no_records, loads_in
from runtime.settings.log_reader import kafka_reader
from runtime.settings.settings import Settings
from schemas.log.records import PricesLoaded


class KafkaPriceLog:
    """`PriceLog` over the topic of an installation."""

    def __init__(self, settings: Settings, configured: KafkaTopic) -> None:
        self._settings, self._configured, self._installed = settings, configured, InstalledTopic(None)

    def exists(self) -> bool:
        """Return whether the installation is recorded next to the topic."""
        with outages_explained(self._configured):
            return asyncio.run(read_record(self._configured, patience_s=0)) is not None

    def is_empty(self) -> bool:
        return asyncio.run(self._is_empty())

    def loads(self) -> Sequence[PricesLoaded]:
        """Return the records of all loads, in log order; this reads their whole partition.

        Raises `BrokenLog` if this client lacks the right to read the topic, or the log has lost records.
        """
        try:
            return () if self.is_empty() else asyncio.run(self._loads())
        except Refused as error:
            raise BrokenLog(str(error)) from error

    def append(self, records: Iterable[PricesLoaded]) -> None:
        """Append records in order, each after the previous one is acknowledged."""
        asyncio.run(append_all(KafkaEventLog(self._configured, find=self._installed), records))

    async def _is_empty(self) -> bool:
        with outages_explained(self._configured):
            topic = await self._installed(self._configured)
        return await has_no_records(KafkaLogReader(topic))

    async def _loads(self) -> list[PricesLoaded]:
        topic = await find_topic(self._configured, self._installed)  # which checks the right to read
        reader = kafka_reader(self._settings, topic, self._installed.record.secrets)
        return await loads_in(reader, topic.partitions)
