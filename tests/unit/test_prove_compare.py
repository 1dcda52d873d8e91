"""Which rows of two generations differ, and which are moving."""

from collections.abc import AsyncIterator

import pytest

from generations.prove import rows as rows_module
from generations.prove.compare import (
    RowPair,
    Unequal,
    changed_columns,
    compare_rows,
    unchanged_pairs,
    unequal_buckets,
    value_of,
)
from generations.prove.positions import Blocks, differing_blocks, incomplete_blocks, positions_by_block
from generations.prove.ranges import block_of, offset_ranges, positions
from generations.prove.rows import Compared, join_hours
from generations.prove.tables import ANALYSES, SESSIONS, ContentRow, OffsetRange, Sums
from schemas.store.rows import SessionRow

SETTLED = [10, 20]


def row(key: str = "a", version: int = 5, content: int = 1, partition: int = 0) -> ContentRow:
    """Return a row of a versioned table."""
    return ContentRow((key,), 0, version, partition, content, ())


@pytest.mark.parametrize(
    ("live", "proved", "found"),
    [
        (row(), row(), "equal"),
        (row(content=2), row(), "different"),  # equal versions have equal content, also beyond the settled offset
        (row(version=99, content=2), row(version=99), "different"),
        (row(version=10, content=2), row(), "different"),  # version 10 belongs to offset 9, which is settled
        (row(version=11, content=2), row(), "moving"),
        (row(), row(version=11, content=2), "moving"),
        (row(version=11, content=2, partition=1), row(partition=1), "different"),
        (row(version=1, content=2, partition=2), row(partition=2), "moving"),  # nothing of the partition is settled
        (row(), None, "different"),
        (None, row(), "different"),
        (row(version=11), None, "moving"),
    ],
)
def test_a_row_may_move_as_long_as_a_version_is_beyond_what_is_settled(
    live: ContentRow | None, proved: ContentRow | None, found: str
) -> None:
    """In every other case an unequal row is a difference."""
    one, other = ([side] if side else [] for side in (live, proved))

    compared = compare_rows(one, other, SETTLED, versioned=True)

    assert (compared.different, compared.moving) == {"equal": (0, 0), "different": (1, 0), "moving": (0, 1)}[found]
    assert [line.key for line in compared.lines] + [key for key, _ in compared.moving_keys] == (
        [] if found == "equal" else [("a",)]
    )


def test_what_is_below_the_pins_never_moves() -> None:
    """Facts, receipts and dead letters have no versions to wait for."""
    compared = compare_rows([row()], [], [], versioned=False)

    assert (compared.different, compared.moving) == (1, 0)


def test_a_bucket_that_one_side_lacks_is_unequal() -> None:
    """So is one whose hash or count differs."""
    live = [Sums(1, 2, 3), Sums(2, 2, 3), Sums(3, 2, 3)]
    proved = [Sums(1, 2, 3), Sums(2, 2, 4), Sums(4, 2, 3)]

    assert unequal_buckets(live, proved) == [2, 3, 4]


def test_values_are_typed_and_a_row_without_any_difference_is_never_silent() -> None:
    """Numbers are numbers, times RFC 3339, NULL is null; equal cells with unequal hashes show the hashes."""
    texts = {"created": "true", "events": "7", "started_at": "2026-01-20 10:00:00.000", "title": "7", "ended_at": None}
    cells = tuple(texts.get(name, "") for name in SessionRow.__struct_fields__)
    one, other = (ContentRow(("a",), 0, 1, 0, content, cells) for content in (1, 2))

    values = [value_of(SESSIONS, name, text) for name, text in texts.items()]

    assert values == [True, 7, "2026-01-20T10:00:00.000Z", "7", None]
    assert changed_columns(SESSIONS, RowPair(("a",), one, other)) == (("hash", "0000000000000001", "0000000000000002"),)
    assert changed_columns(ANALYSES, RowPair(("a",), None, row())) == (("rows", 0, 1),)


def test_a_row_that_was_written_since_its_hash_was_read_is_left_out() -> None:
    """Its columns would be those of another version; a row that came or went is one, too."""
    read = [row("a", content=1), row("b", content=9)]
    lines = [Unequal(("a",), (0,), 1, None), Unequal(("b",), (0,), 1, None), Unequal(("c",), (0,), None, 1)]

    assert unchanged_pairs(lines, read, []) == [RowPair(("a",), read[0], None)]


async def test_a_session_under_another_hour_is_joined_across_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row without its other half comes at the end, or at once if too many wait; counts are passed on."""
    monkeypatch.setattr(rows_module, "HALVES_MAX", 2)

    def half(session: str, hour: str, *, is_live: bool) -> RowPair:
        found = row(content=int(hour))
        return RowPair(("org", session, hour), *((found, None) if is_live else (None, found)))

    whole = RowPair(("org", "e", "1"), row(), row(content=2))

    async def found() -> AsyncIterator[Compared]:
        yield Compared(7, 1, [half("a", "1", is_live=True), half("b", "1", is_live=True), whole])
        yield Compared(8, 2, [half("c", "2", is_live=False), half("a", "2", is_live=False)])

    joined = [some async for some in join_hours(found())]

    assert [(some.rows, some.moving) for some in joined] == [(7, 1), (8, 2), (0, 0)]
    assert [list(some.pairs) for some in joined] == [
        [whole],
        [half("c", "2", is_live=False), RowPair(("org", "a", "2"), row(content=1), row(content=2))],
        [half("b", "1", is_live=True)],
    ]


def test_blocks_differ_if_facts_are_at_another_position() -> None:
    """Equal numbers of facts at other positions are noticed, in whichever order the sums come."""
    claimed, there, elsewhere = Blocks(), Blocks(), Blocks()
    claimed.add([Sums(0, 1, 0, 0, 3, (3 * 7) % 2**64), Sums(1, 1, 0, 0, 0, 0)])
    there.add([Sums(0, 2, 0, 0, 2, 14)])
    there.add([Sums(0, 1, 0, 0, 1, 7 + 2**64)])
    elsewhere.add([Sums(0, 3, 0, 0, 3, 22)])

    assert differing_blocks(claimed, there) == []
    assert differing_blocks(claimed, elsewhere) == [0]


@pytest.mark.parametrize("pins", [[], [0, 0], [5], [3, 0, 7], [250_000, 1], [2_500_001, 2_499_999]])
def test_the_ranges_of_offsets_cover_each_position_once(pins: list[int]) -> None:
    """By partition below its pin, in blocks of at most a thousand numbers."""
    parts = list(offset_ranges(pins))

    assert sum(rows for _, rows in parts) == sum(pins)
    assert all(part.block == block_of(pins) for part, _ in parts)
    assert max(pins, default=0) <= 1_000 * block_of(pins)
    ends = [part.until for part, _ in parts]
    assert [part.since for part, _ in parts] == [0, *ends][: len(parts)]
    for part, rows in parts:
        assert sum(positions_by_block(part).values()) == rows <= 100_000


def test_positions_are_counted_by_block() -> None:
    """Blocks are cut where the range or the pin of a partition ends."""
    part = OffsetRange(2, 9, [10, 4, 0], 3)

    assert [list(offsets) for offsets in positions(part.pins, part.since, part.until)] == [
        [2, 3, 4, 5, 6, 7, 8],
        [2, 3],
        [],
    ]
    assert positions_by_block(part) == {0: 2, 1: 4, 2: 3}
    assert incomplete_blocks(part, {0: 2, 1: 3}) == {1, 2}
