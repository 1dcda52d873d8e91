"""The keeper as a process: it moves the old part of the log from Kafka into the archive, and serves its metrics."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial

import structlog
import uvloop
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.log.archive.keeper import Ages, Keeper
from ingest.log.archive.manifest import Source
from ingest.log.kafka import InstalledTopic, KafkaLogReader, KafkaTopic
from ingest.log.kafka.creation import find_topic
from ingest.log.kafka.rights import KEEPS
from ingest.log.kafka.topic import look_at
from ingest.log.kafka.trim import trim
from runtime.operations.log_export import utc_now
from runtime.services.http_server import stop_on_signals
from runtime.services.metrics import metrics_served, new_registry
from runtime.settings.kafka_settings import kafka_topic
from runtime.settings.log_reader import archive_place
from runtime.settings.log_url import KafkaAddress, parse_log_url
from runtime.settings.settings import BadSettings, Settings

HOT_DAYS_MAX = 36_500
logger = structlog.get_logger()


def run_keeper(settings: Settings) -> int:
    """Archive and trim until SIGTERM; return the exit code. This needs neither the secrets nor the store.

    Raises `BadSettings`, `Broken` if the port is taken, and `BrokenLog` if the topic or the archive is not as it must
    be: the message says what to do.
    """
    address = parse_log_url(settings.log)
    if not isinstance(address, KafkaAddress):
        raise BadSettings("log_url: only a log in Kafka is archived and trimmed; back up that of `up` by `log export`")
    if not 0 < settings.hot_days <= HOT_DAYS_MAX:
        raise BadSettings(f"hot_days: must be above 0 and at most {HOT_DAYS_MAX:,}")
    return uvloop.run(_run(settings, address))


async def _run(settings: Settings, address: KafkaAddress) -> int:
    stopping, registry = stop_on_signals(), new_registry()
    async with _keeper(settings, kafka_topic(settings, address)) as keeper:
        registry.register(_KeeperMetrics(keeper))
        with metrics_served(settings, registry):
            keeping, stopped = asyncio.ensure_future(keeper.run()), asyncio.ensure_future(stopping.wait())
            await asyncio.wait({keeping, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if keeping.done():
                keeping.result()
            keeping.cancel()
            await asyncio.wait({keeping})
    return 0


@asynccontextmanager
async def _keeper(settings: Settings, configured: KafkaTopic) -> AsyncIterator[Keeper]:
    place, installed, ages = archive_place(settings), InstalledTopic(None), Ages.of(settings.hot_days)
    if place is None:
        raise BadSettings("archive_url: say where the archive is, such as file:///var/lib/crewkit/archive")
    topic = await find_topic(configured, installed, KEEPS)
    await _advise(topic, ages)
    secrets = installed.record.secrets
    reader, source = KafkaLogReader(topic), Source(topic.name, topic.partitions, secrets)
    try:
        yield Keeper(reader, partial(trim, topic), source, place, ages, utc_now)
    finally:
        await reader.stop()


async def _advise(topic: KafkaTopic, ages: Ages) -> None:
    """Warn if the broker would keep a file open for long: it removes only files that it no longer writes to."""
    found = await look_at(topic)
    wanted_ms = round(ages.archive_s * 1000)
    if found is not None and int(found.settings["segment.ms"]) > wanted_ms:
        command = (
            f"kafka-configs.sh --bootstrap-server {topic.bootstrap} --alter --entity-type topics "
            f"--entity-name {topic.name} --add-config segment.ms={wanted_ms}"
        )
        logger.warning("topic_trimmed_late", segment_ms=found.settings["segment.ms"], run=command)


class _KeeperMetrics(Collector):
    """Shows what the keeper's looks found."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def collect(self) -> Iterator[Metric]:
        keeper = self._keeper
        records = GaugeMetricFamily("crewkit_keeper_records", "Records, since the log began.", labels=("place",))
        for place, count in keeper.seen._asdict().items():
            records.add_metric((place,), count)
        yield records
        about = "When the keeper last looked at the topic and the archive without a failure."
        yield GaugeMetricFamily("crewkit_keeper_last_look_timestamp_seconds", about, value=keeper.looked_at_s)
        about = "For how long the archive has lacked a record that it should have."
        yield GaugeMetricFamily("crewkit_keeper_overdue_seconds", about, value=keeper.overdue_s)
        about = "Looks that failed; the next one tries again."
        yield CounterMetricFamily("crewkit_keeper_failures_total", about, value=keeper.failures)
