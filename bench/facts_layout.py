"""Which layout of `facts` is best: insert, merge, disk and the page of a session's events, measured together.

Each variant is the product's table with another granularity or sort key. Every round makes it anew in a store of its
own, inserts the same blocks while merges are stopped, merges them into one part, and reads pages as the API does.
"""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import UUID

from msgspec import structs

from bench.harness import BenchQuestion, Figure, Report, of_rounds
from bench.kafka import make_records
from bench.payloads import BATCH, make_scripts
from bench.population import ORG
from bench.rounds import ROUNDS
from bench.services import in_own_process, temporary_folder
from processors.projections.records import fact_rows
from processors.rowbinary import event_parts, event_prefix
from processors.warehouse import ClickHouseWarehouse
from runtime.settings.store_url import parse_store_url
from schemas.log.position import LogRecord
from schemas.log.records import EventsRecorded
from store.connect import WRITE, Client, connect
from store.migrate import migrations
from store.reading.statements import statement_without

BLOCKS, BLOCK_ROWS = 5, 80_000
PAGES, PAGE_EVENTS = 40, 100
GRANULARITY, SORT_KEY = "index_granularity = 2048", "ORDER BY (org_id, session_id, place)"
VARIANTS = {
    "as it is": {},
    "granularity 512": {GRANULARITY: "index_granularity = 512"},
    "granularity 8192": {GRANULARITY: "index_granularity = 8192"},
    "by event id, 512": {SORT_KEY: "ORDER BY (org_id, session_id, event_id)", GRANULARITY: "index_granularity = 512"},
}
_FILTERS = frozenset({"after", "before", "event_type", "tool_name", "agent_id"})
_BYTES = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'facts'"
_SESSIONS = """
SELECT org_id, session_id
FROM facts
GROUP BY org_id, session_id
HAVING count() BETWEEN {least:UInt64} AND {most:UInt64}
ORDER BY session_id
"""
_ORDINARY, _LONG = (3 * PAGE_EVENTS, 20_000), (20_001, 10**9)  # events


class Layout(NamedTuple):
    """What one round measured, for each event: µs of wall time and of processor time, bytes. Of a page: ms."""

    insert_us: float
    insert_cpu_us: float
    merge_us: float
    merge_cpu_us: float
    disk: float
    page: float
    page_cpu: float
    page_of_long: float
    page_of_long_cpu: float


UNITS = ("µs/event", "µs/event", "µs/event", "µs/event", "B/event", "ms", "ms", "ms", "ms")


def measure_layout(folder: str, changes: dict[str, str]) -> Layout:
    """Measure one variant in a new store in ``folder``."""
    store = parse_store_url(f"chdb://{folder}/store")
    client = connect(WRITE, **store.at("default"))
    client.command("CREATE DATABASE layout")
    client.close()
    client = connect(WRITE, **store.at("layout"))
    client.command(_ddl(changes))
    client.command("SYSTEM STOP MERGES layout.facts")
    warehouse = ClickHouseWarehouse(partial(connect, WRITE, **store.at("layout")), "layout", "g1", embedded=True)
    rows, insert, insert_cpu = 0, 0.0, 0.0
    for count, block in make_blocks():
        wall, cpu = time.perf_counter(), time.process_time()
        warehouse.insert("facts", block)
        insert, insert_cpu = insert + time.perf_counter() - wall, insert_cpu + time.process_time() - cpu
        rows += count
    client.command("SYSTEM START MERGES layout.facts")
    wall, cpu = time.perf_counter(), time.process_time()
    client.command("OPTIMIZE TABLE facts FINAL")
    merge, merge_cpu = time.perf_counter() - wall, time.process_time() - cpu
    disk = client.query(_BYTES).first_row[0]
    us = 1e6 / rows
    costs = (insert * us, insert_cpu * us, merge * us, merge_cpu * us)
    ordinary, long = _read_pages(client, _ORDINARY), _read_pages(client, _LONG)
    return Layout(*costs, disk / rows, *ordinary, *long)


def _ddl(changes: dict[str, str]) -> str:
    """Return the statement that makes a variant of the product's table."""
    text = migrations("generation")[0].text.split(";\n", 1)[0]
    for ours, other in changes.items():
        if ours not in text:
            raise RuntimeError(f"the table has no {ours!r} any more")
        text = text.replace(ours, other)
    return text


def make_blocks() -> Iterator[tuple[int, list[bytes]]]:
    """Yield blocks of RowBinary with their rows, made as the projector makes them; the last is one long session."""
    now_ms = time.time_ns() // 1_000_000
    made = make_records(make_scripts(), (BLOCKS + 1) * BLOCK_ROWS, now_ms)
    records = [record for record in made if isinstance(record, EventsRecorded)]
    records_a_block = BLOCK_ROWS // BATCH
    long = records[0].session_id
    for number in range(BLOCKS + 1):
        first = number * records_a_block
        rows = [
            row
            for offset, record in enumerate(records[first : first + records_a_block], start=first)
            for row in fact_rows(_at(offset, record, now_ms), _moved(record, long) if number == BLOCKS else record)
        ]
        yield len(rows), [b"".join(event_parts(event_prefix(row), row)) for row in rows]


def _moved(record: EventsRecorded, session_id: UUID) -> EventsRecorded:
    return structs.replace(record, org_id=ORG, session_id=session_id)


def _at(offset: int, record: EventsRecorded, now_ms: int) -> LogRecord:
    return LogRecord(0, offset, record.session_id.bytes, b"", now_ms)


def _read_pages(client: Client, length: tuple[int, int]) -> tuple[float, float]:
    """Return the median ms that a first page takes, and its processor time, of sessions of such a length in turn."""
    bounds = dict(zip(("least", "most"), length, strict=True))
    sessions = cycle(client.query(_SESSIONS, parameters=bounds).result_rows)
    _read_page(client, *next(sessions))
    costs = [_read_page(client, *next(sessions)) for _ in range(PAGES)]
    wall, cpu = (median(values) * 1e3 for values in zip(*costs, strict=True))
    return wall, cpu


def _read_page(client: Client, org: str, session: UUID) -> tuple[float, float]:
    begun, cpu = time.perf_counter(), time.process_time()
    key = {"org_id": org, "session_id": session}
    page = {**key, "since": 0, "limit": PAGE_EVENTS + 1}
    found: Sequence[tuple[int, int]] = client.query(
        statement_without("query_api.sessions.events_page", _FILTERS), parameters=page
    ).result_rows
    places = {"places": [row[0] for row in found[:PAGE_EVENTS]]}
    rows = client.query(
        statement_without("query_api.sessions.events_at", frozenset()), parameters={**key, **places}
    ).result_rows
    if len(rows) != PAGE_EVENTS:
        raise RuntimeError(f"a page holds {len(rows)} events")
    return time.perf_counter() - begun, time.process_time() - cpu


def _measure(report: Report) -> list[Figure]:
    """Measure all variants in turns."""
    found: dict[str, list[Layout]] = {name: [] for name in VARIANTS}
    for number in range(ROUNDS):
        for name, changes in VARIANTS.items():
            report(f"round {number + 1} of {ROUNDS}: {name}")
            with temporary_folder() as folder:
                found[name].append(in_own_process(measure_layout, str(Path(folder)), changes))
    return [
        of_rounds(f"facts_layout {name}: {field}", [getattr(layout, field) for layout in layouts], unit)
        for name, layouts in found.items()
        for field, unit in zip(Layout._fields, UNITS, strict=True)
    ]


QUESTIONS = (
    BenchQuestion(
        "facts_layout", "layouts of `facts`: insert, merge, disk, page of events", _measure, only_by_name=True
    ),
)
