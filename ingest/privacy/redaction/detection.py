r"""Finds the secrets of a text: detection says which rules could find something, and only those search it exactly.

Detection scans bytes as they were sent. Most escapes leave a secret recognisable, but ``\u0041`` for a plain letter
does not. Only a careless or malicious encoder writes that, so such bytes always count as suspect.

The exact rules search a text of any length window by window. A regular expression takes up to 60 ns a byte, and blocks
all other threads meanwhile. So each search covers one window, and no window without a hit of detection is searched. A
few rules search the whole text; they cost little.
"""

from collections.abc import Iterator

from ingest.privacy.redaction.effort import Effort
from ingest.privacy.redaction.rule_parts import Find, Span
from ingest.privacy.redaction.rules import RULES
from ingest.privacy.redaction.scanner import FIRST_ALONE, Scanner

WINDOW = 16_384
REACH = 2_048  # of context around a window, of which rules use 1,024 bytes; a longer secret extends the window
# Letters, digits and signs as \u00XX; not < > & ' which encoders escape for HTML, and which no secret needs.
_SPELLED_OUT = rb"\\u00(?:0[9a-dA-D]|2[0-58-9a-fA-F]|3[0-9abdfABDF]|[4-7][0-9a-fA-F])"
# A rule may be detected in several ways, each with its own place in the table; finds are counted under the first.
_PLACE_OF = {rule.find: place for place, rule in reversed(list(enumerate(RULES)))}
_RULES_OF: dict[bytes, set[int]] = {_SPELLED_OUT: set()}  # by pattern: several rules may share one
for _rule in RULES:
    _RULES_OF.setdefault(_rule.detect, set()).add(_PLACE_OF[_rule.find])
_PLACES = [*_RULES_OF.values()]
DETECTION = Scanner([*_RULES_OF], FIRST_ALONE)


def may_hold_secrets(data: bytes) -> bool:
    """Return whether the exact rules must search these bytes."""
    return DETECTION.reaches(1, data)


def hits_in(data: bytes) -> frozenset[int]:
    """Return the places in `DETECTION` of the patterns that match; none: `may_hold_secrets` is false."""
    return frozenset(hit.pattern for hit in DETECTION.scan(data))


def candidate_rules(hits: frozenset[int]) -> frozenset[int]:
    """Return the table places of the rules that could find something in bytes with these hits."""
    return frozenset[int]().union(*(_PLACES[pattern] for pattern in hits))


def find_secrets(text: bytes, effort: Effort, hits: frozenset[int] | None = None) -> Iterator[tuple[Span, int]]:
    """Yield the place of each secret, with its rule's place in the table. Raises `TooDense`.

    ``hits`` are those in ``text``, if they are known: a scan takes longer than most searches.
    """
    of_whole: set[int] = set()
    for begin in range(0, len(text), WINDOW):
        if hits is None or len(text) > WINDOW:
            hits = hits_in(text[max(0, begin - REACH) : begin + WINDOW + REACH])
        for place in candidate_rules(hits):
            if RULES[place].whole:
                of_whole.add(place)
            else:
                yield from ((span, place) for span in _finds_from(text, begin, RULES[place].find, effort))
    for place in of_whole:
        effort.check()
        yield from ((span, place) for span in RULES[place].find(text))


def _finds_from(text: bytes, start: int, find: Find, effort: Effort) -> list[Span]:
    """Return the finds that begin in the window at ``start``.

    A find that reaches the end of the searched text may continue, so more text is searched.
    """
    first, last = max(0, start - REACH), min(len(text), start + WINDOW + REACH)
    while True:
        spans: list[Span] = []
        effort.check()
        for begin, end in find(text[first:last]):
            effort.check()
            if start <= first + begin < start + WINDOW and begin < end:
                spans.append((first + begin, first + end))
        if last == len(text) or all(end < last for _, end in spans):
            return spans
        last = min(len(text), first + 2 * (last - first))
