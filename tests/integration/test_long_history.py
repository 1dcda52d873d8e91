"""A long history: questions about the end of the receipts read only the end; questions about all read parts."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from audit import coverage
from audit.coverage import PartitionCoverage, load_coverage
from audit.receipts_end import receipts_end
from processors.warehouse import DenseMark
from processors.warehouse import sql as sql_of_processors
from store.generations import FIRST_GENERATION, Generation
from store.reading.reader import answer, open_reader
from store.reading.statements import statement
from tests.support.rigs.store import Options, TestStore, new_address, new_store

RECEIPTS, PARTS = 400_000, 4  # of a partition; each part has some of each partition
GRANULE = 8_192
FILL = """
INSERT INTO {db}.receipts (log_partition, log_offset, record_id, outcome)
SELECT number % 2, intDiv(number, 2), generateUUIDv4(), if(number % 100 = 99, 'dead', 'projected')
FROM numbers({start:UInt64}, {count:UInt64})
"""


@pytest.fixture(scope="module")
def long_history(engine: Options) -> Iterator[TestStore]:
    """Return a store with two partitions of receipts, in parts that are not merged."""
    for store in new_store(new_address(engine), 2):
        store.client.command(f"SYSTEM STOP MERGES {store.database}.receipts")
        at_once = 2 * RECEIPTS // PARTS
        for start in range(0, 2 * RECEIPTS, at_once):
            some = {"start": start, "count": at_once}
            store.client.command(FILL.replace("{db}", store.database), parameters=some)
        yield store


class Asks:
    """Answers questions from the first generation."""

    def __init__(self, store: TestStore) -> None:
        self._reader = open_reader(store.address)

    async def ask(self, question: Any, params: Any) -> Any:
        return await answer(self._reader, Generation(FIRST_GENERATION, 2), question, params)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        (sql_of_processors("last_receipt"), {"partition": 0}),
        (sql_of_processors("dense_mark"), {"partition": 0}),
        (sql_of_processors("recent_outcomes"), {"partition": 0, "count": 1_000}),
        (statement("audit.receipts_end"), {"before": 1}),
    ],
    ids=["last_receipt", "dense_mark", "recent_outcomes", "receipts_end"],
)
def test_the_end_of_the_receipts_is_read_alone(
    long_history: TestStore, text: str, parameters: dict[str, object]
) -> None:
    """Some granules at the end of each part are read, not the whole partition."""
    long_history.client.database = long_history.database

    reply = json.loads(long_history.client.raw_query(text, parameters=parameters, fmt="JSON"))

    assert reply["statistics"]["rows_read"] <= 3 * GRANULE * PARTS < RECEIPTS / 4


def test_the_ends_are_those_of_each_partition(long_history: TestStore) -> None:
    """Partitions without receipts have none."""
    assert asyncio.run(receipts_end(Asks(long_history))) == {0: RECEIPTS, 1: RECEIPTS}
    assert long_history.warehouse().dense_mark(0) == DenseMark(0, RECEIPTS)


def test_coverage_in_parts_counts_every_position_once(engine: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    """Receipts are missing at the start, across two parts and at the end; others were written twice."""
    monkeypatch.setattr(coverage, "POSITIONS_PER_QUESTION", 10)
    for store in new_store(new_address(engine), 2):
        fill = FILL.replace("{db}", store.database)
        for start, count in ((0, 100), (20, 30)):
            store.client.command(fill, parameters={"start": start, "count": count})
        for lost in ("log_partition = 0 AND log_offset IN (0, 1, 25, 49)", "log_offset BETWEEN 8 AND 20"):
            store.client.command(f"DELETE FROM {store.database}.receipts WHERE {lost}")
        store.client.command(f"INSERT INTO {store.database}.progress VALUES (0, 50, 50, 0)")

        found = asyncio.run(load_coverage(Asks(store)))

        assert (found.complete, found.positions, found.missing) == (False, 100, 30)
        assert found.partitions == [
            PartitionCoverage(0, 2, 50, 33, 33, 0, 0, 17, [(0, 2), (8, 21), (25, 26), (49, 50)]),
            PartitionCoverage(1, 0, 50, 37, 36, 1, 0, 13, [(8, 21)]),
        ]
