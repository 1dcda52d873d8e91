"""Cuts secrets out of JSON: each becomes its marker, every other byte stays, and the result is still JSON.

In a dense string, almost all of the text looks like the beginning of a secret. Searching each of these places would
take a second per megabyte, and the rest would be useless. So a dense string is cut as a whole. Settings files, and
source code about tokens, are far below this density.
"""

import re
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ingest.privacy.redaction.commands import NAMES
from ingest.privacy.redaction.detection import DETECTION, find_secrets, hits_in, may_hold_secrets
from ingest.privacy.redaction.effort import Effort, TooDense
from ingest.privacy.redaction.passwords import KEYS, PLAIN, VAGUE
from ingest.privacy.redaction.rule_parts import Span, is_marker, marker
from ingest.privacy.redaction.rules import RULES
from ingest.privacy.redaction.scanner import Cache, Scanner
from ingest.privacy.redaction.unescaped_levels import Level, unescaped_levels

DENSE = "dense"  # used like a rule's name in markers and counts
_DENSE_BYTES_MIN = 2_048  # a shorter string costs little
_BYTES_A_PLACE = 16  # a string with more than one place per so many bytes is dense
# Where a secret may begin: what makes a string dense.
_KEY = rb"(?i)(?:" + PLAIN + rb"|" + VAGUE + rb")[\"'`\\\s]{0,3}[:=>]"
_OPTION = rb"(?i)--[a-z-]{0,16}(?:" + PLAIN + rb"|" + VAGUE + rb")[ =]"
_WORD = rb"(?i)://|curl |bearer |basic |authorization|-----(?:BEGIN|END) |eyJ|A[KS]IA"
_PLACES = Scanner([_KEY, _OPTION, _WORD])

_STRING = re.compile(rb'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_NUMBER = re.compile(rb"-?[0-9][0-9.eE+-]*+")
_text: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)


class Redacted(NamedTuple):
    """JSON without secrets, and the number of secrets that were cut out, by rule."""

    data: bytes
    counts: dict[str, int]


class _Cut(NamedTuple):
    begin: int
    end: int
    rule: int  # its place in the table
    bare: bool = False  # a number of the JSON itself; its marker needs quotes


def compile_rules(cache: Cache | None = None) -> None:
    """Compile all patterns of redaction. No request should wait for this: it takes two seconds without a cache."""
    for scanner in (DETECTION, _PLACES, KEYS, NAMES):
        scanner.compile(cache)
    for rule in RULES:
        deque(rule.find(b""), maxlen=0)


def redact(data: bytes, effort: Effort | None = None) -> Redacted:
    """Cut every secret out of one JSON value, and repeat until none is found: each cut leaves less to search.

    Raises `TooDense` if it exceeds the effort, by default that of a request.
    """
    hits = hits_in(data)
    if not hits:
        return Redacted(data, {})
    with effort or Effort() as effort:
        effort.check()
        data, dense = _without_dense_strings(data)
        counts = Counter({DENSE: dense})
        hits = hits_in(data) if dense else hits
        while hits and (cuts := _cuts(data, hits, effort)):
            data = _rewritten(data, cuts)
            hits = hits_in(data)
            counts.update(RULES[cut.rule].name for cut in cuts)
        return Redacted(data, dict(+counts))


def redact_text(text: str, effort: Effort | None = None) -> tuple[str, dict[str, int]]:
    """Cut every secret out of a text, and count them by rule; raises the same as `redact`."""
    if not may_hold_secrets(text.encode()):
        return text, {}
    data, counts = redact(msgspec.json.encode(text), effort)
    return (_text.decode(data), counts) if counts else (text, {})


def redact_text_or_all(text: str, effort: Effort | None = None) -> tuple[str, dict[str, int]]:
    """Redact a text like `redact_text`, but replace a text that exceeds the effort as a whole."""
    try:
        return redact_text(text, effort)
    except TooDense:
        return marker(DENSE).decode(), {DENSE: 1}


def _without_dense_strings(data: bytes) -> tuple[bytes, int]:
    """Return the JSON with each dense string cut, and their number."""
    if len(data) < _DENSE_BYTES_MIN or not _PLACES.reaches(_DENSE_BYTES_MIN // _BYTES_A_PLACE, data):
        return data, 0
    pieces: list[bytes] = []
    copied = 0
    for match in _STRING.finditer(data):
        begin, end = match.span(1)
        if end - begin >= _DENSE_BYTES_MIN and _PLACES.reaches((end - begin) // _BYTES_A_PLACE, data[begin:end]):
            pieces += (data[copied:begin], marker(DENSE))
            copied = end
    return (b"".join([*pieces, data[copied:]]), len(pieces) // 2) if pieces else (data, 0)


def _cuts(data: bytes, hits: frozenset[int], effort: Effort) -> Sequence[_Cut]:
    """Return the cuts in order, without overlaps; ``hits`` are those in ``data``."""
    levels: list[Level] = []
    found: list[_Cut] = []
    for level in unescaped_levels(data, effort):
        secrets = find_secrets(level.text, effort, None if levels else hits)
        levels.append(level)
        found += (_Cut(*level.origin(*span), rule) for span, rule in secrets)
        effort.check()
    if not found:
        return ()
    strings = [match.span(1) for match in _STRING.finditer(data)]
    if len(levels) > 1:
        found = [_Cut(*levels[1].whole(cut.begin, cut.end), cut.rule) for cut in found]
    return _merged(sorted(clipped for cut in found if (clipped := _clipped(cut, data, strings))))


def _merged(cuts: Sequence[_Cut]) -> Sequence[_Cut]:
    merged: list[_Cut] = []
    for cut in cuts:
        if merged and cut.begin < merged[-1].end:
            last = merged[-1]
            merged[-1] = last._replace(end=max(last.end, cut.end), rule=min(last.rule, cut.rule))
        else:
            merged.append(cut)
    return merged


def _rewritten(data: bytes, cuts: Sequence[_Cut]) -> bytes:
    pieces: list[bytes] = []
    copied = 0
    for begin, end, rule, bare in cuts:
        cut = marker(RULES[rule].name)
        pieces += (data[copied:begin], b'"%s"' % cut if bare else cut)
        copied = end
    return b"".join([*pieces, data[copied:]])


def _clipped(cut: _Cut, data: bytes, strings: Sequence[Span]) -> _Cut | None:
    """Return the part that may be cut, if any: of the string in which it begins, or a number: ``"pin": 12345678``."""
    index = bisect_right(strings, (cut.begin, len(data))) - 1
    if index >= 0 and cut.begin < strings[index][1]:
        end = min(cut.end, strings[index][1])
        return None if is_marker(data[cut.begin : end]) else cut._replace(end=end)
    number = _NUMBER.match(data, cut.begin)
    return cut._replace(bare=True) if number and number.end() == cut.end else None
