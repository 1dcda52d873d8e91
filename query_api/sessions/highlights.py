"""Where the terms of a search stand in a text: between « and », with some of the text around the first of them."""

import re
from collections.abc import Sequence

from kernel.words import folded, folded_lengths
from query_api.sessions.search_query import SearchQuery

OPEN, CLOSE, CUT = "«", "»", "…"
LENGTH_MAX = 240  # characters of the text that are shown, marks not counted; a longer first term is shown whole
BEFORE = 60  # of them before the first term, where the text is longer than that

Span = tuple[int, int]


class Highlighter:
    """Marks the terms of one search in one text after the other."""

    def __init__(self, query: SearchQuery) -> None:
        longest_first = sorted(query.terms, key=len, reverse=True)
        either = "|".join(" +".join(map(re.escape, term)) for term in longest_first)
        self._terms = re.compile(f"(?<![^ ])(?:{either})(?![^ ])" if either else "(?!)")

    def mark(self, text: str) -> str | None:
        """The text around the first term, with every term in it marked; None if there is none."""
        spans = self._spans(text)
        return _marked(text, spans, _window(text, *spans[0])) if spans else None

    def _spans(self, text: str) -> list[Span]:
        """Where in the text the terms stand, from left to right."""
        found = [match.span() for match in self._terms.finditer(folded(text))]
        origins = _origins(text) if found else ()
        spans: list[Span] = []
        for start, stop in found:
            first, after = origins[start], max(origins[stop], origins[stop - 1] + 1)
            if spans and first < spans[-1][1]:  # one character, such as ½, may be the end of a word and begin the next
                first = spans.pop()[0]
            spans.append((first, after))
        return spans


def _origins(text: str) -> Sequence[int]:
    """By place in the folded text: the place of the character that it comes from. One more for the end."""
    lengths = folded_lengths(text)
    if min(lengths) == max(lengths) == 1:
        return range(len(text) + 1)
    return [*(place for place, length in enumerate(lengths) for _ in range(length)), len(text)]


def _window(text: str, start: int, stop: int) -> Span:
    """What is shown of a text whose first term stands there; a long text is cut where words end."""
    if len(text) <= LENGTH_MAX:
        return 0, len(text)
    begin = max(0, start - BEFORE)
    if begin and (space := text.find(" ", begin, start)) >= 0:
        begin = space + 1
    end = max(stop, begin + LENGTH_MAX)
    if end < len(text) and (space := text.rfind(" ", stop, end)) >= 0:
        end = space
    return begin, min(end, len(text))


def _marked(text: str, spans: Sequence[Span], window: Span) -> str:
    begin, end = window
    parts, done = [CUT if begin else ""], begin
    for start, stop in spans:
        if stop <= end:
            parts += [text[done:start], OPEN, text[start:stop], CLOSE]
            done = stop
    return "".join([*parts, text[done:end], CUT if end < len(text) else ""])
