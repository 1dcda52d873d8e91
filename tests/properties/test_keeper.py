"""Properties of the keeper: every record stays readable at its position, and the topic holds only what is new."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.log.archive import cold as cold_log
from ingest.log.archive import export, keeper, rewrite
from ingest.log.archive.cold import ColdLog
from ingest.log.archive.folder import Folder
from ingest.log.archive.keeper import Ages, Keeper
from ingest.log.archive.manifest import Manifest, Source, new_manifest, read_manifest
from ingest.log.archive.place import Place, Stored
from ingest.log.archive.read_all import read_all
from ingest.log.archive.refusals import Refused
from ingest.log.archive.segment import Segment
from ingest.log.broken import BrokenLog, Trimmed
from ingest.log.kept import cuts_in, kept
from ingest.log.tiered import TieredLogReader
from schemas.log.codec import encode
from schemas.log.position import LogRecord, LogUnavailable, Position
from schemas.log.topics import partition_of, record_key
from schemas.times import instant
from tests.properties.test_log_archive import FakeArchivedLog, Interrupted
from tests.support.builders import hook, recorded, records_erased
from tests.support.examples import examples

PARTITIONS = 2
SOURCE = Source("topic", PARTITIONS, "f1")
AGES = Ages(archive_s=10, hot_s=40)
SESSIONS = [UUID(int=n, version=4) for n in range(4)]


class FakeTopic(FakeArchivedLog):
    """A topic that deletes only what it is told to. ``is_away`` makes its next trim fail after the broker made it.

    The times of its records are ``skew_s`` from the keeper's; ``appended_s`` has them by the keeper's clock.
    """

    def __init__(self) -> None:
        super().__init__(PARTITIONS)
        self.begins = [0] * PARTITIONS
        self.appended_s: list[list[int]] = [[] for _ in range(PARTITIONS)]
        self.skew_s = 0
        self.trimmed_at = [0] * PARTITIONS  # seconds
        self.now_s = 1_000
        self.is_away = self.was_away = False

    def append(self, key: bytes, value: bytes) -> None:
        partition = partition_of(key, PARTITIONS)
        records = self.partitions[partition]
        records.append(LogRecord(partition, len(records), key, value, (self.now_s + self.skew_s) * 1000))
        self.appended_s[partition].append(self.now_s)

    async def starts(self) -> Sequence[int]:
        return self.begins

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        if start < self.begins[partition]:
            raise Trimmed("topic", Position(partition, start), self.begins[partition])
        return await super().read(partition, start, stop, bytes_max)

    async def stop(self) -> None:
        """Do nothing."""

    async def trim(self, below: Mapping[int, int]) -> None:
        for partition, offset in below.items():
            self.begins[partition], self.trimmed_at[partition] = offset, self.now_s
        self.was_away, self.is_away = self.is_away, False
        if self.was_away:
            raise LogUnavailable("the answer was lost")


class Kept:
    """A topic, its keeper, which may be a new process after each step, and a reader that lives as long as both."""

    def __init__(self, folder: Path) -> None:
        self.topic = FakeTopic()
        self.place: Place = Folder(folder)
        self.reader = self.new_reader()
        self.start_keeper()

    def new_reader(self) -> TieredLogReader:
        return TieredLogReader(self.topic, ColdLog(self.place, SOURCE))

    def start_keeper(self) -> None:
        self.keeper = Keeper(self.topic, self.topic.trim, SOURCE, self.place, AGES, self.now)

    def now(self) -> str:
        return instant(self.topic.now_s * 1000)

    def look(self, passes_left: int = -1) -> None:
        """Let the keeper look. It dies after so many fail points, if there are as many."""

        def fail_point(_name: str) -> None:
            nonlocal passes_left
            passes_left -= 1
            if passes_left == -1:
                raise Interrupted

        with pytest.MonkeyPatch.context() as patched:
            for module in (export, rewrite, keeper):
                patched.setattr(module, "fail_point", fail_point)
            with suppress(LogUnavailable):
                try:
                    asyncio.run(self.keeper.look())
                except Interrupted:
                    self.start_keeper()

    def manifest(self) -> Manifest:
        return read_manifest(self.place) if self.place.sizes() else new_manifest(SOURCE, "")

    def everything(self) -> list[LogRecord]:
        """Return what a reader gets, from the first offset on."""

        async def read() -> list[LogRecord]:
            found = []
            for partition, end in enumerate(await self.reader.ends()):
                found += [record async for record in read_all(self.reader, partition, 0, end)]
            return found

        return asyncio.run(read())

    def take(self, step: int | str) -> None:
        topic = self.topic
        match step:
            case "look":
                self.look()
            case "restart":
                self.start_keeper()
            case "away":
                topic.is_away = True
            case "ahead":
                topic.skew_s = 1_000
            case "behind":
                topic.skew_s = -500
            case "erase":
                for partition in range(PARTITIONS):
                    erasure = records_erased(partition, partitions=PARTITIONS)
                    topic.append(record_key(erasure.session_id), encode(erasure))
            case str():
                session = SESSIONS[int(step)]
                topic.append(record_key(session), encode(recorded(session, hook("Stop"))))
            case seconds if seconds > 0:
                topic.now_s += seconds
            case _:
                self.look(-step)


def appended(topic: FakeTopic) -> list[LogRecord]:
    return [record for records in topic.partitions for record in records]


def stubbed(records: Sequence[LogRecord]) -> list[LogRecord]:
    """Return what is left of records once their erasures are obeyed."""
    cuts = cuts_in(records, PARTITIONS)
    return [kept(record, cuts, PARTITIONS) for record in records]


steps = st.sampled_from(["look", "look", "restart", "away", "ahead", "behind", "erase", *"0123"]) | st.integers(-7, 30)


@settings(max_examples=examples(200))
@given(st.lists(steps, max_size=60))
def test_every_record_stays_readable_and_only_new_ones_in_the_topic(taken: list[int | str]) -> None:
    """Whatever the keeper dies in or can't reach; a reader sees a record, or its stub if it is erased."""
    with TemporaryDirectory() as name:
        log = Kept(Path(name) / "archive")
        for step in taken:
            log.take(step)
            whole = appended(log.topic)
            pairs = zip(log.everything(), whole, stubbed(whole), strict=True)
            assert all(here in (old, new) for here, old, new in pairs)
        log.topic.is_away = False
        for age_s in AGES:
            log.topic.now_s += round(age_s) + 1
            log.look()
        log.reader = log.new_reader()

        assert log.topic.begins == [len(records) for records in log.topic.partitions], "all of it is old"
        assert log.everything() == stubbed(appended(log.topic))


@settings(max_examples=examples(200))
@given(st.lists(steps, max_size=60))
def test_nothing_new_leaves_the_topic_and_nothing_old_stays_out_of_the_archive(taken: list[int | str]) -> None:
    """After each look that was not disturbed."""
    with TemporaryDirectory() as name:
        log = Kept(Path(name) / "archive")
        for step in taken:
            log.take(step)
            topic, manifest = log.topic, log.manifest()
            for partition, appended_s in enumerate(topic.appended_s):
                gone = appended_s[: topic.begins[partition]]
                assert all(second <= topic.trimmed_at[partition] - AGES.hot_s for second in gone)
            if step == "look" and not topic.was_away:
                late = [
                    second
                    for appended_s, end in zip(topic.appended_s, manifest.ends, strict=True)
                    for second in appended_s[end:]
                    if second < topic.now_s - AGES.archive_s
                ]
                assert late == []
                assert log.keeper.overdue_s == 0


def test_what_can_not_be_read_back_stays_in_the_topic(tmp_path: Path) -> None:
    """A damaged archive ends the keeper before anything is deleted."""
    log = kept_for_long(tmp_path)
    (segment,) = tmp_path.glob("*.zst")
    segment.write_bytes(segment.read_bytes()[:-1] + b"x")

    with pytest.raises(BrokenLog, match=r"damaged.*restore it from another copy"):
        asyncio.run(asyncio.wait_for(log.keeper.run(), 5))
    assert log.topic.begins == [0] * PARTITIONS


def trimmed(folder: Path) -> Kept:
    """Return a log whose only record is in the archive alone."""
    log = kept_for_long(folder)
    log.look()
    assert sum(log.topic.begins) == 1
    return log


def kept_for_long(folder: Path) -> Kept:
    """Return a log whose only record has been in its archive for so long that it is trimmed at the next look."""
    log = Kept(folder)
    log.take("0")
    log.look()
    log.topic.now_s += round(AGES.hot_s) + 1
    return log


def test_what_another_log_archived_is_deleted_from_no_topic(tmp_path: Path) -> None:
    """ARCHIVE_URL is that of another installation."""
    log = kept_for_long(tmp_path)
    other = Keeper(log.topic, log.topic.trim, SOURCE._replace(secrets="f2"), log.place, AGES, log.now)

    with pytest.raises(BrokenLog, match="archive of another log"):
        asyncio.run(other.look())
    assert log.topic.begins == [0] * PARTITIONS


@pytest.mark.parametrize(("records", "age_s"), [(0, 0), (1, AGES.hot_s)])
def test_a_topic_that_was_made_anew_is_not_trimmed(tmp_path: Path, records: int, age_s: float) -> None:
    """It has fewer records than its archive, which is seen at once, or others."""
    log = Kept(tmp_path)
    log.take("0")
    log.look()
    log.topic.now_s += round(age_s)
    log.topic.partitions = [[] for _ in range(PARTITIONS)]
    for _ in range(records):
        log.take("0")

    with pytest.raises(BrokenLog, match="does not have the record at"):
        asyncio.run(log.keeper.look())
    assert log.topic.begins == [0] * PARTITIONS


class Denied(Folder):
    """A place that lets this process do nothing, as if the rights to a bucket were revoked."""

    def read(self, name: str) -> Stored:
        raise Refused("denies access")


def test_without_access_to_the_archive_all_wait(tmp_path: Path) -> None:
    """It is no sign that there is no archive; and who waits goes on by itself once it has access."""
    log = kept_for_long(tmp_path)
    log.place = Denied(tmp_path)
    log.start_keeper()
    before = log.keeper.looked_at_s
    log.topic.now_s += 1

    with pytest.raises(Refused, match="denies access"):
        asyncio.run(log.keeper.look())
    with pytest.raises(LogUnavailable, match="denies access"):
        asyncio.run(ColdLog(log.place, SOURCE).read(0, 0, 1, 1))
    assert log.keeper.looked_at_s == before, "an alert is based on it"


def test_what_the_archive_should_have_is_overdue_even_if_the_keeper_can_not_look(tmp_path: Path) -> None:
    """The time goes on between looks."""
    log = Kept(tmp_path)
    for _ in range(2):  # the first record of a partition is archived at once
        log.take("0")
        log.look()
    assert log.keeper.overdue_s == 0

    log.topic.now_s += round(AGES.archive_s) + 5
    assert log.keeper.overdue_s == 5

    log.look()
    assert (log.keeper.overdue_s, log.keeper.looked_at_s) == (0, log.topic.now_s)


def test_what_is_new_after_a_long_silence_is_not_overdue_at_once(tmp_path: Path) -> None:
    """The last segment is old then; what is lacking is not."""
    log = Kept(tmp_path)
    log.take("0")
    log.look()
    log.topic.now_s += 10_000
    log.take("0")

    with log.place.locked(), pytest.raises(Refused, match="another process"):
        asyncio.run(log.keeper.look())
    assert log.keeper.overdue_s == 0


def test_what_an_export_that_died_left_out_is_not_late(tmp_path: Path) -> None:
    """One partition has a new segment then, and the other one's is older."""
    log = Kept(tmp_path)
    for session in "0123":
        log.take(session)
    log.look()
    log.topic.now_s += round(AGES.archive_s)
    for session in "0123":
        log.take(session)
    log.look(passes_left=2)
    log.take("0")
    log.take("1")
    log.look()

    assert log.manifest().ends == [len(records) for records in log.topic.partitions]


def test_a_rewritten_segment_leaves_the_topic_when_it_would_have(tmp_path: Path) -> None:
    """Erasures must neither empty the topic at once nor keep it full for ever."""
    log = Kept(tmp_path)
    log.take("0")
    log.look()
    log.take("erase")
    log.topic.now_s += round(AGES.archive_s)
    log.look()
    assert log.topic.begins == [0] * PARTITIONS

    log.topic.now_s += round(AGES.hot_s - AGES.archive_s)
    log.look()
    assert sum(log.topic.begins) == 1


def test_after_a_wrong_clock_nothing_is_trimmed_that_was_not_read_back(tmp_path: Path) -> None:
    """The first segment seems to be of the future, the second one is old."""
    log = Kept(tmp_path)
    for second in (5_000, 1_000):
        log.topic.now_s = second
        log.keeper = Keeper(log.topic, log.topic.trim, SOURCE, log.place, Ages(-10_000, AGES.hot_s), log.now)
        log.take("0")
        log.look()
    log.topic.now_s += round(AGES.hot_s)
    log.look()

    assert log.topic.begins == [0] * PARTITIONS


def test_an_archive_that_lacks_what_was_trimmed_is_refused(tmp_path: Path) -> None:
    """An older copy was restored: nothing must be read as if the log had always been like that."""
    log = trimmed(tmp_path / "new")
    older = Kept(tmp_path / "older")
    older.look()
    reader = TieredLogReader(log.topic, ColdLog(older.place, SOURCE))

    with pytest.raises(BrokenLog, match="neither the topic nor the archive"):
        asyncio.run(reader.read(partition_of(record_key(SESSIONS[0]), PARTITIONS), 0, 1, 1))


def test_a_read_that_was_cancelled_does_not_disturb_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread goes on, and decodes a segment of another partition meanwhile."""
    log = Kept(tmp_path)
    for session in "0123":
        log.take(session)
    log.look()
    cold, decode = ColdLog(log.place, SOURCE), cold_log.checked_records

    async def interrupted(partition: int) -> Sequence[LogRecord]:
        monkeypatch.setattr(cold_log, "checked_records", beside)
        return await cold.read(partition, 0, 1, 1)

    def beside(place: Place, partition: int, segment: Segment) -> Iterator[LogRecord]:
        monkeypatch.setattr(cold_log, "checked_records", decode)
        yield from decode(place, partition, segment)
        cold._read(1 - partition, 0, 1, 1)  # as the thread of the cancelled call

    for partition in range(PARTITIONS):
        (record,) = asyncio.run(interrupted(partition))
        assert record == log.topic.partitions[partition][0]


def test_the_archive_of_another_log_is_refused(tmp_path: Path) -> None:
    """Its records would be projected as ours."""
    log = trimmed(tmp_path)
    reader = TieredLogReader(log.topic, ColdLog(log.place, SOURCE._replace(secrets="f2")))

    with pytest.raises(BrokenLog, match="another"):
        asyncio.run(reader.read(partition_of(record_key(SESSIONS[0]), PARTITIONS), 0, 1, 1))


def test_without_an_archive_a_trimmed_topic_says_what_to_set(tmp_path: Path) -> None:
    """A process that was forgotten when the archive was set up."""
    log = trimmed(tmp_path)

    with pytest.raises(BrokenLog, match="ARCHIVE_URL"):
        asyncio.run(log.topic.read(partition_of(record_key(SESSIONS[0]), PARTITIONS), 0, 1, 1))
