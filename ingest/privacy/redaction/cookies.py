"""Cookies that open a session, in headers, in jars, and in programs."""

import re
from collections.abc import Iterator

from ingest.privacy.redaction.as_sent import QUOTES, SPACE
from ingest.privacy.redaction.placeholders import is_placeholder, looks_random
from ingest.privacy.redaction.spans import Span, is_marker

_LINE_BYTES_MAX = 8192
_HEADER = re.compile(
    rb"""(?i)(?<![a-z])(?:set-)?cookie(?:["'`]?\s{0,8}[:,]\s{0,8}[bfru]?\[?\s{0,8}["'`]?|\s{0,8}=\s{0,8}["'`])"""
    rb"(?=[^\s=;,]{1,128}=)"
)
_PAIR = re.compile(rb"""(?P<name>[^\s=;,"'`\\]{1,128})=(?P<secret>[^\s;,"'`\\]{1,4096})""")
_ENDS = re.compile(rb"[\r\n\"'`\\]")
_OF_SESSION = re.compile(
    rb"(?i).*(?:sess|sid\b|token|auth|jwt|csrf|xsrf|remember|login|identity|passport|secret|credential)"
)
_KNOWN = re.compile(
    rb"(?<![A-Za-z0-9])(?:JSESSIONID|PHPSESSID|ASP\.NET_SessionId|ASPSESSIONID[A-Z]{8}|connect\.sid|laravel_session)"
    rb"""["']?[=:,]\s?["']?(?P<secret>[A-Za-z0-9%._~+/-]{10,1024})"""
)
_JAR = re.compile(rb"\t(?:TRUE|FALSE)\t\d{1,12}\t[^\s=]{1,128}\t(?P<secret>[^\s\"\\]{6,4096})")

DETECT = (
    rb"(?i)cookie" + QUOTES + SPACE + rb"*[:=,]"
    rb"|(?:SESSIONID|PHPSESSID|ASP\.NET_SessionId|ASPSESSIONID[A-Z]{8}|connect\.sid|laravel_session)[\"'\\u0-9]*[=:,]"
    rb"|(?:TRUE|FALSE)(?:\t|\\+t|\\+u0009)\d{1,12}(?:\t|\\+t|\\+u0009)"
)


def cookies(text: bytes) -> Iterator[Span]:
    """Find the values with which another client could take over a session."""
    place = 0
    for header in _HEADER.finditer(text):
        if header.end() >= place:
            end = _ENDS.search(text, header.end(), header.end() + _LINE_BYTES_MAX)
            place = end.start() if end else min(len(text), header.end() + _LINE_BYTES_MAX)
            yield from _in_header(text, header.end(), place)
    for pattern in (_KNOWN, _JAR):
        yield from (match.span("secret") for match in pattern.finditer(text) if looks_random(match["secret"]))


def _in_header(text: bytes, begin: int, end: int) -> Iterator[Span]:
    for match in _PAIR.finditer(text, begin, end):
        value = match["secret"]
        opens = len(value) >= 4 and _OF_SESSION.match(match["name"])
        if (opens or (len(value) >= 16 and looks_random(value))) and not is_marker(value) and not is_placeholder(value):
            yield match.span("secret")
