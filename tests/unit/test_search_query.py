"""Search queries and highlights, by example."""

import pytest

from query_api.sessions.search_terms import Highlighter, parse
from schemas.words import split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Fix the Login-Bug in auth/middleware.py", ["fix", "the", "login", "bug", "in", "auth", "middleware", "py"]),
        ("snake_case camelCase v2", ["snake", "case", "camelcase", "v2"]),
        ("Déjà-vu, DE\u0301JA\u0300 VU", ["deja", "vu", "deja", "vu"]),
        ("STRASSE Straße straẞe", ["strasse"] * 3),
        ("İstanbul ISTANBUL", ["istanbul"] * 2),
        ("Łódź smørrebrød", ["lodz", "smorrebrod"]),
        ("Ελλάς ΕΛΛΑΣ", ["ελλασ"] * 2),
        ("co\u00adoperate zero\u200bwidth", ["cooperate", "zero", "width"]),
        ("हिन्दी ไม่", split_words("हिन्दी") + split_words("ไม่")),
        ("1\ufe0f\u20e3 ❤️ 🚀 -- …", ["1"]),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    """The cases show what counts as a word, and what it folds to."""
    assert split_words(text) == words
    assert all(len(split_words(word)) == 1 for word in text.split() if word.isalpha())


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("login bug", [("login",), ("bug",)]),
        ('fix "login bug" now', [("fix",), ("now",), ("login", "bug")]),
        ('"login"', [("login",)]),
        ('"login" login', [("login",)]),
        ('"a-b" "c', [("c",), ("a", "b")]),
        ('a" b', [("a",), ("b",)]),
        ('"" "!?"', []),
        ("--", []),
    ],
)
def test_terms(text: str, terms: list[tuple[str, ...]]) -> None:
    """A query contains words and phrases; an unclosed quotation mark begins no phrase."""
    assert list(parse(text).terms) == terms


@pytest.mark.parametrize(
    ("asked", "text", "marked"),
    [
        ("bug", "The Bug, a debug.", "The «Bug», a debug."),
        ("a b", "a b", "«a» «b»"),
        ('"a b"', "a - b, a c b", "«a - b», a c b"),
        ('"a b" a', "a a b", "«a» «a b»"),
        ("resume", "Re\u0301sume\u0301!", "«Re\u0301sume\u0301»!"),
        ("strasse", "die Straße", "die «Straße»"),
        ("1 2", "½ cup", "«½» cup"),
        ("x", "y", None),
        ("?", "y", None),
    ],
)
def test_marks(asked: str, text: str, marked: str | None) -> None:
    """Matching words are between « and », in their original spelling."""
    assert Highlighter(parse(asked)).mark(text) == marked


def test_a_long_text_is_cut() -> None:
    """It begins a few words before the first term, continues longer after it, and is cut between words."""
    text = "word " * 100 + "needle " + "word " * 100

    marked = Highlighter(parse("needle")).mark(text)

    assert marked is not None
    assert marked.startswith("…word word")
    assert marked.endswith(" word…")
    assert " «needle» " in marked
    assert 200 < len(marked) <= 244
