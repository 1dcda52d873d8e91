"""``user:password`` in base64, as in the Basic scheme and in Docker's configuration."""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator

from ingest.privacy.redaction.as_sent import SPACE
from ingest.privacy.redaction.spans import Span

_URL_SAFE = bytes.maketrans(b"-_", b"+/")
# Text in base64 has a capital or a digit early on; words of prose mostly have none.
_CAPITAL = rb"(?=[a-z+/_-]{0,16}[A-Z0-9])"
_BASIC = re.compile(rb"(?i:(?<![a-z0-9])basic)\s{1,8}(?P<secret>" + _CAPITAL + rb"[A-Za-z0-9+/_-]{4,4096}+={0,2})")
_AUTH = re.compile(rb"[\"'][aA]uth[\"']\s{0,8}:\s{0,8}[\"'](?P<secret>[A-Za-z0-9+/_-]{4,4096}+={0,2})[\"']")

DETECT = (
    rb"(?i:basic)" + SPACE + rb"+[a-z+/_-]{0,16}[A-Z0-9]"
    rb"|(?:[\"']|u0027)[aA]uth[\"'\\u027]+" + SPACE + rb"*:" + SPACE + rb"*[\\]*(?:[\"']|u0027)[A-Za-z0-9+/_-]{4}"
)


def basic_credentials(text: bytes) -> Iterator[Span]:
    """Find values after ``Basic``, or of a registry's ``"auth"``, that decode to a pair."""
    for pattern in (_BASIC, _AUTH):
        yield from (match.span("secret") for match in pattern.finditer(text) if is_pair(match["secret"]))


def is_pair(value: bytes) -> bool:
    """Return whether this is base64 of printable text with a colon."""
    bare = value.rstrip(b"=").translate(_URL_SAFE)
    try:
        decoded = b64decode(bare + b"=" * (-len(bare) % 4), validate=True).decode()
    except (Error, UnicodeDecodeError):
        return False
    return decoded.isprintable() and ":" in decoded[:-1]
