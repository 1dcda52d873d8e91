"""Values of password-like keys, in every notation of such pairs.

A key is *plain* if its name leaves no doubt (``password``, ``api_key``), otherwise *vague* (``token``, ``pwd``): then
the value must look random. Values that aren't secrets (``string``, ``${PASSWORD}``, ``None``) stay.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from ingest.privacy.redaction import pairs
from ingest.privacy.redaction.pairs import Pair
from ingest.privacy.redaction.placeholders import is_placeholder
from ingest.privacy.redaction.rule_parts import Span
from ingest.privacy.redaction.scanner import Scanner
from ingest.privacy.redaction.settings_lines import begins_line, setting

# Suffixes of the word in a name, as in SECRET_KEY_BASE, "secret_string", PASSWORD_2.
_MORE = (
    rb"(?:[_-]?(?:base|string|value|text|confirm(?:ation)?|prod|production|dev|test|staging|live|old|new|[0-9]{1,2}))?"
)
_PLAIN = (
    rb"(?:passw(?:or)?d|passwort|kennwort|pass[_-]?(?:phrase|code)|secret"
    rb"|(?:api|access|private|secret|signing|encryption|account|master|auth|license|fernet|hmac|jwt)[._-]?key"
    rb"|(?:unseal|recovery)[ _-]key(?: \d)?"
    rb"|(?:access|auth|refresh|session|security|api|bearer|bot|client|personal|deploy|private|vault|identity|registry)"
    rb"[_-]?token)" + _MORE + rb"|_auth"
)
_VAGUE = (
    rb"token(?:_(?:value|prod|production|dev|test|staging|live|[0-9]))?|credentials?|pwd|_pass|app_?key"
    rb"|(?:pre_?shared|shared|subscription|validation|decryption)[_-]?key|key_?material|secret_?id|authtok|pepper"
    rb"|(?:auth|session|nonce|cookie|logged_in|hash|secret)_salt|sonar\.login"
)
PLAIN, VAGUE = rb"(?:" + _PLAIN + rb")", rb"(?:" + _VAGUE + rb")"  # detection uses them too
BARE = rb"(?:pass|pw|psk)"  # a word of its own in the name
OF_SERVICE = rb"(?:(?:storage|primary|secondary)[_-]?key|pat)"
KEYS = Scanner([rb"(?i)" + PLAIN, rb"(?i)" + VAGUE + rb"|" + BARE + rb"\b", rb"_KEY", rb"(?i)" + OF_SERVICE + rb"\b"])
_IS_PLAIN, _IS_KEY = 0, 2
_BARE_AT_END = re.compile(rb"(?i:pass|pw|psk|pat)\Z")
_BARE_IS_WORD = re.compile(
    rb"(?:(?:\A|[^A-Za-z])(?i:pass|pw|psk|pat)|[a-z](?:Pass|P[wW]|P[aA][tT])"
    rb"|(?i:root|admin|user|db|bind|ldap|ssh|my|smtp|sudo|become)(?i:pass|pw))\Z"
)
_NAME = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
_NAME_BYTES_MAX = 32  # detection allows as many before the word that marks a key

_RUN = rb"[^\s\"'`\\;&|<>(){}\[\],]"  # of a value without quotes
_RUN_ON = re.compile(_RUN + rb"*+")  # it ends at a space or a bracket
_WORD_ON = re.compile(rb"[^\s\"'`\\]*+")  # in a line of an env file it ends only at a space
_DECIDES = rb"{1,256}+"  # this many bytes decide whether a value without quotes is a secret

_TYPE = (
    rb"(?:\??:\s?[&a-zA-Z][\w.\[\] |]{0,32}?(?=\s=)|\[\d{0,4}\]|\s(?:string|String|str)(?=\s=))?"  # password: str = "…"
)
_SETS = rb"(?::=|=>|<-|===?|!==?|\|\|=|\?\??=|[:=])"
_ASSIGNS = rb"\]?[*]{0,2}" + _TYPE + rb"\s{0,8}" + _SETS + rb"[*]{0,2}\s{0,8}"
# A value in a call that only changes its type: String::from("…"), []byte("…").
WRAPPED = (
    rb"(?:string\(\d{1,4}\)\s|!\w{1,16}\s|(?:new )?(?:String(?:::from)?|SecretStr|Secret(?:String)?(?:::new|::from)?"
    rb"|bytes|\[\]byte|Some|std::string|md5|sha1|bcrypt|crypt|Hash::make|make_password|generate_password_hash)\(\s?)?"
)
_QUOTED = re.compile(
    rb"""(?s)(?P<closes>["'`]?)(?P<between>""" + _ASSIGNS + rb"""|,\s{0,16}|[ ])""" + WRAPPED + rb"""[bfru@]?"""
    rb"""(?P<quote>["'`])(?P<value>(?:(?!(?P=quote))[^\\]|\\.){1,4096}+)"""
)
_ELEMENT = re.compile(rb"(?P<between>>)(?:<!\[CDATA\[)?(?P<value>[^<>{}$\s]{1,256}+)(?=</|\]\]>)")
_UNQUOTED = re.compile(
    rb"(?P<closes>[\"'`]?)(?P<between>\]?[*]{0,2}\s{0,8}(?:=>|[:=])[*]{0,2}\s{0,8}|[ ])"
    rb"(?P<value>(?![=>~])" + _RUN + _DECIDES + rb")"
)
_OF_A_PARSER = (b"nexpected ", b"nvalid ", b"llegal ")  # a token of a language
_WITH_KEYS = re.compile(rb"[^\s\"'`\\;&?|<>(){}\[\],]*+")
_KEYS_IN_A_RUN_MAX = 16  # password=password=… only wastes processor time
_MAY_FOLLOW = frozenset(b"\"'`:=,*|?[]<> \t\r\n\f\v")  # a key's name, before its value
_BREAK = re.compile(rb"\r?\n|\\+[nr]|\"")  # of a line, or of the string of JSON around it
_TO_QUOTE = {quote: re.compile(rb"(?:[^\\" + quote + rb"]|\\.)*+", re.DOTALL) for quote in (b'"', b"'", b"`")}


class _Key(NamedTuple):
    name: bytes
    begin: int
    end: int
    plain: bool


def passwords(text: bytes) -> Iterator[Span]:
    """Find the values of password-like keys."""
    place, run_end, rejected = 0, 0, 0
    for end, pattern in sorted(KEYS.scan(text)):
        if end < place or end == len(text) or text[end] not in _MAY_FOLLOW:
            continue
        behind = _of_service if pattern >= _IS_KEY else _behind
        key = _key(text, end, pattern == _IS_PLAIN)
        if _is_key(text, key) and (span := behind(text, key)):
            yield span
            place = span[1]  # a key inside a cut value doesn't count
        elif end < run_end:
            rejected += 1
            if rejected > _KEYS_IN_A_RUN_MAX:
                place = run_end
        else:
            run_end, rejected = _run_on(text, end, _WITH_KEYS), 0


def _key(text: bytes, end: int, plain: bool) -> _Key:
    head = text[max(0, end - _NAME_BYTES_MAX) : end]
    name = head[len(head.rstrip(_NAME)) :]
    # SERVER_AUTH may mean anything.
    plain = plain and (not name.lower().endswith(b"_auth") or name.startswith(b"_auth"))
    return _Key(name, end - len(name), end, plain)


def _is_key(text: bytes, key: _Key) -> bool:
    """Return whether it is neither a longer word, such as ``compass``, nor part of a test's or a parser's message."""
    if key.name == b"PASS" and text[key.end : key.end + 1] == b":":
        return False
    if key.name.endswith((b"xistingSecret", b"xisting_secret")):
        return False
    if key.name == b"token" and text[max(0, key.begin - 11) : key.begin].endswith(_OF_A_PARSER):
        return False
    return _BARE_AT_END.search(key.name) is None or _BARE_IS_WORD.search(key.name) is not None


def _of_service(text: bytes, key: _Key) -> Span | None:
    match = _QUOTED.match(text, key.end) or _UNQUOTED.match(text, key.end)
    if match is None or not pairs.is_key_of_service(pair := _pair(text, key, match)) or _is_none(pair):
        return None
    return match.span("value")


def _behind(text: bytes, key: _Key) -> Span | None:
    return _in_quotes(text, key) or _in_element(text, key) or _in_environment(text, key) or _without_quotes(text, key)


def _in_quotes(text: bytes, key: _Key) -> Span | None:
    match = _QUOTED.match(text, key.end)
    if match is None:
        return None
    begin, end = match.span("value")
    closing = _closing_quote(text, begin, end, match["quote"])
    pair = _pair(text, key, match)._replace(value=text[begin : min(closing, end)])
    return (begin, closing) if pairs.in_quotes(pair, match["quote"]) and not _is_none(pair) else None


def _pair(text: bytes, key: _Key, match: re.Match[bytes]) -> Pair:
    closed = match["closes"] != b""
    return Pair(text, key.name, key.begin, key.plain, match["between"], closed, match.start("value"), match["value"])


def _closing_quote(text: bytes, begin: int, end: int, quote: bytes) -> int:
    """Return the end of a value: at the quote, or at the end of the line if there is no quote."""
    if text[end : end + 1] != quote and (rest := _TO_QUOTE[quote].match(text, end)):
        end = rest.end()
    if text[end : end + 1] == quote:
        return end
    line_end = _BREAK.search(text, begin + 1, end)
    return line_end.start() if line_end else end


def _in_element(text: bytes, key: _Key) -> Span | None:
    """``<password>…</password>``"""
    match = _ELEMENT.match(text, key.end) if text[key.begin - 1 : key.begin] == b"<" else None
    return match.span("value") if match and not is_placeholder(match["value"]) else None


def _in_environment(text: bytes, key: _Key) -> Span | None:
    match = _UNQUOTED.match(text, key.end) if text[key.end : key.end + 1] == b"=" else None
    if match is None or not pairs.in_environment(pair := _pair(text, key, match)) or _is_none(pair):
        return None
    return pair.value_begin, _run_on(text, match.end("value"), _WORD_ON if begins_line(text, key.begin) else _RUN_ON)


def _without_quotes(text: bytes, key: _Key) -> Span | None:
    match = _UNQUOTED.match(text, key.end)
    if match is None:
        return None
    pair = _pair(text, key, match)
    begin, end = match.span("value")
    if (pairs.in_query(pair) or pairs.in_option(pair)) and not _is_none(pair):
        return begin, _run_on(text, end, _RUN_ON)
    if pair.is_of_pass and not pair.closed and (span := setting(text, (key.begin, key.end), pair.between, begin)):
        return span
    return (begin, _run_on(text, end, _RUN_ON)) if pairs.in_plain_text(pair) and not _is_none(pair) else None


def _run_on(text: bytes, end: int, pattern: re.Pattern[bytes]) -> int:
    match = pattern.match(text, end)
    return match.end() if match else end


def _is_none(pair: Pair) -> bool:
    names_itself = b"_" in pair.value and pair.value.lower() in pair.name.lower()
    return names_itself or is_placeholder(pair.value)
