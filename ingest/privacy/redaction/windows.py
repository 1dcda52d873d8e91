"""Exact rules over a text of any length: a window after the other, and only the rules that could find something in it.

A regular expression takes up to 60 ns a byte, and lets no other thread run meanwhile. So none sees more than a window,
and none sees one in which detection hits nothing. A few rules look at a text as a whole; they cost little.
"""

from collections.abc import Iterator

from ingest.privacy.redaction.detection import candidate_rules
from ingest.privacy.redaction.effort import Effort
from ingest.privacy.redaction.rules import RULES
from ingest.privacy.redaction.spans import Find, Span

WINDOW = 16_384
REACH = 2_048  # what a rule sees around a window: 1,024 bytes at most; a longer secret makes the window grow


def find_secrets(text: bytes, effort: Effort) -> Iterator[tuple[Span, int]]:
    """The places of secrets, each with its rule by its place in the table.

    Raises:
        TooDense: there is more to look at than the effort allows.
    """
    of_whole: dict[Find, int] = {}
    for begin in range(0, len(text), WINDOW):
        window = _Window(text, begin)
        finders = {
            RULES[rule].find: rule for rule in candidate_rules(window.bytes())
        }  # some are detected in several ways
        for find, rule in finders.items():
            if RULES[rule].whole:
                of_whole[find] = rule
            else:
                yield from ((span, rule) for span in window.spans(find, effort))
    for find, rule in of_whole.items():
        effort.check()
        yield from ((span, rule) for span in find(text))


class _Window:
    """The part of a text in which secrets begin that are found here, and some bytes around it."""

    def __init__(self, text: bytes, begin: int) -> None:
        self._text = text
        self._begin, self._end = begin, begin + WINDOW
        self._first = max(0, begin - REACH)
        self._last = min(len(text), self._end + REACH)

    def bytes(self) -> bytes:
        return self._text[self._first : self._last]

    def spans(self, find: Find, effort: Effort) -> list[Span]:
        """What a rule finds here; as long as that reaches the last byte, it may go on behind it."""
        last = self._last
        while True:
            spans = list(self._until(last, find, effort))
            if last == len(self._text) or all(end < last for _, end in spans):
                return spans
            last = min(len(self._text), self._first + 2 * (last - self._first))

    def _until(self, last: int, find: Find, effort: Effort) -> Iterator[Span]:
        effort.check()
        for begin, end in find(self._text[self._first : last]):
            effort.check()
            if self._begin <= self._first + begin < self._end and begin < end:
                yield self._first + begin, self._first + end
