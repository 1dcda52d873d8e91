"""The terms of a search (words, and phrases in quotation marks) and their highlights in a text."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from schemas.words import folded, folded_lengths, phrase_text, split_words

OPEN, CLOSE, CUT = "«", "»", "…"
LENGTH_MAX = 240  # characters of an excerpt, without marks; a first term that is longer is shown whole
BEFORE = 60  # how many of them may precede the first term, if the text is longer than an excerpt

SearchTerm = tuple[str, ...]  # consecutive words
TextSpan = tuple[int, int]  # start and stop, in characters


class SearchQuery(NamedTuple):
    """The terms, all of which a session must contain."""

    terms: tuple[SearchTerm, ...]

    @property
    def words(self) -> list[str]:
        """Return the words of all terms, without duplicates."""
        return list(dict.fromkeys(word for term in self.terms for word in term))

    @property
    def phrases(self) -> list[str]:
        """Return the terms of several words, as they are stored in `search_text`."""
        return [phrase_text(term) for term in self.terms if len(term) > 1]


def parse(text: str) -> SearchQuery:
    """Return the terms of any text. An unclosed quotation mark counts as text; parts without a word are dropped."""
    parts = text.split('"')
    quoted = parts[1 : len(parts) - 1 : 2]
    loose = parts[0::2] if len(parts) % 2 else [*parts[0::2], parts[-1]]
    terms = [(word,) for part in loose for word in split_words(part)]
    phrases = [tuple(split_words(part)) for part in quoted]
    return SearchQuery(tuple(dict.fromkeys(term for term in (*terms, *phrases) if term)))


class Highlighter:
    """Marks the terms of one search in texts."""

    def __init__(self, query: SearchQuery) -> None:
        longest_first = sorted(query.terms, key=len, reverse=True)
        either = "|".join(" +".join(map(re.escape, term)) for term in longest_first)
        self._terms = re.compile(f"(?<![^ ])(?:{either})(?![^ ])" if either else "(?!)")

    def mark(self, text: str) -> str | None:
        """Return the text around the first term with every term in it marked, or None if the text contains no term."""
        spans = self._spans(text)
        return _marked(text, spans, _window(text, *spans[0])) if spans else None

    def _spans(self, text: str) -> list[TextSpan]:
        found = [match.span() for match in self._terms.finditer(folded(text))]
        origins = _origins(text) if found else ()
        spans: list[TextSpan] = []
        for start, stop in found:
            first, after = origins[start], max(origins[stop], origins[stop - 1] + 1)
            if spans and first < spans[-1][1]:  # a character such as ½ may both end a word and begin the next
                first = spans.pop()[0]
            spans.append((first, after))
        return spans


def _origins(text: str) -> Sequence[int]:
    """Return, for each place in the folded text and for its end, the place of the original character."""
    lengths = folded_lengths(text)
    if min(lengths) == max(lengths) == 1:
        return range(len(text) + 1)
    return [*(place for place, length in enumerate(lengths) for _ in range(length)), len(text)]


def _window(text: str, start: int, stop: int) -> TextSpan:
    """Return the part of a text to show around its first term; a long text is cut at word boundaries."""
    if len(text) <= LENGTH_MAX:
        return 0, len(text)
    begin = max(0, start - BEFORE)
    if begin and (space := text.find(" ", begin, start)) >= 0:
        begin = space + 1
    end = max(stop, begin + LENGTH_MAX)
    if end < len(text) and (space := text.rfind(" ", stop, end)) >= 0:
        end = space
    return begin, min(end, len(text))


def _marked(text: str, spans: Sequence[TextSpan], window: TextSpan) -> str:
    begin, end = window
    parts, done = [CUT if begin else ""], begin
    for start, stop in spans:
        if stop <= end:
            parts += [text[done:start], OPEN, text[start:stop], CLOSE]
            done = stop
    return "".join([*parts, text[done:end], CUT if end < len(text) else ""])
