"""Keeps a topic small: what is old moves into an archive, and is then deleted from the topic.

Each look takes two steps. A process that dies in either leaves nothing wrong, and the next look goes on:

1. *Archive.* Once the archive has lacked a record for some time, everything up to the log's end is added to it.
2. *Trim.* What the archive has had for some time is deleted from the topic, by whole segments, after their files were
   read back and compared with the topic. All readers then find it in the archive.

Times are the keeper's own, when it exported a segment: a record's time is that of the process that sent it, or that of
the log from which it was imported.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

import structlog
from msgspec import UNSET

from ingest.log.archive.cold import ColdLog, manifest_of
from ingest.log.archive.export import Now, export_log
from ingest.log.archive.manifest import Manifest, Source
from ingest.log.archive.place import Place
from ingest.log.archive.refusals import Damaged, NoExport, Refused
from ingest.log.archive.segment import Segment, checked_content
from ingest.log.archive.tail import is_last
from ingest.log.broken import BrokenLog
from ingest.log.tiered import TieredLogReader, TopicReader
from schemas.log.position import LogUnavailable, Position
from schemas.times import ms_of
from store.fail_points import fail_point

LOOKS = 4  # in the time after which a record is archived
LOOK_EVERY_S_MAX = 60.0
ARCHIVED_AFTER = 1 / 7  # of the time for which the topic keeps what is archived
logger = structlog.get_logger()


Trim = Callable[[Mapping[int, int]], Awaitable[None]]  # per partition: the offset below which records are deleted


class Ages(NamedTuple):
    """Seconds for which the archive may lack a record, and for which the topic keeps what the archive has."""

    archive_s: float
    hot_s: float

    @classmethod
    def of(cls, hot_days: float) -> "Ages":
        hot_s = hot_days * 86_400
        return cls(hot_s * ARCHIVED_AFTER, hot_s)


class Seen(NamedTuple):
    """What a look found: counts of records, since the log began."""

    log: int = 0
    archive: int = 0
    trimmed: int = 0


class Keeper:
    """Keeps one topic small. One process at a time may archive into a folder; another one is refused."""

    def __init__(self, topic: TopicReader, trim: Trim, source: Source, place: Place, ages: Ages, utc_now: Now) -> None:
        self._topic, self._log = topic, TieredLogReader(topic, ColdLog(place, source))
        self._delete_below, self._source, self._place = trim, source, place
        self._ages, self._utc_now = ages, utc_now
        self._due_s: float | None = None  # when the archive should have the oldest record that it lacks
        self.seen, self.failures, self.looked_at_s = Seen(), 0, self._now_s()

    @property
    def overdue_s(self) -> float:
        """For how long the archive has lacked a record that it should have, as far as the last look could tell."""
        return 0.0 if self._due_s is None else max(0.0, self._now_s() - self._due_s)

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
        """Archive and trim what is due. Raises `LogUnavailable` or `Refused`: the next look tries again.

        Raises `Damaged` or `BrokenLog` if the archive is not that of the topic: nothing is deleted then.
        """
        manifest = await asyncio.to_thread(self._manifest)
        ends = await self._topic.ends()  # after the manifest: they are never below its
        if manifest is not None:
            _check_ends(manifest, ends)
        if self._note_due(manifest, ends):
            manifest = await self._archive()
            self._note_due(manifest, ends)
        starts = await self._topic.starts()
        self.seen = Seen(sum(ends), manifest.records if manifest else 0, sum(starts))
        if manifest and (below := await self._to_trim(manifest, starts)):
            fail_point("keeper.checked")
            await self._delete_below(below)
            fail_point("keeper.trimmed")
            logger.info("topic_trimmed", below=below)
        self.looked_at_s = self._now_s()

    def _manifest(self) -> Manifest | None:
        """Return the manifest; None if there is no archive yet. Raises `Damaged`, `Refused` and `BrokenLog`."""
        try:
            return manifest_of(self._place, self._source)
        except NoExport:
            return None

    async def _archive(self) -> Manifest:
        done = await export_log(self._log, self._source, self._place, _NoMeter(), self._utc_now)
        fail_point("keeper.archived")
        logger.info("log_archived", records=done.records, segments=done.segments, bytes=done.bytes, erased=done.erased)
        return done.manifest

    def _note_due(self, manifest: Manifest | None, ends: Sequence[int]) -> bool:
        """Note when the archive should have the oldest record that it lacks; return whether that is now."""
        now_s = self._now_s()
        due_s = now_s if manifest is None else self._due_at_s(manifest, ends)
        if due_s is None:
            self._due_s = None
        elif self._due_s is None:  # how long what is new has been there is unknown
            self._due_s = max(due_s, now_s)
        return due_s is not None and due_s <= now_s

    def _due_at_s(self, manifest: Manifest, ends: Sequence[int]) -> float | None:
        """Return when the archive should have the oldest record that it lacks; None if it lacks none.

        Everything is archived at once, so what a partition lacks is newer than its last segment.
        """
        lacking = [partition for partition, end in enumerate(manifest.ends) if end < ends[partition]]
        last_s = [_exported_s(manifest.segments[partition]) for partition in lacking]
        return min(last_s) + self._ages.archive_s if last_s else None

    async def _to_trim(self, manifest: Manifest, starts: Sequence[int]) -> dict[int, int]:
        """Return the offsets below which the topic is not needed any more. Raises `Damaged` and `BrokenLog`."""
        below = dict[int, int]()
        for partition, start in enumerate(starts):
            for segment in manifest.segments[partition]:
                if segment.end <= start:
                    continue
                if self._now_s() - _exported_s([segment]) < self._ages.hot_s:
                    break
                await asyncio.to_thread(checked_content, self._place, partition, segment)
                await self._check_last(partition, segment)
                below[partition] = segment.end
        return below

    async def _check_last(self, partition: int, segment: Segment) -> None:
        at = Position(partition, segment.end - 1)
        found = await self._topic.read(partition, at.offset, segment.end, 1)
        if not found or not await asyncio.to_thread(is_last, found[0], self._place, segment):
            raise _other_log(at)

    def _now_s(self) -> float:
        return ms_of(self._utc_now()) / 1000


def _check_ends(manifest: Manifest, ends: Sequence[int]) -> None:
    for partition, (archived, end) in enumerate(zip(manifest.ends, ends, strict=True)):
        if archived > end:
            raise _other_log(Position(partition, archived - 1))


def _other_log(at: Position) -> BrokenLog:
    return BrokenLog(
        f"the topic does not have the record at {at} that the archive has: it has lost records, or it is another topic "
        "of the same name. Keep the archive, which has what the topic lacks, and set ARCHIVE_URL to another place"
    )


def _exported_s(segments: Sequence[Segment]) -> float:
    """Return when the last segment was exported, in seconds since 1970; 0 if there is none, or it doesn't say."""
    exported_at = segments[-1].exported_at if segments else UNSET
    return 0.0 if exported_at is UNSET else ms_of(exported_at) / 1000


class _NoMeter:
    """Shows nothing: a keeper is no command that someone watches."""

    def begin(self, step: str, records: int) -> None: ...

    def add(self, records: int, size: int) -> None: ...
