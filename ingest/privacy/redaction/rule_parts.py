r"""What rules are made of: spans, markers, and punctuation for detection.

An exact rule is a function from a text to the places of the secrets in it. Detection sees punctuation as a request may
write it: after backslashes, or as ``\u003c``. Encoders that care about HTML write < > & ' in the second form.
"""

import re
from collections.abc import Callable, Iterable, Iterator

Span = tuple[int, int]  # begin and end of a secret
Find = Callable[[bytes], Iterable[Span]]

SPACE = rb"(?:\s|\\+[nrtf])"
QUOTES = rb"(?:[\"'`\\]|u0027)*"
AMPERSAND = rb"(?:[?&;]|u0026)"
OPENS, CLOSES = rb"(?:<|u003c)", rb"(?:>|\\+u003e)"
MARKER = re.compile(rb"\[redacted:[a-z0-9_]+\]")


def marker(rule: str) -> bytes:
    """Return the marker that replaces a secret."""
    return b"[redacted:%s]" % rule.encode()


def any_of(*patterns: bytes) -> bytes:
    """Return the pattern that matches wherever one of these does."""
    return rb"(?:" + b"|".join(patterns) + rb")"


def is_marker(secret: bytes) -> bool:
    """Return whether this is a marker of an earlier cut; a second cut would change only the count."""
    return MARKER.fullmatch(secret) is not None


def matches_of(*patterns: bytes, takes: Callable[[re.Match[bytes]], bool]) -> Find:
    """Return a rule made of regular expressions. The group ``secret`` of a match that it ``takes`` is a secret."""
    compiled = [re.compile(pattern) for pattern in patterns]

    def find(text: bytes) -> Iterator[Span]:
        for pattern in compiled:
            yield from (match.span("secret") for match in pattern.finditer(text) if takes(match))

    return find


def secrets_of(*patterns: bytes, stays: Callable[[bytes], bool] = is_marker) -> Find:
    """Return a rule made of regular expressions. A match that ``stays`` is not a secret.

    The secret is the group ``secret``, or the whole match without one.
    """
    compiled = [re.compile(pattern) for pattern in patterns]

    def find(text: bytes) -> Iterator[Span]:
        for pattern in compiled:
            group = "secret" if "secret" in pattern.groupindex else 0
            yield from (match.span(group) for match in pattern.finditer(text) if not stays(match[group]))

    return find
