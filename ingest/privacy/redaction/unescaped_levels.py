r"""A payload as it was sent, and with one, two, … levels of JSON escapes removed.

A secret may be written ``\u0067hp_…``, follow a ``\n``, or be in JSON inside a string of JSON. So the exact rules
search each level, and their finds are traced back to the bytes that were sent.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator

from ingest.privacy.redaction.effort import Effort

LEVELS_MAX = 8  # a quote at this depth has 255 backslashes
_ESCAPES_A_CHECK = 1_024  # each takes a microsecond

_ESCAPE = re.compile(
    rb"\\(?:u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|u(?P<unit>[0-9a-fA-F]{4})|(?P<letter>[^u]))",
    re.DOTALL,
)
_LETTERS = {b'"': b'"', b"\\": b"\\", b"/": b"/", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


class Level:
    """A text, and the place of each of its parts in the bytes that were sent."""

    def __init__(self, text: bytes, source: "Level | None" = None) -> None:
        self.text = text
        self._source = source
        # Of each removed escape: its begin and end, here and in the source.
        self._begins: list[int] = []
        self._ends: list[int] = []
        self._source_begins: list[int] = []
        self._source_ends: list[int] = []

    def unescaped(self, effort: Effort) -> "Level | None":
        """Return the text with one more level of escapes removed; None if it has none."""
        taken = Level(b"", self)
        pieces: list[bytes] = []
        copied, length = 0, 0
        for number, match in enumerate(_ESCAPE.finditer(self.text)):
            if number % _ESCAPES_A_CHECK == 0:
                effort.check()
            meant = _meant(match)
            if meant is None:
                continue
            begin, end = match.span()
            pieces += (self.text[copied:begin], meant)
            length += begin - copied
            taken._note(length, length + len(meant), begin, end)
            copied, length = end, length + len(meant)
        if not pieces:
            return None
        taken.text = b"".join([*pieces, self.text[copied:]])
        return taken

    def origin(self, begin: int, end: int) -> tuple[int, int]:
        """Return the place of this part in the bytes that were sent; never half an escape."""
        if self._source is None:
            return begin, end
        return self._source.origin(self._back(begin, self._source_begins), self._back(end, self._source_ends))

    def whole(self, begin: int, end: int) -> tuple[int, int]:
        """Extend this part of the source so that it splits no escape."""
        first, last = bisect_right(self._source_begins, begin) - 1, bisect_right(self._source_begins, end) - 1
        if first >= 0 and begin < self._source_ends[first]:
            begin = self._source_begins[first]
        if last >= 0 and self._source_begins[last] < end < self._source_ends[last]:
            end = self._source_ends[last]
        return begin, end

    def _note(self, begin: int, end: int, source_begin: int, source_end: int) -> None:
        self._begins.append(begin)
        self._ends.append(end)
        self._source_begins.append(source_begin)
        self._source_ends.append(source_end)

    def _back(self, place: int, inside: list[int]) -> int:
        """Return the place in the source; ``inside`` has the place for the middle of an escape's bytes."""
        before = bisect_right(self._ends, place) - 1
        following = before + 1
        if following < len(self._begins) and self._begins[following] < place:
            return inside[following]
        return place if before < 0 else self._source_ends[before] + place - self._ends[before]


def unescaped_levels(data: bytes, effort: Effort) -> Iterator[Level]:
    """Yield the text as sent, then with fewer and fewer escapes. Raises `TooDense`."""
    level: Level | None = Level(data)
    for _ in range(LEVELS_MAX + 1):
        if level is None:
            return
        yield level
        level = level.unescaped(effort) if b"\\" in level.text else None


def _meant(escape: re.Match[bytes]) -> bytes | None:
    """Return the bytes that an escape means, U+FFFD for half a pair; None if it only looks like an escape."""
    if escape["letter"] is not None:
        return _LETTERS.get(escape["letter"])
    if escape["unit"] is None:
        return chr(0x10000 + (int(escape["high"], 16) - 0xD800 << 10) + int(escape["low"], 16) - 0xDC00).encode()
    unit = int(escape["unit"], 16)
    return chr(0xFFFD if 0xD800 <= unit <= 0xDFFF else unit).encode()
