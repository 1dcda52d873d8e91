"""What an exact rule is: a function from text to the places of the secrets in it."""

import re
from collections.abc import Callable, Iterable, Iterator

Span = tuple[int, int]  # begin and end of a secret
Find = Callable[[bytes], Iterable[Span]]

MARKER = re.compile(rb"\[redacted:[a-z0-9_]+\]")


def marker(rule: str) -> bytes:
    """What stands in the place of a secret."""
    return b"[redacted:%s]" % rule.encode()


def secrets_of(*patterns: bytes) -> Find:
    """A rule of regular expressions alone; the group ``secret`` is the secret where there is one, else all of it."""
    compiled = [re.compile(pattern) for pattern in patterns]

    def find(text: bytes) -> Iterator[Span]:
        for pattern in compiled:
            group = "secret" if "secret" in pattern.groupindex else 0
            yield from (match.span(group) for match in pattern.finditer(text) if not is_marker(match[group]))

    return find


def is_marker(secret: bytes) -> bool:
    """Whether this was cut before: cutting it again would change nothing but the count."""
    return MARKER.fullmatch(secret) is not None
