"""Private keys in PEM: whole ones, cut ones, and the tails of those whose middle was left out."""

import re
from bisect import bisect_left
from collections.abc import Iterator

from ingest.redaction.spans import Span

_KIND = rb"(?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
_BEGIN = re.compile(rb"-----BEGIN " + _KIND)
_END = re.compile(rb"-----END " + _KIND)
_BODY = re.compile(rb"[A-Za-z0-9+/=\s\\:,.\"'-]*")
_LINES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n"
_KEY_BYTES_MAX = 32_768
_SIGNIFICANT = re.compile(rb"[A-Za-z0-9+/]{16}")  # less is somebody who writes about keys


def private_keys(text: bytes) -> Iterator[Span]:
    """From the first line to the last, or to where the text breaks off."""
    ends = [match.span() for match in _END.finditer(text)]
    begins = [match.span() for match in _BEGIN.finditer(text)]
    for number, (begin, body) in enumerate(begins):
        until = begins[number + 1][0] if number + 1 < len(begins) else len(text)
        until = min(until, body + _KEY_BYTES_MAX)
        end = _first_after(ends, body, until) or _runs_out(text, body, until)
        if _SIGNIFICANT.search(text, body, end):
            yield begin, end
    yield from (_tail(text, start, end) for start, end in ends if _has_tail(text, start))


def _first_after(ends: list[Span], body: int, until: int) -> int | None:
    found = bisect_left(ends, (body, 0))
    return ends[found][1] if found < len(ends) and ends[found][0] < until else None


def _runs_out(text: bytes, body: int, until: int) -> int:
    match = _BODY.match(text, body, until)
    return match.end() if match else body


def _tail(text: bytes, start: int, end: int) -> Span:
    """Lines of base64 before a last line that has no first one."""
    head = text[max(0, start - _KEY_BYTES_MAX) : start]
    return start - len(head) + len(head.rstrip(_LINES)), end


def _has_tail(text: bytes, start: int) -> bool:
    return _SIGNIFICANT.search(text, _tail(text, start, start)[0], start) is not None
