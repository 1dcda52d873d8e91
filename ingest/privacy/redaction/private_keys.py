"""Keys as text: private keys and the seed phrases of wallets.

Private keys are in PEM and PuTTY's format, whole, cut short, or without their beginning, and PEM in base64. The middle
of a key, without its first and last line, looks like any other base64 and stays.

A seed phrase has 12, 15, 18, 21 or 24 lower-case words after a name such as ``mnemonic``. The list of the 2,048 words
is not needed: the name, the sign after it and the exact number of words are enough. Words such as "the", which are in
no list but in most sentences, mark prose.
"""

import re
from base64 import b64decode
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from ingest.privacy.redaction.rule_parts import Find, Span, secrets_of

# SSH2 has four dashes and a space; some tools write the space after five dashes, too.
_KIND = rb"(?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
_BEGIN = re.compile(rb"----[- ]{0,2}BEGIN " + _KIND)
_END = re.compile(rb"----[- ]{0,2}END " + _KIND)
_PUTTY_BEGIN = re.compile(rb"Private-Lines: {0,4}\d{1,4}")
_PUTTY_END = re.compile(rb"Private-(?:MAC|Hash): {0,4}[a-f0-9]{0,128}")
_BODY = re.compile(rb"[A-Za-z0-9+/=\s\\:,.\"'-]*")
_LINES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n"
_KEY_BYTES_MAX = 32_768
_SIGNIFICANT = re.compile(rb"[A-Za-z0-9+/]{16}")  # a shorter text only talks about keys

# If each line is its own JSON string, a cut would end with the first line, so each line is cut. No names come between.
_IN_STRINGS = re.compile(rb"(?:(?:Proc-Type|DEK-Info): |[A-Za-z0-9+/=\s\\,\"'-])*+")
_LINE = re.compile(rb"[A-Za-z0-9+/=]{16,}+")

# "-----BEGIN " in base64, with none, one and two bytes before it in its group of three.
_ENCODED = re.compile(rb"LS0tLS1CRUdJ|LS0tQkVHSU4g|LS0tLUJFR0lO")
_ENCODED_RUN = re.compile(  # on one line or on several; the last may be short
    rb"[A-Za-z0-9+/]++(?:\s{1,32}[A-Za-z0-9+/]{40,}+)*+"
    rb"(?:\s{1,32}(?:[A-Za-z0-9+/]{4}){0,18}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}[A-Za-z0-9+/=])(?![A-Za-z0-9+/=:_-]))?={0,2}"
)
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_NAMED_WITHIN = 64  # characters of base64

PRIVATE_KEY = (
    rb"----[- ]{0,2}(?:BEGIN|END) [A-Z0-9 ]*PRIVATE KEY|Private-Lines:"
    rb"|LS0tLS1CRUdJ|LS0tQkVHSU4g|LS0tLUJFR0lO"
)


def private_keys(text: bytes) -> Iterator[Span]:
    """Find keys from the first line to the last, or to the end of a cut text."""
    ends = _spans(_END, text)
    yield from _blocks(text, _spans(_BEGIN, text), ends)
    yield from _blocks(text, _spans(_PUTTY_BEGIN, text), _spans(_PUTTY_END, text))
    yield from _tails(text, ends)
    yield from _encoded(text)


def _spans(pattern: re.Pattern[bytes], text: bytes) -> list[Span]:
    return [match.span() for match in pattern.finditer(text)]


def _blocks(text: bytes, begins: Sequence[Span], ends: Sequence[Span]) -> Iterator[Span]:
    for number, (begin, body) in enumerate(begins):
        until = begins[number + 1][0] if number + 1 < len(begins) else len(text)
        until = min(until, body + _KEY_BYTES_MAX)
        following = bisect_left(ends, (body, 0))
        if following < len(ends) and ends[following][0] < until:
            end = ends[following][1]
        else:
            rest = _BODY.match(text, body, until)
            end = rest.end() if rest else body
        if _SIGNIFICANT.search(text, body, end):
            yield begin, end
            lines = _IN_STRINGS.match(text, body, end)
            if lines and b'"' in lines[0]:
                yield from (line.span() for line in _LINE.finditer(text, body, lines.end()))


def _tails(text: bytes, ends: Sequence[Span]) -> Iterator[Span]:
    """Find lines of base64 before a last line that has no first line."""
    behind = 0
    for start, end in ends:
        head = text[max(behind, start - _KEY_BYTES_MAX) : start]
        begin = start - len(head) + len(head.rstrip(_LINES))
        behind = end
        if _SIGNIFICANT.search(text, begin, start):
            yield begin, end


def _encoded(text: bytes) -> Iterator[Span]:
    """Find keys in base64. Certificates begin the same way, so the first line is decoded."""
    end, gone = 0, 0  # of the run, and of what is cut
    for match in _ENCODED.finditer(text):
        begin = match.start()
        if begin < gone:
            continue
        if begin >= end and (run := _ENCODED_RUN.match(text, begin)):
            end = run.end()
        known = _NO_BASE64.sub(b"", text[begin : begin + _NAMED_WITHIN])
        if b"PRIVATE KEY" in b64decode(known[: len(known) // 4 * 4]):  # whole groups of it
            yield begin, end
            gone = end


_NAME = rb"(?:mnemonic|(?:seed|recovery|backup|secret|wallet)[ _-]?(?:phrase|words?))"
_WORDS = rb"[a-z]{3,8}(?: [a-z]{3,8}){11}"
_PROSE = rb"(?:the|and|for|from|with|not|but|are|was|has|its|our|their)"

# Quotes may be escaped, and HTML's signs written as \u00XX. For detection a few words are enough.
SEED_PHRASE = rb"(?i)" + _NAME + rb"[a-z_-]*(?:[\s:=>\"'\\nrt]|u00(?:27|3e))+(?:[a-z]{3,8} ){4}"
seed_phrases: Find = secrets_of(
    rb"(?i:(?<![a-z])" + _NAME + rb"(?:[_-][a-z_-]{0,15})?)[\"']?(?:\s{0,4}[:=]{1,2}>?\s{0,4}[\"']?|\s{1,4}[\"'])"
    rb"(?P<secret>(?!(?:[a-z]{3,8} ){0,23}" + _PROSE + rb"\b)" + _WORDS + rb"(?:(?: [a-z]{3,8}){3}){0,4}+)"
    rb"(?![ ]?[a-zA-Z0-9])"
)
