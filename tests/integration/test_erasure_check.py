"""`erasures check` finds what is left of what is erased: in a table, a part, the log, or its archive."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from generations.erasure_check import ErasureCheck
from ingest.log.tiered import Copy, copies_of
from query_api.erasure.checks import Left, LeftInLog
from schemas.log.position import LogRecord
from schemas.log.topics import erasures_id, partition_of, record_key
from tests.properties.test_keeper import AGES, PARTITIONS, Kept, stubbed
from tests.support.builders import ORG, LogBuilder, created, hook, recorded, records_erased, session_id
from tests.support.rigs.projection import ListedLog, new_pipeline, settle
from tests.support.rigs.store import Options, TestStore, new_address, new_store

GONE, OTHER_ORG = session_id(0), "globex"
HOME = partition_of(record_key(GONE), PARTITIONS)


@pytest.fixture
def store(embedded_engine: Options) -> Iterator[TestStore]:
    yield from new_store(new_address(embedded_engine), PARTITIONS)


def worked_on() -> LogBuilder:
    """Return a log in which a session and an org are erased, and others are not."""
    log = LogBuilder(PARTITIONS)
    for n in range(4):
        log.add(created(session_id(n)), recorded(session_id(n), hook("Stop", prompt=str(n))))
    log.add(*[created(session_id(n, OTHER_ORG), org_id=OTHER_ORG) for n in range(8)])
    log.add(records_erased(HOME, GONE, partitions=PARTITIONS))
    log.add(*[records_erased(p, org_id=OTHER_ORG, partitions=PARTITIONS) for p in range(PARTITIONS)])
    return log


async def project(store: TestStore, records: Sequence[LogRecord]) -> None:
    pipeline = new_pipeline(store, records)
    await pipeline.project(records)
    await settle(pipeline)


async def check(store: TestStore, copies: Sequence[Copy]) -> Left:
    return await ErasureCheck(store.warehouse(), copies, PARTITIONS).run(lambda *_: None)


async def test_whatever_is_left_is_found(store: TestStore) -> None:
    """A record of a log that was not rewritten, a row that was written later, and a part that still has it."""
    records = worked_on().records
    rewritten = copies_of(ListedLog(stubbed(records), PARTITIONS), PARTITIONS)
    await project(store, stubbed(records))
    clean = await check(store, rewritten)
    original = await check(store, copies_of(ListedLog(records, PARTITIONS), PARTITIONS))
    store.client.command(f"INSERT INTO {store.database}.tasks (org_id, session_id) VALUES ('{ORG}', '{GONE}')")
    row = await check(store, rewritten)
    store.client.command(f"DELETE FROM {store.database}.tasks WHERE session_id = '{GONE}'")
    part = await check(store, rewritten)

    changed = [old for old, new in zip(records, stubbed(records), strict=True) if old != new]
    first = min(record.offset for record in changed if record.partition == 0)
    read = tuple((0, sum(record.partition == p for record in records)) for p in range(PARTITIONS))
    assert (clean, clean.is_nothing) == (Left({}, [], [LeftInLog("log", read=read)]), True)
    assert (original.logs, original.is_nothing) == ([LeftInLog("log", 10, f"0:{first}", read)], False)
    assert (row.tables, row.parts, row.is_nothing) == ({"tasks": 1}, [], False)
    assert (part.tables, part.is_nothing) == ({}, False)
    assert {name.partition(".")[0] for name in part.parts} == {"tasks"}
    ends = {p: end for p, (_, end) in enumerate(read)}
    at = {record.partition: record.offset for record in records if record.key == record_key(erasures_id(1 - HOME, 2))}
    of_session = next(r for r in records if r.key == record_key(erasures_id(HOME, 2)))
    clean_below = [left.clean_below(ends, PARTITIONS) for left in (clean, original, row, part)]
    nothing_of_either = [0] * PARTITIONS
    nothing_of_either[HOME], nothing_of_either[1 - HOME] = of_session.offset, at[1 - HOME]
    row_of_session = [ends[0], ends[1]]
    row_of_session[HOME] = of_session.offset
    assert clean_below == [[ends[0], ends[1]], nothing_of_either, row_of_session, [0, 0]]
    assert (row.erasures, row.with_rows) == ({HOME: of_session.offset}, {HOME: of_session.offset})


async def test_topic_and_archive_are_checked_each(store: TestStore, tmp_path: Path) -> None:
    """The archive has stubs a day after an erasure; the topic has the records until they are trimmed."""
    log = Kept(tmp_path / "archive")
    records = worked_on().records
    for record in records[:-3]:
        log.topic.append(record.key or b"", record.value or b"")
    await log.keeper.look()
    for record in records[-3:]:
        log.topic.append(record.key or b"", record.value or b"")
    await project(store, records)
    found = []
    for wait_s in (0, AGES.archive_s + 1, AGES.hot_s + 1):
        log.topic.now_s += int(wait_s)
        await log.keeper.look()
        found.append((await check(store, copies_of(log.new_reader(), PARTITIONS))).logs)

    left = [[one.records for one in logs] for logs in found]
    assert [one.place for one in found[0]] == ["topic", "archive"]
    assert left == [[10, 10], [10, 0], [0, 0]]
