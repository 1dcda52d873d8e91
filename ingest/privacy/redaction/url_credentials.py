"""``scheme://user:password@host``, for any password.

People forget to write ``@`` and ``/`` as ``%40`` and ``%2F``, so the end of a password is a guess: the last ``@``
before the first ``/`` that follows one, or a later ``@`` if the text after it can't be a host. In doubt too much is
cut.
"""

import re
from collections.abc import Iterator

from ingest.privacy.redaction.placeholders import looks_random
from ingest.privacy.redaction.spans import Span

_SLASHES = rb"(?:\\*/){2}"  # some write them as \/\/
_SCHEME = rb"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,30}://"
_BYTES_MAX = 1024  # of a password
_USER = re.compile(
    _SCHEME + rb"(?P<user>(?!\$|\{|<|%s|\[redacted:)[^\s\"'`/@:<>{}\\\[]{0,512}):"
    rb"(?!\$[A-Za-z_({]|\{|<|%s|\*+@|\.{3}|[xX]{3,}@|\[redacted:|port\b|PORT\b)"
)
_KEY = re.compile(_SCHEME + rb"(?P<secret>[^\s\"'`/@:<>{}\[\]\\$]{16,512}:|[A-Za-z0-9_-]{20,512})@(?=[A-Za-z0-9\[])")
_RUN = re.compile(rb"[^\s\"<>\\]{1,1536}")
_RUN_IN = {quote: re.compile(rb"[^\s\"<>\\" + quote + rb"]{1,1536}") for quote in (b"'", b"`")}  # in such quotes
_REST_OF_AUTHORITY = re.compile(rb"[^/?#]*")
_PORT = re.compile(rb"\d{1,5}(?:[/?#,;:)\]}'&|]|$)")
_HOST = re.compile(rb"(?!sha\d{3}:)[A-Za-z0-9\[$%{_]")
_ONE_LABEL = re.compile(rb"(?!localhost)[A-Za-z0-9_-]+(?=[/?#])")
_MACHINE = re.compile(rb"localhost|\d{1,3}(?:\.\d{1,3}){3}|[\w.-]+\.(?:com|org|net|io|dev|local|internal|test)")
_OF_DOCUMENTATION = re.compile(
    rb"(?i)(?:my_?|your_?|the_?)?(?:user(?:name)?|usr|name|login|you|me):(?:my_?|your_?|the_?)?(?:pass(?:word|wd)?|pwd?)"
)

DETECT = rb":" + _SLASHES + rb"(?:[^\s\"/@:]*:[^\s\"@]*@|[A-Za-z0-9_-]{20,512}@)"


def url_credentials(text: bytes) -> Iterator[Span]:
    """Find the user and password of each URL, and keys in their place."""
    place = 0
    for match in _USER.finditer(text):
        if match.start() >= place and (end := _end(text, match)):
            yield match.start("user"), end
            place = end
    for match in _KEY.finditer(text):
        if match["secret"].endswith(b":") or looks_random(match["secret"]):
            yield match.span("secret")


def _end(text: bytes, match: re.Match[bytes]) -> int | None:
    """Return the end of the password, which is at an ``@``."""
    begin = match.end()
    if text.find(b"@", begin, begin + _BYTES_MAX) < 0:
        return None
    run = _RUN_IN.get(text[match.start() - 1 : match.start()], _RUN).match(text, begin)
    at = _last_at(text, begin, run.end()) if run else -1
    if not begin < at <= begin + _BYTES_MAX or _HOST.match(text, at + 1) is None:
        return None
    password = text[begin:at]
    is_port = _PORT.match(password) and (not password.isdigit() or _MACHINE.fullmatch(match["user"]))
    is_example = _OF_DOCUMENTATION.fullmatch(text, match.start("user"), at)
    return None if is_port or is_example else at


def _last_at(text: bytes, begin: int, stop: int) -> int:
    """Return the place of the ``@`` before the host."""
    at = text.find(b"@", begin, stop)
    if at < 0:
        return at
    rest = _REST_OF_AUTHORITY.match(text, at, stop)
    at = text.rfind(b"@", at, rest.end() if rest else stop)
    label = _ONE_LABEL.match(text, at + 1, stop)
    further = text.rfind(b"@", label.end(), stop) if label else -1
    return at if further < 0 or text[further - 1 : further] in (b"/", b"'") else further
