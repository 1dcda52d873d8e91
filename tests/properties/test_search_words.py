"""Words, queries and highlights, for any text."""

import re
import sys
from unicodedata import category, combining, normalize

from hypothesis import given
from hypothesis import strategies as st

from query_api.sessions.search_terms import CLOSE, CUT, OPEN, Highlighter, SearchQuery, parse
from schemas.words import (
    encoded_search_text,
    fold_character,
    folded,
    folded_lengths,
    phrase_text,
    search_text,
    split_words,
)

# Any code point, including lone surrogates; and texts in which words, accents, quotation marks and odd signs meet.
anything = st.text(st.characters(exclude_categories=()), max_size=200)
crowded = st.lists(st.sampled_from([*'aAbBé"  -_ßİﬁ½Ǆ漢ไม่', "e\u0301", "\u00ad", "\u200d", "\ufe0f", "🚀", "\0", "\n"]))
texts = anything | crowded.map("".join)


@given(texts)
def test_a_question_is_read_whatever_it_is(text: str) -> None:
    """No text fails; the terms for the store are letters and digits, with single spaces around phrases."""
    query = parse(text)

    assert all(query.terms)
    assert set(query.words) == set(split_words(text))
    assert all(word == "".join(word.split()) and category(c)[0] in "LMN" for word in query.words for c in word)
    assert all(re.fullmatch(r" [^ ]+( [^ ]+)+ ", phrase) for phrase in query.phrases)


@given(texts, texts)
def test_case_and_composition_do_not_count(text: str, other: str) -> None:
    """Composed, decomposed or in capitals, the words of a text are the same; folding twice changes nothing."""
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert split_words(normalize(form, text)) == split_words(text)
    assert split_words(text.casefold()) == split_words(text)
    assert folded(folded(text)) == folded(text)
    assert split_words(f"{text} {other}") == split_words(text) + split_words(other)
    assert len(folded(text)) == sum(folded_lengths(text))


def test_every_character_folds_to_parts_of_words_or_spaces() -> None:
    """Over all of Unicode: the result is a letter, a digit or a mark of one, without accents, and folds to itself."""
    for part in set("".join(fold_character(chr(code)) for code in range(sys.maxunicode + 1))):
        assert part == " " or (category(part)[0] in "LMN" and not combining(part))
        assert fold_character(part) == part


@given(st.lists(texts, max_size=4), st.lists(st.sampled_from("abc"), min_size=1, max_size=3))
def test_a_phrase_is_found_where_its_words_follow_each_other(sent: list[str], phrase: list[str]) -> None:
    """The search text contains a phrase if and only if one of the texts has its words next to each other."""
    found = phrase_text(phrase) in search_text(sent)

    width = len(phrase)
    assert found == any(
        split_words(text)[at : at + width] == phrase
        for text in sent
        for at in range(len(split_words(text)) - width + 1)
    )


@given(st.lists(texts, max_size=4))
def test_the_search_text_has_the_words_and_no_other(sent: list[str]) -> None:
    """Split at spaces, as the index does, it equals the words of all texts."""
    assert search_text(sent).split() == [word for text in sent for word in split_words(text)]


@given(texts.map(lambda text: text.replace(OPEN, "").replace(CLOSE, "").replace(CUT, "")), texts)
def test_highlights_are_the_text_with_marks_around_its_terms(text: str, asked: str) -> None:
    """Marks are in pairs around terms; without them it is the text, or a part of it if the text is long."""
    query = parse(asked)
    marked = Highlighter(query).mark(text)

    wanted = any(phrase_text(term) in search_text([text]) for term in query.terms)
    assert (marked is not None) == wanted
    if marked is not None:
        inside = re.findall(f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}", marked)
        assert len(inside) == marked.count(OPEN) == marked.count(CLOSE) > 0
        assert marked.replace(OPEN, "").replace(CLOSE, "").strip(CUT) in text
        assert all(set(split_words(piece)) & set(query.words) for piece in inside)


@given(st.text("ab é", max_size=2_000))
def test_a_long_text_is_cut_around_its_first_term(text: str) -> None:
    """A highlight has the length of an excerpt, and contains the first term."""
    marked = Highlighter(SearchQuery((("needle",),))).mark(f"{text} Needle {text}")

    assert marked is not None
    assert f"{OPEN}Needle{CLOSE}" in marked
    assert len(marked) <= 244


@given(st.lists(st.text(max_size=20) | st.text(st.characters(max_codepoint=127), max_size=20), max_size=6))
def test_the_words_of_texts_that_are_folded_together_are_those_of_each(texts: list[str]) -> None:
    """The fast way for ASCII gives the same texts, in any order: no phrase reaches from one text into the next."""
    apart = sorted(filter(None, search_text(texts).split("  ")), key=str.strip)

    together = sorted(filter(None, encoded_search_text(texts).decode().split("  ")), key=str.strip)

    assert [text.strip() for text in together] == [text.strip() for text in apart]
