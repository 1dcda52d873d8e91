"""Dense strings: almost all of their text looks like the beginning of a secret.

Searching each of these places would take a second per megabyte, and the rest would be useless. So a dense string is cut
as a whole. Settings files, and source code about tokens, are far below this density.
"""

import re
from collections.abc import Iterator

from ingest.privacy.redaction.passwords import PLAIN, VAGUE
from ingest.privacy.redaction.rule_parts import Span, marker
from ingest.privacy.redaction.scanner import Scanner

DENSE = "dense"  # used like a rule's name in markers and counts
_BYTES_MIN = 2_048  # a shorter string costs little
_BYTES_A_PLACE = 16  # a string with more than one place per so many bytes is dense
STRING = re.compile(rb'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)

_KEY = rb"(?i)(?:" + PLAIN + rb"|" + VAGUE + rb")[\"'`\\\s]{0,3}[:=>]"
_OPTION = rb"(?i)--[a-z-]{0,16}(?:" + PLAIN + rb"|" + VAGUE + rb")[ =]"
_WORD = rb"(?i)://|curl |bearer |basic |authorization|-----(?:BEGIN|END) |eyJ|A[KS]IA"
PLACES = Scanner([_KEY, _OPTION, _WORD])


def without_dense_strings(data: bytes) -> tuple[bytes, int]:
    """Return the JSON with each dense string cut, and their number."""
    pieces: list[bytes] = []
    copied = 0
    for begin, end in _dense(data):
        pieces += (data[copied:begin], marker(DENSE))
        copied = end
    return (b"".join([*pieces, data[copied:]]), len(pieces) // 2) if pieces else (data, 0)


def _dense(data: bytes) -> Iterator[Span]:
    if not PLACES.reaches(_BYTES_MIN // _BYTES_A_PLACE, data):
        return
    for match in STRING.finditer(data):
        begin, end = match.span(1)
        if end - begin >= _BYTES_MIN and PLACES.reaches((end - begin) // _BYTES_A_PLACE, data[begin:end]):
            yield begin, end
