"""Values of password-like keys, in every form in which such a pair is written.

A key is *plain* where its name leaves no doubt (``password``, ``api_key``), and *vague* where it does not (``token``,
``pwd``): then the value must look random. What is no secret (``string``, ``${PASSWORD}``, ``None``) stays.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ingest.redaction.placeholders import is_placeholder, is_reference, looks_random
from ingest.redaction.scanner import Scanner
from ingest.redaction.spans import Span, is_marker

_PLAIN = (
    rb"passw(?:or)?d|passwort|passphrase|secret|(?:api|access|private|secret|signing|encryption|account|master|auth)"
    rb"[_-]?key|(?:access|auth|refresh|session|security|api|bearer|bot|client|personal|deploy|private|vault)[_-]?token"
    rb"|_auth"
)
_VAGUE = rb"token|credentials?|pwd|_pass"
PLAIN, VAGUE = rb"(?:" + _PLAIN + rb")", rb"(?:" + _VAGUE + rb")"  # what detection looks for as well
_keys = Scanner([rb"(?i)" + PLAIN, rb"(?i)" + VAGUE])
_IS_PLAIN = 0
_NAME = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
_NAME_BYTES_MAX = 32  # detection allows for as many in front of the word by which a key is found

_RUN = rb"[^\s\"'`\\;&|<>(){}\[\],]"  # of a value without quotes
_RUN_ON = re.compile(_RUN + rb"*+")
_DECIDES = rb"{1,256}+"  # so many bytes are enough to tell whether a value without quotes is a secret


class _Pair(NamedTuple):
    name: bytes  # the whole of the key, such as DB_PASSWORD
    before: bytes  # the byte in front of it
    plain: bool
    between: bytes
    value: bytes


class _Form(NamedTuple):
    """A way to write a pair: what comes behind the key's name, and whether such a pair means a secret."""

    behind: re.Pattern[bytes]
    means_it: Callable[[_Pair], bool]
    quoted: bool = False  # then the value ends where the pattern says


def passwords(text: bytes) -> Iterator[Span]:
    """The values behind password-like keys."""
    place = 0
    for end, pattern in sorted(_keys.scan(text)):
        span = _behind(text, end, pattern == _IS_PLAIN) if end >= place else None
        if span:
            yield span
            place = span[1]  # a key inside a value that goes anyway is no key


def _behind(text: bytes, key_end: int, plain: bool) -> Span | None:
    head = text[max(0, key_end - _NAME_BYTES_MAX) : key_end]
    before = head.rstrip(_NAME)
    for behind, means_it, quoted in _FORMS:
        if match := behind.match(text, key_end):
            pair = _Pair(head[len(before) :], before[-1:], plain, match["between"], match["value"])
            if means_it(pair) and not is_marker(pair.value) and not is_placeholder(pair.value):
                return match.start("value"), match.end("value") if quoted else _run_on(text, match.end("value"))
    return None


def _run_on(text: bytes, end: int) -> int:
    """A value without quotes ends where the text has a space or a bracket."""
    match = _RUN_ON.match(text, end)
    return match.end() if match else end


def _in_quotes(pair: _Pair) -> bool:
    return pair.plain or looks_random(pair.value)


def _in_environment(pair: _Pair) -> bool:
    """``DB_PASSWORD=…``, as shells and env files have it."""
    long_enough = len(pair.value) >= 3 and (pair.plain or len(pair.value) >= 8)
    return pair.between == b"=" and pair.name == pair.name.upper() and long_enough and not _is_folder(pair)


def _is_folder(pair: _Pair) -> bool:
    return pair.name.endswith(b"PWD") and pair.value[:1] in b"/~."


def _in_query(pair: _Pair) -> bool:
    """Of a URL, of a form, of a connection string, or in a .npmrc."""
    return pair.between.strip() == b"=" and (
        pair.before in (b"?", b"&", b";") or (pair.plain and pair.name.startswith(b"_auth"))
    )


def _in_option(pair: _Pair) -> bool:
    """``--password …`` of a command."""
    return pair.name.startswith(b"--") and (pair.between == b"=" or looks_random(pair.value))


def _in_element(pair: _Pair) -> bool:
    """``<password>…</password>``"""
    return pair.before == b"<"


def _in_plain_text(pair: _Pair) -> bool:
    """``password: …`` could be a type, ``password=…`` a variable."""
    if pair.plain and pair.value.isdigit():
        return len(pair.value) >= 4
    return looks_random(pair.value) and not is_reference(pair.value, in_names=b"pass" not in pair.name.lower())


_FORMS = (
    _Form(
        re.compile(
            rb"""["']?(?P<between>\s{0,8}(?::=|=>|[:=])\s{0,8})[bfru]?(?P<quote>["'])"""
            rb"""(?P<value>(?:(?!(?P=quote))[^\\]|\\.)++)""",
            re.DOTALL,
        ),
        _in_quotes,
        quoted=True,
    ),
    _Form(re.compile(rb"(?P<between>>)(?P<value>[^<>{}$\s]{1,256}+)(?=</)"), _in_element, quoted=True),
    _Form(re.compile(rb"(?P<between>=)(?P<value>" + _RUN + _DECIDES + rb")"), _in_environment),
    _Form(re.compile(rb"(?P<between>\s{0,8}=\s{0,8})(?P<value>" + _RUN + _DECIDES + rb")"), _in_query),
    _Form(re.compile(rb"(?P<between>[ =])[\"']?(?P<value>(?!-)" + _RUN + _DECIDES + rb")"), _in_option),
    _Form(
        re.compile(rb"""["']?(?P<between>\s{0,8}[:=]\s{0,8})(?P<value>(?![=>~])""" + _RUN + _DECIDES + rb")(?![(])"),
        _in_plain_text,
    ),
)
