"""Truncating a text never splits a character as readers see it."""

import pytest

from processors.derivations.digest.truncate import cut, one_line

FAMILY = "👨‍👩‍👧‍👦"
FLAG = "🇩🇪"


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short", 5, "short"),
        ("", 0, ""),
        ("anything", 0, ""),
        ("anything", 1, "…"),
        ("abcdefgh", 4, "abc…"),
        ("some words here", 12, "some words…"),
        ("averylongwordwithoutanyspace at all", 12, "averylongwo…"),
        ("two\nlines of it", 8, "two…"),
        ("abc" + "e\u0301" * 3, 5, "abc…"),  # é of two code points
        ("abc" + "e\u0301" * 3, 6, "abce\u0301…"),
        ("a" + FAMILY + "b", 5, "a…"),
        ("a" + FAMILY + "bc", len(FAMILY) + 2, "a" + FAMILY + "…"),
        ("a" + FLAG, 2, "a…"),
        ("a👍🏽b", 3, "a…"),
        ("a❤\ufe0fbc", 3, "a…"),
        ("a\r\nb", 3, "a…"),
        ("\u0301" * 10, 5, "…"),
        ("😀" * 10, 5, "😀😀😀😀…"),
    ],
)
def test_a_cut_text_fits_and_ends_between_characters(text: str, limit: int, expected: str) -> None:
    """Combined letters, multi-part emoji, flags and line ends are either complete or left out."""
    assert cut(text, limit) == expected


def test_one_line_has_no_white_space_but_spaces() -> None:
    """Each line break, tab or run of spaces becomes one space."""
    assert one_line("  a\n\tb \r\n c ", 20) == "a b c"
    assert one_line("x " * 1000, 5) == "x x…"
