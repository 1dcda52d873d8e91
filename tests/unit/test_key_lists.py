"""Lists of keys, split to the size of one value of the store."""

from uuid import UUID

from clickhouse_connect.driver.binding import format_bind_value
from hypothesis import given
from hypothesis import strategies as st

from store.sql import cut_to_size

LIMIT = 300
names = st.text(max_size=90) | st.sampled_from(["a" * 60, "'" * 60, "\\" * 60, "\n" * 60, "é" * 60, "😀" * 40])
keys = st.one_of(
    names,
    st.integers(0, 1 << 64),
    st.uuids(),
    st.tuples(names, st.uuids().map(str)),
    st.tuples(names, st.integers(0, 1 << 32)),
)


@given(st.lists(keys, max_size=40))
def test_every_key_is_in_one_list_that_fits(some: list[object]) -> None:
    """Keys stay in order, sized as the client writes them; a key that is too long gets its own list."""
    lists = list(cut_to_size(some, LIMIT))

    assert [key for part in lists for key in part] == some
    assert all(len(part) == 1 or len(format_bind_value(part).encode()) <= LIMIT for part in lists)


@given(st.integers(200, 300), st.text("or'g\\", max_size=9))
def test_a_list_is_not_cut_much_smaller_than_it_may_be(count: int, org: str) -> None:
    """Each statement costs planning, however few keys it has."""
    lists = list(cut_to_size([(org, UUID(int=number)) for number in range(count)], 3_000))

    assert all(len(format_bind_value(part).encode()) > 2_500 for part in lists[:-1])


def test_a_day_of_a_thousand_orgs_is_two_statements() -> None:
    """The orgs' names have 60 letters."""
    days = [(f"{n:060}", 1_768_903_200) for n in range(1_000)]

    assert len(list(cut_to_size(days))) == 2
