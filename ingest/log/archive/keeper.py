"""Keeps a topic small: what is old moves into an archive, and is then deleted from the topic.

Each look takes two steps. A process that dies in either leaves nothing wrong, and the next look goes on:

1. *Archive.* Once the archive lacks a record of some age, everything up to the log's end is added to it.
2. *Trim.* What is older than the topic's share is deleted there, by whole segments, after the archive's files were read
   back. All readers then find it in the archive.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

import structlog

from ingest.log.archive.export import Now, export_log
from ingest.log.archive.manifest import Manifest, Source, read_manifest
from ingest.log.archive.place import Place
from ingest.log.archive.refusals import Damaged, Refused
from ingest.log.archive.segment import Segment, checked_content
from ingest.log.broken import BrokenLog
from ingest.log.tiered import DatedLog
from schemas.log.position import LogUnavailable, Position
from store.fail_points import fail_point

LOOKS = 4  # in the time after which a record is archived
LOOK_EVERY_S_MAX = 60.0
ARCHIVED_AFTER = 1 / 7  # of the time that a record stays in the topic
logger = structlog.get_logger()


Trim = Callable[[Mapping[int, int]], Awaitable[None]]  # per partition: the offset below which records are deleted


class Ages(NamedTuple):
    """Seconds after which a record must be in the archive, and after which it leaves the topic."""

    archive_s: float
    hot_s: float

    @classmethod
    def of(cls, hot_days: float) -> "Ages":
        hot_s = hot_days * 86_400
        return cls(hot_s * ARCHIVED_AFTER, hot_s)


class Seen(NamedTuple):
    """What the last look found. Counts are of records, since the log began."""

    log: int = 0
    archive: int = 0
    trimmed: int = 0
    oldest_s: float = 0.0  # age of the oldest record that the archive lacks


class Keeper:
    """Keeps one topic small. One process at a time may archive into a folder; another one is refused."""

    def __init__(
        self,
        log: DatedLog,
        trim: Trim,
        source: Source,
        place: Place,
        ages: Ages,
        utc_now: Now,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``clock`` returns seconds since 1970, as the log's times."""
        self._log, self._delete_below, self._source, self._place = log, trim, source, place
        self._ages, self._utc_now, self._clock = ages, utc_now, clock
        self._times: dict[Position, int] = {}  # of the oldest records that the archive lacks
        self.seen, self.failures = Seen(), 0

    @property
    def overdue_s(self) -> float:
        """For how long the archive has lacked a record that it should have."""
        return max(0.0, self.seen.oldest_s - self._ages.archive_s)

    async def run(self) -> None:
        """Look again and again, until cancelled. Raises `BrokenLog`: the message says what to do."""
        while True:
            try:
                await self.look()
            except Damaged as error:
                raise BrokenLog(f"the archive is damaged: {error}") from error
            except (LogUnavailable, Refused) as error:
                self.failures += 1
                logger.error("keeper_failed", error=str(error))
            await asyncio.sleep(min(LOOK_EVERY_S_MAX, self._ages.archive_s / LOOKS))

    async def look(self) -> None:
        """Archive and trim what is due. Raises `LogUnavailable` or `Refused`: the next look tries again."""
        ends = await self._log.ends()
        manifest = self._manifest()
        self.seen = await self._see(ends, manifest)
        if manifest is None or self.overdue_s:
            manifest = await self._archive()
            self.seen = await self._see(ends, manifest)
        if below := await self._to_trim(manifest):
            fail_point("keeper.checked")
            await self._delete_below(below)
            fail_point("keeper.trimmed")
            logger.info("topic_trimmed", below=below)

    def _manifest(self) -> Manifest | None:
        """Return the manifest; None if there is no archive yet. Raises `Damaged`."""
        try:
            return read_manifest(self._place)
        except Refused:
            return None  # the export that follows says what is wrong, unless it begins the archive

    async def _archive(self) -> Manifest:
        done = await export_log(self._log, self._source, self._place, _NoMeter(), self._utc_now)
        fail_point("keeper.archived")
        logger.info("log_archived", records=done.records, segments=done.segments, bytes=done.bytes, erased=done.erased)
        return done.manifest

    async def _see(self, ends: Sequence[int], manifest: Manifest | None) -> Seen:
        archived = manifest.ends if manifest else [0] * len(ends)
        lacking = [Position(p, start) for p, (start, end) in enumerate(zip(archived, ends, strict=True)) if start < end]
        self._times = {at: self._times.get(at) or await self._time_of(at) for at in lacking}
        oldest_s = self._clock() - min(self._times.values()) / 1000 if self._times else 0.0
        return Seen(sum(ends), sum(archived), sum(await self._log.starts()), max(0.0, oldest_s))

    async def _time_of(self, at: Position) -> int:
        return (await self._log.read(at.partition, at.offset, at.offset + 1, 1))[0].timestamp_ms

    async def _to_trim(self, manifest: Manifest) -> dict[int, int]:
        """Return the offsets below which the topic is not needed any more. Raises `Damaged`."""
        hot = await self._log.first_since(round((self._clock() - self._ages.hot_s) * 1000))
        below = dict[int, int]()
        for partition, start in enumerate(await self._log.starts()):
            for segment in manifest.segments[partition]:
                if segment.end > start and _is_older(segment, hot[partition]):
                    await asyncio.to_thread(checked_content, self._place, partition, segment)
                    below[partition] = segment.end
        return below


def _is_older(segment: Segment, first_hot: int | None) -> bool:
    return first_hot is None or segment.end <= first_hot


class _NoMeter:
    """Shows nothing: a keeper is no command that someone watches."""

    def begin(self, step: str, records: int) -> None: ...

    def add(self, records: int, size: int) -> None: ...
