"""Credentials in HTTP headers, as in commands, logs and recorded requests: in ``Authorization`` and in cookies."""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator

from ingest.privacy.redaction.placeholders import is_placeholder, is_reference, looks_random
from ingest.privacy.redaction.rule_parts import QUOTES, SPACE, Span, secrets_of

_SCHEME = rb"(?:bearer|basic|token|apikey|bot|negotiate|digest)"
_CHARACTERS = rb"[A-Za-z0-9._~+/=:@!%^*-]"
_SHORT, _LONG = (rb"(?P<secret>" + _CHARACTERS + least + rb")" for least in (rb"{6,}+", rb"{16,}+"))
_WITH_SCHEME = re.compile(
    rb"""(?i)authorization["']?[\s:=,]{1,8}(?:\w{1,20}\()?["'`]?""" + _SCHEME + rb"\s{1,8}" + _SHORT
)
_BARE = re.compile(rb"""(?i)authorization["']?\s{0,8}[:=]\s{0,8}["'`]?""" + _LONG + rb"(?![(\[])")
_OTHER_SCHEME = re.compile(rb"""(?i)authorization["']?\s{0,8}[:=]\s{0,8}["'`]?[a-z][\w-]{1,20}\s{1,8}""" + _LONG)
_SCHEME_ALONE = re.compile(rb"(?<![A-Za-z0-9])(?:Bearer|bearer)\s{1,8}" + _LONG)
_WORDS = re.compile(  # of texts about headers; any other value after a scheme is a credential
    rb"(?i)(?:access|auth|id|api)?[-_]?(?:tokens?|auth\w*|credentials?|headers?|schemes?|keys?|string)\.?"
)


def authorizations(text: bytes) -> Iterator[Span]:
    """Find the credentials of Authorization headers, and bearer tokens anywhere."""
    for pattern, takes in (
        (_WITH_SCHEME, lambda secret: _WORDS.fullmatch(secret) is None),
        (_BARE, _is_token),
        (_OTHER_SCHEME, _is_token),
        (_SCHEME_ALONE, looks_random),
    ):
        for match in pattern.finditer(text):
            secret = match["secret"]
            if takes(secret) and not is_placeholder(secret):
                yield match.span("secret")


def _is_token(secret: bytes) -> bool:
    return looks_random(secret) and not is_reference(secret, in_names=False)


_URL_SAFE = bytes.maketrans(b"-_", b"+/")
# Text in base64 has a capital or a digit early on; words of prose mostly have none.
_CAPITAL = rb"(?=[a-z+/_-]{0,16}[A-Z0-9])"
_BASIC = rb"(?i:(?<![a-z0-9])basic)\s{1,8}(?P<secret>" + _CAPITAL + rb"[A-Za-z0-9+/_-]{4,4096}+={0,2})"
_AUTH = rb"[\"'][aA]uth[\"']\s{0,8}:\s{0,8}[\"'](?P<secret>[A-Za-z0-9+/_-]{4,4096}+={0,2})[\"']"

BASIC = (
    rb"(?i:basic)" + SPACE + rb"+[a-z+/_-]{0,16}[A-Z0-9]"
    rb"|(?:[\"']|u0027)[aA]uth[\"'\\u027]+" + SPACE + rb"*:" + SPACE + rb"*[\\]*(?:[\"']|u0027)[A-Za-z0-9+/_-]{4}"
)


def _is_no_pair(value: bytes) -> bool:
    """Return whether this isn't base64 of printable text with a colon."""
    bare = value.rstrip(b"=").translate(_URL_SAFE)
    try:
        decoded = b64decode(bare + b"=" * (-len(bare) % 4), validate=True).decode()
    except (Error, UnicodeDecodeError):
        return True
    return not decoded.isprintable() or ":" not in decoded[:-1]


# Values after ``Basic``, or of a registry's ``"auth"``.
basic_credentials = secrets_of(_BASIC, _AUTH, stays=_is_no_pair)


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
_KNOWN = (
    rb"(?<![A-Za-z0-9])(?:JSESSIONID|PHPSESSID|ASP\.NET_SessionId|ASPSESSIONID[A-Z]{8}|connect\.sid|laravel_session)"
    rb"""["']?[=:,]\s?["']?(?P<secret>[A-Za-z0-9%._~+/-]{10,1024})"""
)
_JAR = rb"\t(?:TRUE|FALSE)\t\d{1,12}\t[^\s=]{1,128}\t(?P<secret>[^\s\"\\]{6,4096})"
_known_cookies = secrets_of(_KNOWN, _JAR, stays=lambda secret: not looks_random(secret))

COOKIE = (
    rb"(?i)cookie" + QUOTES + SPACE + rb"*[:=,]"
    rb"|(?:SESSIONID|PHPSESSID|ASP\.NET_SessionId|ASPSESSIONID[A-Z]{8}|connect\.sid|laravel_session)[\"'\\u0-9]*[=:,]"
)
COOKIE_JAR = rb"(?:TRUE|FALSE)(?:\t|\\+t|\\+u0009)\d"


def cookies(text: bytes) -> Iterator[Span]:
    """Find the values with which another client could take over a session."""
    place = 0
    for header in _HEADER.finditer(text):
        if header.end() < place:
            continue
        end = _ENDS.search(text, header.end(), header.end() + _LINE_BYTES_MAX)
        place = end.start() if end else min(len(text), header.end() + _LINE_BYTES_MAX)
        for match in _PAIR.finditer(text, header.end(), place):
            value = match["secret"]
            opens = len(value) >= 4 and _OF_SESSION.match(match["name"])
            if (opens or (len(value) >= 16 and looks_random(value))) and not is_placeholder(value):
                yield match.span("secret")
    yield from _known_cookies(text)
