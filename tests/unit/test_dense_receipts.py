"""Dense receipts: how far a check goes, and when the next one is due."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from processors.marks import dense_receipts
from processors.marks.dense_receipts import DenseReceipts, believed, holes, joined, parts
from processors.rowbinary import encode_rows
from processors.warehouse import DenseMark
from schemas.store.rows import DenseReceiptsRow, ReceiptRow
from tests.support.fakes.warehouse import FakeWarehouse

T = TypeVar("T")


class Asking:
    """Calls the store immediately."""

    async def in_fold_thread(self, call: Callable[[], T]) -> T:
        return call()

    async def in_rollup_thread(self, step: str, call: Callable[[], T]) -> T:
        return call()


def store_with(*offsets: int) -> FakeWarehouse:
    """Return a store with receipts at these offsets of partition 0."""
    store = FakeWarehouse()
    zero = FakeWarehouse().generation().made_us
    for offset in offsets:
        row = dict.fromkeys(ReceiptRow.__struct_fields__, zero) | {"log_partition": 0, "log_offset": offset}
        store.tables["receipts"][0, offset] = ReceiptRow(**row)
    return store


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check four positions at a time."""
    monkeypatch.setattr(dense_receipts, "LOOKED_AT_ONCE", 4)


def test_a_long_range_is_looked_at_in_parts() -> None:
    """Each position is in one part, and no part is longer than allowed."""
    assert list(parts(3, 12)) == [(3, 7), (7, 11), (11, 12)]
    assert list(parts(5, 5)) == list(parts(6, 5)) == []


def test_a_hole_that_crosses_parts_is_one_hole() -> None:
    """Otherwise the records after it would be projected again for each part."""
    store = store_with(0, 1, 2, 10, 11)

    found = asyncio.run(holes(Asking().in_fold_thread, store, 0, 0, 13))  # type: ignore[arg-type]

    assert found == [(3, 10), (12, 13)]
    assert joined([(0, 1), (1, 2), (4, 5)]) == [(0, 2), (4, 5)]


def test_a_mark_beyond_the_last_receipt_is_not_believed() -> None:
    """A mark at the end is valid; a partition without receipts has none."""
    assert [believed(DenseMark(below, 7)) for below in (0, 6, 7, 8)] == [0, 6, 7, 0]
    assert believed(DenseMark(1, 0)) == 0


def test_a_mark_that_is_not_believed_is_deleted() -> None:
    """Otherwise it would count as valid once new receipts are beyond it."""
    store = store_with(0, 1)
    store.insert("dense_receipts", encode_rows([DenseReceiptsRow(0, 3)]))

    since = asyncio.run(DenseReceipts(store, Asking()).since(0, Asking().in_fold_thread))

    assert (since, store.dense_mark(0)) == (0, DenseMark(0, 2))


def test_a_mark_follows_up_to_a_missing_receipt_and_no_further() -> None:
    """It moves completely or not at all."""
    store = store_with(0, 1, 2, 3, 4, 6)
    receipts = DenseReceipts(store, Asking())

    moved = [asyncio.run(receipts.follow(0, below)) for below in (5, 7)]

    assert (moved, store.dense_mark(0).below) == ([True, False], 5)


def test_a_look_is_due_after_many_records_or_a_long_time() -> None:
    """Without new records no check is due, and one that found gaps is not repeated at once."""
    now = 0.0
    receipts = DenseReceipts(store_with(), Asking(), lambda: now)
    assert receipts.due({0: 0, 1: 5}) == {1: 5}

    asyncio.run(receipts.follow(1, 5))

    assert receipts.due({1: 6}) == {}
    assert receipts.due({1: 5 + dense_receipts.EVERY_RECORDS}) == {1: 5 + dense_receipts.EVERY_RECORDS}
    now = dense_receipts.EVERY_S
    assert receipts.due({0: 0, 1: 5}) == {}
    assert receipts.due({1: 6}) == {1: 6}
