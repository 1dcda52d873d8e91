"""Which rows of two generations differ, and which are moving."""

import pytest

from generations.prove.compare import changed_columns, compare_rows, unequal_buckets, value_of
from generations.prove.inside import _positions_by_block
from generations.prove.places import Places
from generations.prove.questions import ContentRow, OffsetRange, PlacedSums, Sums
from generations.prove.ranges import block_of, offset_ranges, positions
from generations.prove.tables import ANALYSES, SESSIONS
from schemas.store.rows import SessionRow

SETTLED = [10, 20]


def row(key: str = "a", version: int = 5, content: int = 1, partition: int = 0) -> ContentRow:
    """Return a row of a versioned table."""
    return ContentRow((key,), 0, None, version, partition, content, ())


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
    one, other = (ContentRow(("a",), 0, None, 1, 0, content, cells) for content in (1, 2))

    values = [value_of(SESSIONS, name, text) for name, text in texts.items()]

    assert values == [True, 7, "2026-01-20T10:00:00.000Z", "7", None]
    assert [tuple(changed) for changed in changed_columns(SESSIONS, one, other)] == [
        ("hash", "0000000000000001", "0000000000000002")
    ]
    assert [tuple(changed) for changed in changed_columns(ANALYSES, None, row())] == [("rows", 0, 1)]


def test_places_differ_if_facts_are_at_another_position() -> None:
    """Equal numbers of facts at other positions are noticed, in whichever order the sums come."""
    claimed, there, elsewhere = Places(), Places(), Places()
    claimed.add([PlacedSums(0, 1, 0, 0, 3, (3 * 7) % 2**64), PlacedSums(1, 1, 0, 0, 0, 0)])
    there.add([PlacedSums(0, 2, 0, 0, 2, 14)])
    there.add([PlacedSums(0, 1, 0, 0, 1, 7)])
    elsewhere.add([PlacedSums(0, 3, 0, 0, 3, 22)])

    assert claimed.differing(there) == []
    assert claimed.differing(elsewhere) == [0]


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
        assert sum(_positions_by_block(part).values()) == rows <= 100_000


def test_positions_are_counted_by_block() -> None:
    """Blocks are cut where the range or the pin of a partition ends."""
    part = OffsetRange(2, 9, [10, 4, 0], 3)

    assert [list(offsets) for offsets in positions(part.pins, part.since, part.until)] == [
        [2, 3, 4, 5, 6, 7, 8],
        [2, 3],
        [],
    ]
    assert _positions_by_block(part) == {0: 2, 1: 4, 2: 3}
