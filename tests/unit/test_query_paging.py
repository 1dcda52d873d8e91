"""Numbered pages."""

from hypothesis import given
from hypothesis import strategies as st

from query_api.paging import Page


@given(st.integers(0, 500), st.integers(1, 100))
def test_the_pages_of_a_list_hold_each_item_once(total: int, size: int) -> None:
    """Pages 1 to `total_pages` cover the list without gap or overlap, and none of them is empty."""
    pages = Page(1, size).meta(total)["total_pages"]

    items = [item for number in range(1, pages + 1) for item in _items(Page(number, size), total)]

    assert items == list(range(total))
    assert all(_items(Page(number, size), total) for number in range(1, pages + 1))


def test_a_page_past_the_end_still_says_where_the_end_is() -> None:
    """A page's meta depends only on the list, except for the page's number."""
    assert Page(9, 10).meta(25) == {"current_page": 9, "per_page": 10, "total_pages": 3, "total_count": 25}


def _items(page: Page, total: int) -> range:
    return range(page.offset, min(page.offset + page.size, total))
