"""Properties of exports and imports: byte for byte, in order, and the same after any interruption."""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from ingest.log.archive import export, rewrite
from ingest.log.archive.export import export_log
from ingest.log.archive.folder import Folder
from ingest.log.archive.line import decode_line, encode_line
from ingest.log.archive.manifest import MANIFEST, Source, decode_manifest, encode_manifest, new_manifest, read_manifest
from ingest.log.archive.refusals import Damaged, Refused
from ingest.log.archive.restore import Plan, check_beginning, check_export, in_target_order, merged, send
from ingest.log.archive.segment import Draft, Limits, Segment, checked_records, line_hash, records_in
from ingest.log.archive.verify import verify_export
from schemas.log.position import LogRecord
from schemas.log.topics import partition_of
from tests.support.examples import examples


class Interrupted(Exception):
    """The process ends here."""


class FakeArchivedLog:
    """`schemas.log.position.LogReader` and `ingest.log.archive.restore.Target`."""

    def __init__(self, partitions: int, records: Sequence[LogRecord] = ()) -> None:
        self.partitions: list[list[LogRecord]] = [[] for _ in range(partitions)]
        self.puts_left: int | None = None  # None: no limit
        for record in records:
            self.partitions[record.partition].append(record)

    async def ends(self) -> Sequence[int]:
        return [len(records) for records in self.partitions]

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        return self.partitions[partition][start:stop][:3]

    async def put(self, record: LogRecord) -> None:
        """Append at once. Raises `Interrupted` after ``puts_left`` records."""
        if self.puts_left == 0:
            raise Interrupted
        if self.puts_left is not None:
            self.puts_left -= 1
        assert record.offset == len(self.partitions[record.partition])
        self.partitions[record.partition].append(record)

    async def finish(self) -> None:
        """Do nothing: every put is durable."""


KEYS = [UUID(int=number << 100 | 0x4000 << 64 | 1 << 63).bytes for number in range(1, 6)]
ON_DISK = settings(deadline=None)
SMALL = Limits(bytes_max=600, records_max=4)
NOW = "2026-01-20T10:30:00Z"
OURS = "f1"


class Silent:
    """A meter that shows nothing."""

    def begin(self, step: str, records: int) -> None: ...

    def add(self, records: int, size: int) -> None: ...


values = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda text: text.encode(errors="surrogatepass")),
    st.just(b'{"kind":"events_recorded"}'),
    st.binary(min_size=300, max_size=700),
)
keys = st.one_of(st.sampled_from(KEYS), st.sampled_from(KEYS), st.none(), st.just(b""), st.binary(max_size=20))
times = st.integers(0, 50) | st.integers(0, 1 << 42)


@st.composite
def logs(draw: st.DrawFn, partitions_max: int = 4, misplaced: bool = True) -> FakeArchivedLog:
    """Draw a log; foreign producers may have put a record into any partition."""
    log = FakeArchivedLog(draw(st.integers(1, partitions_max)))
    for key, value, time in draw(st.lists(st.tuples(keys, values, times), max_size=40)):
        partition = partition_of(key or b"", len(log.partitions))
        if misplaced and draw(st.integers(0, 9)) == 0:
            partition = draw(st.integers(0, len(log.partitions) - 1))
        records = log.partitions[partition]
        records.append(LogRecord(partition, len(records), key, value, time))
    return log


@contextmanager
def folder() -> Iterator[Path]:
    """Make a folder for one example."""
    with TemporaryDirectory() as name:
        yield Path(name) / "export"


def exported(log: FakeArchivedLog, into: Path) -> None:
    """Export with small segments."""
    source = Source("topic", len(log.partitions), OURS)
    asyncio.run(export_log(log, source, Folder(into), Silent(), lambda: NOW, SMALL))


def imported(from_: Path, target: FakeArchivedLog) -> None:
    """Import, or continue an import."""

    async def run() -> None:
        place, partitions = Folder(from_), len(target.partitions)
        manifest = read_manifest(place)
        check_export(place, manifest, Silent())
        ends = await target.ends()
        plan = Plan(place, manifest, partitions, Silent())
        await check_beginning(plan.records(), target, ends, "the log", Silent())
        await send(plan.records(), target, ends, manifest.records, Silent())

    asyncio.run(run())


def contents(of: Path) -> dict[str, bytes]:
    """Return every file."""
    return {file.name: file.read_bytes() for file in of.iterdir()}


@settings(ON_DISK)
@given(st.builds(LogRecord, st.integers(0, 2000), st.integers(0, 1 << 47), keys, values, st.integers(-1, 1 << 62)))
def test_a_line_is_a_record_byte_for_byte(record: LogRecord) -> None:
    """A missing key, an empty key and non-text bytes stay different; a line has one line break."""
    line = encode_line(record)

    assert decode_line(line) == record
    assert line.count(b"\n") == 1


@settings(ON_DISK)
@given(st.lists(st.tuples(keys, values, times), min_size=1, max_size=30), st.integers(0, 1 << 40))
def test_a_segment_is_its_records(found: list[tuple[bytes | None, bytes | None, int]], first: int) -> None:
    """The file's contents are the records that were added."""
    records = [LogRecord(3, first + n, *parts) for n, parts in enumerate(found)]
    draft = Draft(first, 4)
    for record in records:
        draft.add(record)
    segment, content = draft.finish()

    assert list(records_in(content, "segment", 3, segment)) == records


@settings(ON_DISK)
@given(logs())
def test_an_export_holds_the_log_and_is_sound(log: FakeArchivedLog) -> None:
    """Every record is there, in segments within their limits, and `verify` finds no error."""
    with folder() as into:
        exported(log, into)
        manifest = read_manifest(Folder(into))
        verified = verify_export(Folder(into), Silent())
        held = FakeArchivedLog(
            len(log.partitions), list(Plan(Folder(into), manifest, len(log.partitions), Silent()).records())
        )

    assert held.partitions == log.partitions
    assert verified.findings == []
    assert verified.records == sum(map(len, log.partitions))
    assert all(segment.records <= SMALL.records_max for *_, segment in manifest.files())


@settings(ON_DISK)
@given(logs(), st.data())
def test_an_interrupted_export_continues_to_the_same_files(log: FakeArchivedLog, data: st.DataObject) -> None:
    """The process may end after any segment, before or after the manifest names it, several times."""
    with folder() as whole, folder() as parts, pytest.MonkeyPatch.context() as patched:
        exported(log, whole)
        for passes in data.draw(st.lists(st.integers(0, 6), max_size=3)):
            fails = ends_after(passes)
            for module in (export, rewrite):
                patched.setattr(module, "fail_point", fails)
            with suppress(Interrupted):
                exported(log, parts)
        patched.undo()
        (parts / ".manifest.json.new").write_bytes(b"{") if parts.exists() else None
        exported(log, parts)

        assert contents(parts) == contents(whole)


@settings(ON_DISK)
@given(logs(), st.data())
def test_an_export_in_steps_holds_the_same_records(log: FakeArchivedLog, data: st.DataObject) -> None:
    """A log that grows between runs gives the same export as all at once; existing files stay unchanged."""
    with folder() as into:
        lengths = [data.draw(st.integers(0, len(records))) for records in log.partitions]
        early = FakeArchivedLog(len(lengths), [r for p, n in enumerate(lengths) for r in log.partitions[p][:n]])
        exported(early, into)
        before = contents(into)
        exported(log, into)
        after = contents(into)
        held = list(Plan(Folder(into), read_manifest(Folder(into)), len(lengths), Silent()).records())

    assert {name: after[name] for name in before if name != MANIFEST} == {
        name: content for name, content in before.items() if name != MANIFEST
    }
    assert FakeArchivedLog(len(lengths), held).partitions == log.partitions


@settings(ON_DISK)
@given(logs(), st.integers(1, 5))
def test_an_import_has_every_record_in_its_partition_in_order(log: FakeArchivedLog, partitions: int) -> None:
    """With as many partitions, positions stay. With others, the key decides, and each source keeps its order.

    A session's records are in one partition of the source, so its order stays.
    """
    plan = list(in_target_order(log.partitions, partitions))
    target = FakeArchivedLog(partitions, plan)

    assert [r.offset for p in target.partitions for r in p] == [n for p in target.partitions for n in range(len(p))]
    if partitions == len(log.partitions):
        assert target.partitions == log.partitions
        return
    for record in plan:
        assert record.partition == (0 if record.key is None else partition_of(record.key, partitions))
    for records in log.partitions:
        for key in {record.key for record in records}:
            here = [(r.value, r.timestamp_ms) for r in records if r.key == key]
            there = [(r.value, r.timestamp_ms) for p in target.partitions for r in p if r.key == key]
            assert is_part(here, there)


@settings(ON_DISK)
@given(logs(misplaced=False), st.integers(1, 5), st.integers(1, 5))
def test_moving_a_log_and_back_leaves_every_session_as_it_was(
    log: FakeArchivedLog, partitions: int, others: int
) -> None:
    """Over any two other partition counts, each key has the same records in the same order."""
    there = FakeArchivedLog(partitions, list(in_target_order(log.partitions, partitions)))
    back = FakeArchivedLog(others, list(in_target_order(there.partitions, others)))

    assert by_key(back) == by_key(log)


@settings(ON_DISK)
@given(logs())
def test_the_order_follows_the_logs_time(log: FakeArchivedLog) -> None:
    """Among the next records of all partitions, the one with the earliest time goes first."""
    latest = -1
    furthest: dict[int, int] = {}
    for record in merged(log.partitions):
        furthest[record.partition] = max(furthest.get(record.partition, 0), record.timestamp_ms)
        assert furthest[record.partition] >= latest
        latest = furthest[record.partition]


@settings(ON_DISK)
@given(logs(), st.integers(1, 5), st.lists(st.integers(0, 15), max_size=3))
def test_an_interrupted_import_continues_to_the_same_log(
    log: FakeArchivedLog, partitions: int, ends: list[int]
) -> None:
    """The process may end after any record, several times; another run then has nothing to add."""
    with folder() as from_:
        exported(log, from_)
        whole, parts = FakeArchivedLog(partitions), FakeArchivedLog(partitions)
        imported(from_, whole)
        for puts in ends:
            parts.puts_left = puts
            with suppress(Interrupted):
                imported(from_, parts)
        parts.puts_left = None
        imported(from_, parts)
        parts.puts_left = 0
        imported(from_, parts)

    assert parts.partitions == whole.partitions


@settings(ON_DISK)
@given(logs(), st.data())
def test_partitions_that_are_ahead_of_one_another_continue(log: FakeArchivedLog, data: st.DataObject) -> None:
    """Kafka acknowledges each partition separately, so an interruption leaves any prefix of each."""
    with folder() as from_:
        exported(log, from_)
        parts = FakeArchivedLog(len(log.partitions))
        for partition, records in enumerate(log.partitions):
            parts.partitions[partition] = records[: data.draw(st.integers(0, len(records)))]
        imported(from_, parts)

    assert parts.partitions == log.partitions


@settings(ON_DISK)
@given(logs(), st.data())
def test_a_log_that_holds_anything_else_is_refused_and_not_touched(log: FakeArchivedLog, data: st.DataObject) -> None:
    """One byte of a value, another key, another time, or one record too many is enough."""
    partition = data.draw(st.integers(0, len(log.partitions) - 1))
    target = FakeArchivedLog(len(log.partitions), [record for records in log.partitions for record in records])
    records = target.partitions[partition]
    change = data.draw(st.sampled_from(["value", "key", "time", "more"])) if records else "more"
    if change == "more":
        records.append(LogRecord(partition, len(records), b"k", b"v", 1))
    else:
        at = data.draw(st.integers(0, len(records) - 1))
        old = records[at]
        new = {"value": {"value": b"x%b" % (old.value or b"")}, "key": {"key": b"x%b" % (old.key or b"")}}
        records[at] = old._replace(**new.get(change, {"timestamp_ms": old.timestamp_ms + 1}))
        del records[at + 1 :]
    before = [list(records) for records in target.partitions]
    with folder() as from_:
        exported(log, from_)

        with pytest.raises(Refused, match="not empty"):
            imported(from_, target)

    assert target.partitions == before


@settings(ON_DISK, max_examples=examples(150))
@given(logs(), st.data())
def test_a_flipped_bit_anywhere_is_found_and_its_file_named(log: FakeArchivedLog, data: st.DataObject) -> None:
    """This holds for each byte of each file; nothing of such an export is imported."""
    with folder() as into:
        exported(log, into)
        file = data.draw(st.sampled_from(sorted(file for file in into.iterdir() if file.stat().st_size)))
        raw = bytearray(file.read_bytes())
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        file.write_bytes(raw)

        verified = verify_export(Folder(into), Silent())
        target = FakeArchivedLog(len(log.partitions))
        with pytest.raises((Damaged, Refused)):
            imported(into, target)

    assert [finding.file for finding in verified.findings] == [file.name]
    assert not any(target.partitions)


@settings(ON_DISK)
@given(logs(), st.data())
def test_a_missing_or_swapped_file_is_found(log: FakeArchivedLog, data: st.DataObject) -> None:
    """So is a segment swapped with another, and an export that lacks a file does not continue."""
    with folder() as into:
        exported(log, into)
        segments = sorted(file for file in into.iterdir() if file.name != MANIFEST)
        if not segments:
            return
        file = data.draw(st.sampled_from(segments))
        other = data.draw(st.sampled_from([None, *(segment for segment in segments if segment != file)]))
        file.unlink()
        if other is not None:
            shutil.copy(other, file)
        verified = verify_export(Folder(into), Silent())
        if other is None:
            with pytest.raises(Damaged, match=file.name):
                exported(log, into)

    assert [finding.file for finding in verified.findings] == [file.name]


@settings(ON_DISK)
@given(logs(), st.sampled_from(["records", "misplaced", "offsets", "partition", "last"]))
def test_an_export_that_is_signed_again_but_lies_is_found(log: FakeArchivedLog, lie: str) -> None:
    """`verify` trusts no number in the manifest: it counts, and checks each position and key."""
    with folder() as into:
        exported(log, into)
        manifest = read_manifest(Folder(into))
        if not manifest.records:
            return
        name, partition, segment = next(manifest.files())
        lying, content = lie_of(lie, list(checked_records(Folder(into), partition, segment)), segment)
        (into / name).write_bytes(content or (into / name).read_bytes())
        manifest.segments[partition][0] = lying
        if lie == "records":  # it must be the last one; otherwise the manifest contradicts itself
            del manifest.segments[partition][1:]
        (into / MANIFEST).write_bytes(encode_manifest(manifest))

        findings = verify_export(Folder(into), Silent()).findings

    assert [finding.file for finding in findings] == [name]


def test_an_empty_manifest_is_sealed_too() -> None:
    """Even a space between two words counts as a change."""
    raw = encode_manifest(new_manifest(Source("t", 1, OURS), NOW))

    assert decode_manifest(raw).ends == [0]
    with pytest.raises(Damaged):
        decode_manifest(raw.replace(b"\n", b" "))


def lie_of(lie: str, records: list[LogRecord], segment: Segment) -> tuple[Segment, bytes]:
    """Return a segment that contradicts its records, and its file's content if it differs."""
    if lie in ("records", "misplaced"):
        return structs.replace(segment, **{lie: getattr(segment, lie) + 1}), b""
    if lie == "last":
        return structs.replace(segment, last=line_hash(records[0]._replace(value=b"other"))), b""
    draft = Draft(segment.first, 1)
    for record in records:
        draft.add(record._replace(**({"offset": record.offset + 1} if lie == "offsets" else {"partition": 9})))
    lying, content = draft.finish()
    return structs.replace(lying, misplaced=segment.misplaced), content


def ends_after(passes: int) -> Callable[[str], None]:
    """Return a fail point that ends the process after so many passes."""
    left = passes

    def fail_point(_name: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Interrupted

    return fail_point


def is_part(some: list[tuple[bytes | None, int]], all_: list[tuple[bytes | None, int]]) -> bool:
    """Return whether ``some`` are in ``all_``, in order."""
    rest = iter(all_)
    return all(any(one == other for other in rest) for one in some)


def by_key(log: FakeArchivedLog) -> dict[bytes | None, list[tuple[bytes | None, int]]]:
    """Return the records of each key in order; records without a key, in any order, belong to no session."""
    found: dict[bytes | None, list[tuple[bytes | None, int]]] = {}
    for records in log.partitions:
        for record in records:
            if record.key is not None:
                found.setdefault(record.key, []).append((record.value, record.timestamp_ms))
    return found
