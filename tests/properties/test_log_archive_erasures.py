"""An export holds nothing that its log says is erased, and an import brings none of it back."""

import asyncio
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import msgspec
import pytest
from backports.zstd import decompress
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, structs

from ingest.log.archive import erasures, export, rewrite
from ingest.log.archive.erasures import ERASURES, read_erasures
from ingest.log.archive.folder import Folder
from ingest.log.archive.manifest import MANIFEST, Manifest, Source, encode_manifest, new_manifest, read_manifest
from ingest.log.archive.refusals import Damaged, Refused
from ingest.log.archive.restore import Plan, check_beginning, check_export, send
from ingest.log.archive.segment import SUFFIX, Draft, segment_name
from ingest.log.archive.verify import verify_export
from ingest.log.kept import cuts_in, kept
from schemas.log.codec import encode, erasure_in, is_stub
from schemas.log.position import LogRecord
from schemas.log.records import AnyErasure, PositionsErased
from schemas.log.topics import erasures_id, partition_of, record_key
from tests.properties.test_log_archive import (
    NOW,
    ON_DISK,
    OURS,
    FakeArchivedLog,
    Interrupted,
    Silent,
    contents,
    ends_after,
    exported,
)
from tests.support.builders import T0, hook, positions_erased, records_erased
from tests.support.builders import recorded as hooks
from tests.support.builders import session_id as named
from tests.support.examples import examples

SOME = settings(ON_DISK, max_examples=examples(60))
ORGS, SESSIONS = ["acme", "globex"], [named(number) for number in range(4)]
POSITIONS = 10
# An org, and a session of it; -1: an erasure of the org, less: of sessions; from 10 on: of some positions.
Step = tuple[str, int]
steps = st.tuples(
    st.sampled_from(ORGS), st.integers(0, 3) | st.integers(0, 3) | st.integers(-4, 3) | st.integers(POSITIONS, 12)
)


def needle(number: int) -> str:
    return f"needle-{number:03d}-of-a-prompt"


def grow(log: FakeArchivedLog, some: Iterable[Step]) -> None:
    """Append a prompt, or an erasure to each partition concerned, for each step; sometimes garbage."""
    partitions = len(log.partitions)
    for org, session in some:
        number = sum(map(len, log.partitions))
        if session >= POSITIONS:
            for partition, records in enumerate(log.partitions):
                if offsets := range(session - POSITIONS, len(records), 2):
                    at = positions_erased(partition, *offsets, org_id=org, partitions=partitions)
                    at = structs.replace(at, erasure=UUID(int=number, version=4), received_at=T0 + number)
                    append(log, record_key(at.session_id), encode(at), T0 + number)
            continue
        if session >= 0:
            record = hooks(SESSIONS[session], hook("UserPromptSubmit", prompt=needle(number)), org_id=org)
            append(log, record_key(SESSIONS[session]), encode(record), T0 + number)
            continue
        subject = SESSIONS[: -session - 1]  # none: the org
        for partition in range(partitions):
            here = [one for one in subject if partition_of(record_key(one), partitions) == partition]
            if here or not subject:
                erasure = records_erased(partition, *here, org_id=org, partitions=partitions)
                erasure = structs.replace(erasure, erasure=UUID(int=number, version=4), received_at=T0 + number)
                append(log, record_key(erasure.session_id), encode(erasure), T0 + number)


def append(log: FakeArchivedLog, key: bytes, value: bytes, time: int) -> None:
    records = log.partitions[partition_of(key, len(log.partitions))]
    records.append(LogRecord(partition_of(key, len(log.partitions)), len(records), key, value, time))


def swept(log: FakeArchivedLog) -> FakeArchivedLog:
    """Return the log with stubs in the place of what it says is erased, as a sweep leaves it."""
    records = [record for partition in log.partitions for record in partition]
    cuts = cuts_in(records, len(log.partitions))
    return FakeArchivedLog(len(log.partitions), [kept(record, cuts, len(log.partitions)) for record in records])


def held_by(folder: Path) -> list[list[LogRecord]]:
    """Return the records that the segments of a folder hold, without regard to what is erased."""
    manifest = read_manifest(Folder(folder))
    found: list[list[LogRecord]] = [[] for _ in range(manifest.partitions)]
    for _, partition, segment in manifest.files():
        found[partition] += erasures.checked_records(Folder(folder), partition, segment)
    return found


def bytes_of(folder: Path) -> bytes:
    """Return every byte of a folder; segments are decompressed, whether the manifest names them or not."""
    files = [(file.name, file.read_bytes()) for file in folder.iterdir()]
    return b"".join(decompress(content) if name.endswith(SUFFIX) else content for name, content in files)


def erased_needles(log: FakeArchivedLog) -> list[bytes]:
    """Return the words of all records that a log says are erased."""
    pairs = zip(log.partitions, swept(log).partitions, strict=True)
    gone = [record for old, new in pairs for record, stub in zip(old, new, strict=True) if record != stub]
    return [needle(record.timestamp_ms - T0).encode() for record in gone]


def imported(from_: Path, target: FakeArchivedLog, newer: Sequence[AnyErasure] = ()) -> None:
    """Import, or continue an import."""

    async def run() -> None:
        place, ends = Folder(from_), await target.ends()
        manifest = read_manifest(place)
        check_export(place, manifest, Silent())
        plan = Plan(place, manifest, len(target.partitions), Silent(), newer)
        await check_beginning(plan.records(), target, ends, "the log", Silent())
        await send(plan.records(), target, ends, manifest.records, Silent())

    asyncio.run(run())


@contextmanager
def folders(*names: str) -> Iterator[list[Path]]:
    """Name folders for one example, which don't exist yet."""
    with TemporaryDirectory() as made:
        yield [Path(made) / name for name in names]


def all_records(log: FakeArchivedLog) -> list[LogRecord]:
    return [record for partition in log.partitions for record in partition]


@SOME
@given(st.integers(1, 3), st.lists(st.tuples(st.lists(steps, max_size=9), st.booleans()), min_size=1, max_size=4))
def test_a_folder_holds_what_the_log_keeps(partitions: int, nights: list[tuple[list[Step], bool]]) -> None:
    """After each export, byte for byte, whether the log was swept before or not; and no word of what is erased."""
    log, original = FakeArchivedLog(partitions), FakeArchivedLog(partitions)
    expected: list[list[LogRecord]] = [[] for _ in range(partitions)]
    with folders("export") as (into,):
        for some, sweeps in nights:
            grow(original, some)
            for records, all_of in zip(log.partitions, original.partitions, strict=True):
                records += all_of[len(records) :]
            log = swept(log) if sweeps else log
            exported(log, into)
            cuts = cuts_in(all_records(log), partitions)
            new = [records[len(old) :] for records, old in zip(log.partitions, expected, strict=True)]
            expected = [
                [kept(record, cuts, partitions) for record in [*old, *more]]
                for old, more in zip(expected, new, strict=True)
            ]
            listed = {encode(one) for one in read_erasures(into / ERASURES)}

            assert held_by(into) == expected
            assert verify_export(Folder(into), Silent()).findings == []
            assert not [word for word in erased_needles(original) if word in bytes_of(into)]
            assert listed == {r.value for r in all_records(log) if b's_erased"' in (r.value or b"")}


@SOME
@given(st.integers(1, 3), st.lists(steps, max_size=16), st.lists(steps, max_size=9), st.data())
def test_an_interrupted_export_rewrites_to_the_same_files(
    partitions: int, before: list[Step], after: list[Step], data: st.DataObject
) -> None:
    """The process may end after any step, several times: the folder is sound at each end, and the same in the end."""
    log = FakeArchivedLog(partitions)
    grow(log, before)
    with folders("whole", "parts") as (whole, parts), pytest.MonkeyPatch.context() as patched:
        exported(log, whole)
        shutil.copytree(whole, parts)
        grow(log, after)
        grow(log, [(ORGS[0], -1)])
        exported(log, whole)
        for passes in data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=4)):
            fails = ends_after(passes)
            for module in (export, rewrite):
                patched.setattr(module, "fail_point", fails)
            with suppress(Interrupted):
                exported(log, parts)
            assert verify_export(Folder(parts), Silent()).findings == []
        patched.undo()
        exported(log, parts)

        assert contents(parts) == contents(whole)


@pytest.mark.fault(row=32)
@SOME
@given(st.integers(1, 3), st.integers(1, 4), st.lists(steps, max_size=16), st.lists(steps, max_size=6), st.data())
def test_an_older_export_and_the_newest_list_bring_nothing_back(
    partitions: int, target_partitions: int, before: list[Step], after: list[Step], data: st.DataObject
) -> None:
    """No word of what is erased, in any number of partitions; what is sent for it later is erased, too.

    An interrupted import continues to the same log, and another one adds nothing.
    """
    log, others = FakeArchivedLog(partitions), data.draw(st.integers(1, 3))
    if others != partitions:  # the list of a log that was moved has no positions of this one
        before, after = ([step for step in some if step[1] < POSITIONS] for some in (before, after))
    grow(log, before)
    with folders("old", "new") as (old, new):
        exported(log, old)
        held = held_by(old)
        grow(log, after)
        if others != partitions:  # the list is of a log that was moved since
            exported(moved(log, others, new.with_name("between")), new)
        else:
            exported(log, new)
        newer = read_erasures(new / ERASURES)
        target, parts = FakeArchivedLog(target_partitions), FakeArchivedLog(target_partitions)
        imported(old, target, newer)
        for puts in data.draw(st.lists(st.integers(0, 15), max_size=3)):
            parts.puts_left = puts
            with suppress(Interrupted):
                imported(old, parts, newer)
        parts.puts_left = None
        imported(old, parts, newer)
        parts.puts_left = 0
        imported(old, parts, newer)

    there = all_records(target)
    assert parts.partitions == target.partitions
    assert not [word for word in erased_needles(log) if word in b"".join(record.value or b"" for record in there)]
    assert [r.offset for p in target.partitions for r in p] == [n for p in target.partitions for n in range(len(p))]
    assert erased_by(target) == erased_by(log)
    assert_says_each_once(target)
    assert_refuses_later_records(target, erased_by(log))
    if target_partitions == partitions:
        for old_records, new_records in zip(held, target.partitions, strict=True):
            beginning = [record._replace(value=b"") for record in new_records[: len(old_records)]]
            assert beginning == [record._replace(value=b"") for record in old_records]
            assert all(
                record.key == record_key(erasures_id(record.partition, partitions))
                for record in new_records[len(old_records) :]
            )


def test_positions_of_a_log_with_other_partitions_are_refused(tmp_path: Path) -> None:
    """A list that erases positions is of the export's log, or of one that has as many partitions."""
    log, of_other = FakeArchivedLog(2), positions_erased(0, 0, partitions=1)
    grow(log, [("acme", 0), ("acme", 1)])
    exported(log, tmp_path / "export")

    with pytest.raises(Refused, match="positions in a log of 1 partitions, and the export is of 2"):
        imported(tmp_path / "export", FakeArchivedLog(2), [of_other])


def test_positions_beyond_an_older_export_are_left_to_what_follows_it(tmp_path: Path) -> None:
    """There, the newest log has other records than the ones that will follow: the import erases none of them."""
    log, target = FakeArchivedLog(1), FakeArchivedLog(1)
    grow(log, [("acme", 0), ("acme", 1)])
    exported(log, tmp_path / "export")
    newest = positions_erased(0, 1, 2, 3, partitions=1)

    imported(tmp_path / "export", target, [newest])

    found = [erasure_in(record, 1) for record in all_records(target)]
    assert [one.offsets for one in found if isinstance(one, PositionsErased)] == [(1,)]
    assert [is_stub(record) for record in all_records(target)] == [False, True, False]


def moved(log: FakeArchivedLog, partitions: int, by: Path) -> FakeArchivedLog:
    """Return the log after a move to another number of partitions."""
    exported(log, by)
    target = FakeArchivedLog(partitions)
    imported(by, target)
    return target


def erased_by(log: FakeArchivedLog) -> set[tuple[str, UUID | None, UUID]]:
    """Return org, session and erasure of everything that is erased; the session of an org is None."""
    found = cuts_in(all_records(log), len(log.partitions))
    return {(org, None, erasure) for (org, _), erasure in found.orgs.items()} | {
        (org, session, erasure) for (org, session), erasure in found.sessions.items()
    }


def assert_says_each_once(log: FakeArchivedLog) -> None:
    """Check that no erasure is repeated in a partition, although several lists had it."""
    records = [(record.partition, erasure_in(record, len(log.partitions))) for record in all_records(log)]
    said = [
        (partition, one.org_id, one.erasure, what)
        for partition, one in records
        if one is not None
        for what in (one.offsets if isinstance(one, PositionsErased) else one.sessions or [None])
    ]
    assert len(said) == len({*said})


def assert_refuses_later_records(log: FakeArchivedLog, erased: set[tuple[str, UUID | None, UUID]]) -> None:
    cuts = cuts_in(all_records(log), len(log.partitions))
    for org, session, _ in erased:
        for one in SESSIONS if session is None else [session]:
            key = record_key(one)
            later = encode(hooks(one, hook("Stop"), org_id=org))
            at = LogRecord(partition_of(key, len(log.partitions)), 0, key, later, T0)
            assert is_stub(kept(at, cuts, len(log.partitions)))


def exported_by_an_earlier_version(log: FakeArchivedLog, into: Path) -> Manifest:
    """Make a folder of format 1, whose segments have what is erased."""
    into.mkdir()
    manifest = structs.replace(new_manifest(Source("topic", len(log.partitions), OURS), NOW), format=1)
    for partition, records in enumerate(log.partitions):
        draft = Draft(0, len(log.partitions))
        for record in records:
            draft.add(record)
        if records:
            segment, content = draft.finish()
            (into / segment_name(partition, segment)).write_bytes(content)
            manifest = manifest.with_segment(partition, segment, NOW)
    (into / MANIFEST).write_bytes(encode_manifest(manifest))
    return manifest


@SOME
@given(st.integers(1, 3), st.lists(steps, max_size=16), st.lists(steps, max_size=3))
def test_a_folder_of_format_1_is_read_and_brought_up_to_date(
    partitions: int, before: list[Step], after: list[Step]
) -> None:
    """It is sound and can be imported as it is; the next export erases in it what is erased."""
    log = FakeArchivedLog(partitions)
    grow(log, before)
    with folders("old") as (into,):
        manifest = exported_by_an_earlier_version(log, into)
        raw = msgspec.json.decode((into / MANIFEST).read_bytes())
        target = FakeArchivedLog(partitions)
        imported(into, target)
        grow(log, after)
        exported(log, into)

        assert (raw["format"], "erasures" in raw, manifest.erasures) == (1, False, UNSET)
        assert not any("epoch" in segment for segments in raw["segments"] for segment in segments)
        assert target.partitions == [r[: len(t)] for r, t in zip(swept_at(log, target), target.partitions, strict=True)]
        assert held_by(into) == swept(log).partitions
        assert msgspec.json.decode((into / MANIFEST).read_bytes())["format"] == 2
        assert verify_export(Folder(into), Silent()).findings == []


def swept_at(log: FakeArchivedLog, earlier: FakeArchivedLog) -> list[list[LogRecord]]:
    """Return what a sweep left when the log was as long as an earlier one."""
    pairs = zip(log.partitions, earlier.partitions, strict=True)
    return swept(
        FakeArchivedLog(len(log.partitions), [r for long, short in pairs for r in long[: len(short)]])
    ).partitions


def test_a_night_without_an_erasure_reads_no_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only new erasures make an export read its folder, so a night costs what was added."""
    log, read = FakeArchivedLog(2), list[object]()
    grow(log, [("acme", 0), ("acme", 1), ("acme", -2)])
    exported(log, tmp_path / "export")
    for module in (erasures, rewrite):
        monkeypatch.setattr(module, "checked_records", lambda *found: read.append(found) or iter(()))
    grow(log, [("acme", 0), ("acme", 1)])

    exported(log, tmp_path / "export")

    assert read == []


def test_an_interrupted_export_with_a_longer_list_is_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is on disk before the manifest names its end; any other change of the list is found."""
    log, into = FakeArchivedLog(1), tmp_path / "export"
    grow(log, [("acme", 0), ("acme", -2)])
    exported(log, into)
    grow(log, [("globex", -1)])
    monkeypatch.setattr(rewrite, "fail_point", ends_after(0))
    with suppress(Interrupted):
        exported(log, into)
    raw = (into / ERASURES).read_bytes()
    sound = verify_export(Folder(into), Silent()).findings
    found = []
    for content in (raw[:-1] + b"x\n", raw.splitlines(keepends=True)[1], b"", raw[:1] + b"x" + raw[2:]):
        (into / ERASURES).write_bytes(content)
        found += verify_export(Folder(into), Silent()).findings
        with pytest.raises(Damaged, match=ERASURES):
            exported(log, into)

    assert (len(raw.splitlines()), sound) == (2, [])
    assert [one.file for one in found] == [ERASURES] * 4


@pytest.mark.parametrize("change", [{"key": b"k"}, {"timestamp_ms": 1}, {"value": b"other"}])
def test_an_erased_end_with_another_key_or_time_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    """Only the value may differ, and only if a stub takes its place: anything else is another log."""
    log, into = FakeArchivedLog(1), tmp_path / "export"
    grow(log, [("acme", 0)])
    exported(log, into)
    grow(log, [("acme", -2)])
    log = swept(log)
    log.partitions[0][0] = log.partitions[0][0]._replace(**change)

    with pytest.raises(Refused, match="another record at 0:0"):
        exported(log, into)


def test_a_list_that_lacks_an_erasure_is_found(tmp_path: Path) -> None:
    """`verify` compares the list with the records, even if the manifest is signed again."""
    log, into = FakeArchivedLog(1), tmp_path / "export"
    grow(log, [("acme", 0), ("acme", -2)])
    exported(log, into)
    empty = structs.replace(read_manifest(Folder(into)), erasures=rewrite.listed(b""))
    (into / MANIFEST).write_bytes(encode_manifest(empty))

    (finding,) = verify_export(Folder(into), Silent()).findings

    assert f"{ERASURES} lacks the erasure at 0:1" in finding.what


@pytest.mark.parametrize("content", [b"{}\n", b"garbage", encode(hooks(SESSIONS[0], hook("Stop"))), None])
def test_a_file_that_isnt_a_list_of_erasures_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """The message names the file, and the line if there is one."""
    good = encode(records_erased(0, SESSIONS[0], partitions=1)) + b"\n"
    if content is not None:
        (tmp_path / "list").write_bytes(good + content)

    with pytest.raises(Refused, match="list can't be read" if content is None else "list is not a list.*line 2"):
        read_erasures(tmp_path / "list")
