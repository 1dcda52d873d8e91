"""Erased records leave the file of an embedded log: no byte of them is in its pages or its write-ahead log."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pytest

from generations.erasure_check import ErasureCheck, _Erasures
from ingest.log.sqlite import file_bytes, sqlite_log
from ingest.log.sqlite.file import open_read_only
from ingest.log.sqlite.file_bytes import records_in_bytes
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from processors.warehouse import ClickHouseWarehouse
from query_api.erasure.checks import LeftInLog
from schemas.log.codec import decode, encode
from schemas.log.position import LogRecord, LogUnavailable
from schemas.log.records import AnyRecord, Erased, PricesLoaded, RecordsErased
from schemas.log.topics import record_key
from tests.contract.test_record_samples import SAMPLES, decode_sample
from tests.support.builders import ORG, LogBuilder, hook, recorded, records_erased
from tests.support.builders import session_id as named

NEEDLE, NEIGHBOUR = b"needle-5d1f0c", b"neighbour-77a2"
LONG = 3_000  # words: a record of several pages


async def a_log(path: Path) -> SqliteEventLog:
    """Open a log in which short and long records of two sessions alternate, and the second one is then erased."""
    log, builder = SqliteEventLog(path), LogBuilder(1)
    await log.start()
    for number in range(40):
        session, text = (named(0), NEEDLE) if number % 2 else (named(1), NEIGHBOUR)
        prompt = " ".join([text.decode()] * (LONG if number % 3 else 1))
        builder.add(recorded(session, hook("UserPromptSubmit", prompt=prompt)))
    builder.add(records_erased(0, named(0), partitions=1))
    for record in builder.records:
        await log.append(record.key or b"", record.value or b"")
    return log


def bytes_of(folder: Path) -> bytes:
    """Return the log and its write-ahead log; the index of the latter has no content."""
    return b"".join(file.read_bytes() for file in folder.iterdir() if not file.name.endswith("-shm"))


def decoded(records: Iterable[LogRecord]) -> list[AnyRecord]:
    return [decode(record, 1) for record in records]


async def test_no_byte_of_an_erased_record_is_left(tmp_path: Path) -> None:
    """Before, the words are there; then only those of the neighbour are. A second rewrite finds nothing to do."""
    log = await a_log(tmp_path / "log.sqlite")
    before = await log.read(0, 0, 100, 1 << 30)
    assert NEEDLE in bytes_of(tmp_path)

    counts = [await log.rewrite(), await log.rewrite()]

    after = await log.read(0, 0, 100, 1 << 30)
    await log.append(before[0].key or b"", before[0].value or b"")  # the writer goes on
    await log.stop()
    assert counts == [20, 0]
    assert NEEDLE not in bytes_of(tmp_path)
    assert NEIGHBOUR in bytes_of(tmp_path)
    assert [record._replace(value=b"") for record in after] == [record._replace(value=b"") for record in before]
    assert [isinstance(record, Erased) for record in decoded(after)] == [False, True] * 20 + [False]
    assert [record.value for record in after][::2] == [record.value for record in before][::2]


async def test_a_reader_that_still_needs_old_pages_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rewrite ends once the reader does. If it never does, the rewrite says so, and a later one finishes it."""
    log, reader = await a_log(tmp_path / "log.sqlite"), open_read_only(tmp_path / "log.sqlite")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM records").fetchone()

    monkeypatch.setattr(sqlite_log, "_CUTS_MAX", 2)
    with pytest.raises(LogUnavailable, match="old pages in its -wal file"):
        await log.rewrite()
    assert NEEDLE in bytes_of(tmp_path)
    monkeypatch.setattr(sqlite_log, "_CUTS_MAX", 300)
    rewriting = asyncio.ensure_future(log.rewrite())
    await asyncio.sleep(0.1)
    reader.close()
    assert await rewriting == 0

    assert NEEDLE not in bytes_of(tmp_path)
    await log.stop()


async def test_nothing_is_written_where_nothing_is_erased(tmp_path: Path) -> None:
    """The file stays as it is."""
    log = SqliteEventLog(tmp_path / "log.sqlite")
    await log.start()
    for record in LogBuilder(1).add(recorded(named(0), hook("Stop"))):
        await log.append(record.key or b"", record.value or b"")
    before = bytes_of(tmp_path)

    assert await log.rewrite() == 0

    assert bytes_of(tmp_path) == before
    await log.stop()


async def left_in_bytes(path: Path) -> LeftInLog:
    """Return what a check finds in the files if the first session is erased."""
    check = ErasureCheck(cast(ClickHouseWarehouse, None), [], 1)
    return await check._left_in_file(path, _Erasures([{(ORG, named(0)): 40}]))


async def test_a_check_finds_old_pages_in_the_write_ahead_log(tmp_path: Path) -> None:
    """Each record once, however often its page was written; neither the neighbour's records, nor stubs."""
    path = tmp_path / "log.sqlite"
    wal = tmp_path / "log.sqlite-wal"
    log = await a_log(path)
    before, old_pages = await left_in_bytes(path), wal.read_bytes()
    await log.rewrite()
    clean = await left_in_bytes(path)
    await log.stop()
    wal.write_bytes(old_pages)

    planted = await left_in_bytes(path)

    assert before.records == 20
    assert clean == LeftInLog("file")
    assert (planted.records, planted.first.endswith(" of log.sqlite-wal")) == (20, True)


async def test_a_record_of_any_kind_is_found_wherever_a_piece_of_the_file_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is no log: bytes of records, each after its key, and one after the key of another session."""
    records = [decode_sample(sample) for sample in SAMPLES]
    expected = [one for one in records if not isinstance(one, Erased | RecordsErased | PricesLoaded)]
    forged = record_key(named("other")) + encode(expected[0])
    found = []
    for piece_bytes in (1 << 20, 97):
        monkeypatch.setattr(file_bytes, "PIECE_BYTES", piece_bytes)
        (tmp_path / "log").write_bytes(forged + b"".join(record_key(one.session_id) + encode(one) for one in records))
        found.append([one async for one in records_in_bytes(tmp_path / "log")])

    assert found[0] == found[1]
    assert [one[:3] for one in found[0]] == [(str(one.record_id), one.org_id, one.session_id) for one in expected]
