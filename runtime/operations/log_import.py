"""Implements `log import`: it checks everything before it changes anything, then appends the records."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from ingest.log.archive.erasures import read_erasures
from ingest.log.archive.manifest import Manifest, read_manifest
from ingest.log.archive.meter import Meter
from ingest.log.archive.place import Place
from ingest.log.archive.refusals import Refused
from ingest.log.archive.restore import Imported, Plan, Target, check_beginning, check_export, send
from ingest.log.kafka import KafkaLogReader, KafkaTopic
from ingest.log.kafka.creation import outages_explained
from ingest.log.kafka.installation_record import read_record
from ingest.log.kafka.provision import Wish, install
from ingest.log.kafka.restore import KafkaImport
from ingest.log.kafka.topic import look_at
from ingest.log.sqlite.restore import SqliteImport
from runtime.operations.provision_store import EMBEDDED_PARTITIONS
from runtime.services.run_folder import locked_folder
from runtime.settings.kafka_settings import kafka_topic
from runtime.settings.log_url import KafkaAddress, parse_log_url
from runtime.settings.private_files import private_data_folder
from runtime.settings.secrets import SEED, own_secrets
from runtime.settings.settings import Settings
from schemas.installation import OwnSecrets
from schemas.log.position import LogReader
from schemas.log.records import AnyErasure


class Restored(NamedTuple):
    """The outcome of an import, and the log's partition count afterwards."""

    imported: Imported
    partitions: int
    same_positions: bool


def import_log(settings: Settings, place: Place, wish: Wish, meter: Meter, erasures: Path | None = None) -> Restored:
    """Import an export into the empty log that the settings name, or continue an interrupted import.

    ``erasures`` is a newer list of erasures than that of the export.

    Raises `Refused` or `Damaged`, before any change, if log, export and secrets do not fit each other, `BrokenLog`
    about the topic, and `Broken` if another process uses the folder. After `LogUnavailable`, the next run continues.
    """
    manifest = read_manifest(place)
    newer = read_erasures(erasures) if erasures is not None else []
    own = _exported_secrets(settings, manifest)
    is_kafka = isinstance(parse_log_url(settings.log), KafkaAddress)
    if not is_kafka and settings.partitions not in (0, EMBEDDED_PARTITIONS):
        raise Refused(f"the embedded log has {EMBEDDED_PARTITIONS} partition: leave --partitions out")
    if not is_kafka:
        private_data_folder(settings.folder)
    with locked_folder(settings.folder, needed=not is_kafka):
        check_export(place, manifest, meter)
        return asyncio.run(_Import(settings, place, manifest, own, wish, meter, newer).run())


class _Import:
    """One import of an intact export."""

    def __init__(
        self,
        settings: Settings,
        place: Place,
        manifest: Manifest,
        own: OwnSecrets,
        wish: Wish,
        meter: Meter,
        newer: Sequence[AnyErasure],
    ) -> None:
        self._settings, self._place, self._manifest = settings, place, manifest
        self._own, self._wish, self._meter, self._newer = own, wish, meter, newer
        self._last_plan: Plan | None = None

    async def run(self) -> Restored:
        address = parse_log_url(self._settings.log)
        if isinstance(address, KafkaAddress):
            return await self._into_kafka(kafka_topic(self._settings, address))
        target = SqliteImport(address.path)
        try:
            await self._check(target, EMBEDDED_PARTITIONS, f"the log {address.path}")
            return await self._send(target, EMBEDDED_PARTITIONS)
        finally:
            await target.stop()

    async def _into_kafka(self, configured: KafkaTopic) -> Restored:
        """Compare with the topic's records, create what is missing as `provision` does, and append."""
        with outages_explained(configured):
            if not configured.partitions and await read_record(configured, patience_s=0) is None:
                configured = configured._replace(partitions=self._manifest.partitions)
        async with _existing(configured) as there:
            if there is not None:
                await self._check(*there, f"the topic {configured.name}")
        topic = (await install(configured, self._own, self._wish)).topic
        target = KafkaImport(topic)
        try:
            await target.start()
            return await self._send(target, topic.partitions)
        finally:
            await target.stop()

    async def _check(self, log: LogReader, partitions: int, where: str) -> None:
        ends = await log.ends()
        if any(ends):
            await check_beginning(self._plan(partitions).records(), log, ends, where, self._meter)

    async def _send(self, target: Target, partitions: int) -> Restored:
        plan = self._plan(partitions)
        imported = await send(plan.records(), target, await target.ends(), self._manifest.records, self._meter)
        return Restored(imported, partitions, partitions == self._manifest.partitions)

    def _plan(self, partitions: int) -> Plan:
        if self._last_plan is None or self._last_plan.partitions != partitions:
            self._last_plan = Plan(self._place, self._manifest, partitions, self._meter, self._newer)
        return self._last_plan


@asynccontextmanager
async def _existing(configured: KafkaTopic) -> AsyncIterator[tuple[KafkaLogReader, int] | None]:
    """Open the topic if it exists, whatever its partition count."""
    with outages_explained(configured):
        found = await look_at(configured, patience_s=0)
    if found is None:
        yield None
        return
    reader = KafkaLogReader(configured._replace(partitions=found.partitions))
    try:
        yield reader, found.partitions
    finally:
        await reader.stop()


def _exported_secrets(settings: Settings, manifest: Manifest) -> OwnSecrets:
    """Return this installation's secrets. Raises `Refused` unless they equal those of the exported installation."""
    folder = settings.secrets_folder
    if not (folder / SEED).exists():
        raise Refused(
            f"there are no secrets in {folder}, and an export has none either: first copy seed.key and id.keys of the "
            f"exported installation there, or name their folder with --secrets. Their fingerprint is {manifest.secrets}"
        )
    own = own_secrets(folder)
    if own.fingerprint != manifest.secrets:
        raise Refused(
            f"the secrets in {folder} have the fingerprint {own.fingerprint}, but those of the exported installation "
            f"have {manifest.secrets}: copy seed.key and id.keys of that installation there"
        )
    return own
