"""Keyset cursors: a cursor is valid only if we issued it, and only for the query for which it was issued."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.paging import UnknownCursor, open_cursor, seal_cursor

KEY = b"a seed key of tests"
places = st.integers(0, (1 << 64) - 1)
questions = st.lists(st.none() | st.text(max_size=5) | st.binary(max_size=5), max_size=4)


@given(place=places, question=questions)
def test_a_cursor_leads_back_to_its_place(place: int, question: list[str | bytes | None]) -> None:
    """Every place survives, in text that needs no escaping in a URL."""
    cursor = seal_cursor(KEY, question, place)

    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)
    assert open_cursor(KEY, question, cursor) == place


@given(place=places, question=questions, other=questions)
def test_a_cursor_opens_for_its_own_question_alone(
    place: int, question: list[str | bytes | None], other: list[str | bytes | None]
) -> None:
    """It is refused for another org, session, filter or installation."""
    cursor = seal_cursor(KEY, question, place)

    with pytest.raises(UnknownCursor):
        open_cursor(b"another seed key", question, cursor)
    if [_as_bytes(part) for part in other] != [_as_bytes(part) for part in question]:
        with pytest.raises(UnknownCursor):
            open_cursor(KEY, other, cursor)


@given(place=places, at=st.integers(0, 31), letter=st.sampled_from("AB9_-/+= \n\0é"))
def test_a_cursor_with_another_letter_is_none(place: int, at: int, letter: str) -> None:
    """Every character counts, and each cursor has one spelling."""
    cursor = seal_cursor(KEY, ["q"], place)
    forged = cursor[:at] + letter + cursor[at + 1 :]

    if forged != cursor:
        with pytest.raises(UnknownCursor):
            open_cursor(KEY, ["q"], forged)


@given(st.text() | st.text("AQgw_-=", min_size=28, max_size=36))
def test_text_that_was_made_up_is_no_cursor(text: str) -> None:
    """Invented text is refused like a modified cursor."""
    with pytest.raises(UnknownCursor):
        open_cursor(KEY, ["q"], text)


def _as_bytes(part: str | bytes | None) -> bytes | None:
    return part.encode() if isinstance(part, str) else part
