"""Values whose names mark them as secret, where a name and its value are apart.

They may be two fields, in JSON, YAML, XML or commands: ``{"name": "PASSWORD", "value": "…"}``. Or the value is the
default of a variable, parameter or option, in Terraform, shells (``${DB_PASSWORD:-…}``) or programs.
"""

import re
from collections.abc import Iterator

from ingest.privacy.redaction.passwords import BARE, PLAIN, VAGUE
from ingest.privacy.redaction.placeholders import is_harmless, is_placeholder, is_reference, is_sentence, looks_random
from ingest.privacy.redaction.rule_parts import CLOSES, SPACE, Span, any_of, matches_of

_IS_PLAIN = re.compile(rb"(?i)[\w.:-]*" + PLAIN)
_IS_VAGUE = re.compile(rb"(?i)[\w.:-]*" + VAGUE)
_IS_PW = re.compile(rb"(?i:[\w.:-]*[_.:-])?(?i:pw)|\w*[a-z]P[wW]")
_HEADER = re.compile(rb"(?i)(?:proxy-)?authorization|cookie|set-cookie")
_KEY = rb"(?:(?:parameter_?|variable_?|var_?|option_?|header_?|attribute_?)?(?:name|key)|variable|option_?name|field)"
_QUOTED_NAME = rb"""(?P<about>["'])(?P<name>[\w.:-]{1,96})(?P=about)"""
_BARE_NAME = rb"""(?P<bare_name>[\w.:-]{1,96})(?=[,;"]|[ \t]{0,8}[\r\n])"""
_NAME = rb"""["']?[ \t]{0,8}[:=][ \t]{0,8}""" + any_of(_QUOTED_NAME, _BARE_NAME)
_TO_NEXT = rb"[ \t]{0,64}[,;]?[ \t]{0,8}\r?\n?[ \t]{0,64}"
# A patch is a list of lines, each a string: the next line begins after "," and a sign.
_NEXT = rb"""(?:""" + _TO_NEXT + rb"""|",[ \t\r\n]{0,8}"[ +-][ \t]{0,64})"""
_OTHERS = rb"""(?:["']?[a-z_]{1,24}["']?[ \t]{0,8}[:=][ \t]{0,8}["']?[\w./-]{0,48}["']?""" + _TO_NEXT + rb"){0,3}?"
_VALUE = rb"""["']?(?:parameter_?|option_?|default_?|secret_?|string_?)?(?:value|val)["']?[ \t]{0,8}[:=][ \t]{0,8}"""
_QUOTED = rb"""(?P<quote>["'])(?P<secret>(?:(?!(?P=quote))[^\\]|\\.){1,4096}+)"""
_BARE = rb"(?P<bare>[^\s\"'\\,;{}\[\]<>()&|!*]{3,256}+)(?=\s|,|\\|\"|'|$)"
_FORWARD = re.compile(rb"(?is)(?<![a-z])" + _KEY + _NAME + _NEXT + _OTHERS + _VALUE + any_of(_QUOTED, _BARE))
_IS = rb"""["']?\s{0,8}[:=]\s{0,8}"""
_BACKWARD = re.compile(
    rb"(?is)(?<![a-z])value" + _IS + _QUOTED.replace(b"4096", b"512") + rb"(?P=quote)"
    rb"""\s{0,64}[,;]?\s{0,64}["']?""" + _KEY + _IS + _QUOTED_NAME + rb"\s{0,64}[}/]"
)
_ELEMENT = re.compile(
    rb"(?i)<\w{1,32}\s[^<>]{0,64}?(?:name|key)=" + _QUOTED_NAME + rb"\s{0,8}>"
    rb"(?:[ \t\r\n]{0,64}<value>)?(?P<secret>[^<>{}$\s]{1,256})</"
)

_VALUE_NEXT = rb"(?:[\"'\\\r\n,;]|u0027|[ \t]+[\\\r\n])[\w\s\"'\\,;:=./+-]*val"
_NAME_LAST = rb"(?:[\"'\\]|u0027)+" + SPACE + rb"*(?:[}/]|" + CLOSES + rb")"
DETECT = rb"(?i)" + any_of(PLAIN, VAGUE, rb"pw", rb"authorization", rb"cookie") + any_of(_VALUE_NEXT, _NAME_LAST)


def named_values(text: bytes) -> Iterator[Span]:
    """Find the values whose names mark them as secret."""
    for pattern in (_FORWARD, _BACKWARD, _ELEMENT):
        for match in pattern.finditer(text):
            group = "secret" if pattern is not _FORWARD or match["secret"] is not None else "bare"
            value = match[group]
            name = match["name"] or (match["bare_name"] if pattern is _FORWARD else b"")
            if not is_placeholder(value) and _is_secret(name, value):
                yield match.span(group)


def _is_secret(name: bytes, value: bytes) -> bool:
    """Return whether a value with this name is a secret."""
    if _HEADER.fullmatch(name):
        return looks_random(value.replace(b" ", b""))
    if _IS_PLAIN.fullmatch(name) or _IS_PW.fullmatch(name):
        return True
    return bool(_IS_VAGUE.fullmatch(name) and looks_random(value))


_WORD = any_of(PLAIN, VAGUE, BARE)
BEFORE_COMMA = _WORD + rb"(?:[\"'`\\]|u0027)+" + SPACE + rb"*,"
_QUOTED_DEFAULT = rb"(?P<quote>[\"'`])(?P<secret>(?:(?!(?P=quote))[^\\\r\n]|\\[^\r\n]){3,512}+)(?P=quote)"
_BEFORE_DEFAULT = (
    (
        rb"\b(?:variable|output)\s{1,4}[\"'](?P<name>[\w-]{1,96})[\"']\s{0,4}\{[^{}]{0,512}?\b(?:default|value)\s{0,16}="
        rb"\s{0,4}"
    ),
    rb"[\"'](?P<name>[\w-]{1,64})[\"'],\s{0,4}\{[^{}]{0,200}?\bdefault\s{0,4}:\s{0,4}",
    rb"[\"'](?P<name>\w{1,64})[\"']\)(?:\.unwrap_or(?:_else)?\((?:\|_\|\s?)?|\s{0,4}(?:\?\?|\|\||or)\s{0,4})",
    (
        rb"\b(?P<name>\w{1,64})(?::\s?[\w.\[\]]{1,32})?\s=\s(?:\w{1,16}\.)?(?:Field|config|env|Option|StringField)\([^()\n]{0,64}?"
        rb"\bdefault\s?=\s?"
    ),
    rb"[\"'`]-{1,2}(?P<name>[\w-]{1,64})[\"'`],[^()\n]{0,128}?\bdefault\s?=\s?",
    rb"\b(?:env(?:iron)?\.|ENV)(?P<name>\w{1,64})\s{0,4}(?:\|\||\?\?)\s{0,4}",
    rb"\b(?:os\.environ\.get|ENV\.fetch|getOrDefault|getProperty|env)\(\s{0,4}[\"'](?P<name>[\w.]{1,64})[\"'],\s{0,4}",
    rb"\bflags?\.(?:String|StringVar|StringP)\([^\"\n]{0,32}\"(?P<name>[\w.-]{1,64})\",\s{0,4}",
)
_IN_SHELL = rb"\$\{(?P<name>\w{1,64}):(?P<dash>[-=])?(?P<secret>(?![?+ -])[^\s{}$\"'\\]{4,128}+)\}"
_EXACT = tuple(rb"(?i)" + exact for exact in (_IN_SHELL, *(before + _QUOTED_DEFAULT for before in _BEFORE_DEFAULT)))
_SLICE = re.compile(rb"[\d:-]+")  # ${TOKEN:0:8}

DEFAULTS = tuple(
    rb"(?i)" + pattern
    for pattern in (
        rb"(?:variable|output)" + SPACE + rb"+(?:[\\]*\"|\\*u0027|')[\w-]*" + _WORD,
        rb"\$\{\w*" + _WORD + rb":",
        _WORD + rb"(?:[\"'`\\]|u0027)+\)?(?:," + SPACE + rb"*\{|\)(?:\.unwrap_or|" + SPACE + rb"*(?:\?\?|\|\||or)))",
        rb"(?:Field|config|env|Option)\([^()\n]*default",
        BEFORE_COMMA,
        rb"env(?:iron)?\.\w*" + _WORD + SPACE + rb"*(?:\|\||\?\?)",
        rb"(?:environ\.get|ENV\.fetch|getOrDefault|getProperty|env)\(" + SPACE + rb"*(?:[\"'\\]|u0027)+[\w.]*" + _WORD,
        rb"flags?\.String\w*\([^\n]{0,64}" + _WORD,
    )
)


def _is_default(match: re.Match[bytes]) -> bool:
    value = match["secret"]
    if is_harmless(value) or is_sentence(value) or is_reference(value, in_names=False) or _SLICE.fullmatch(value):
        return False
    return _is_secret(match["name"], value)


defaults = matches_of(*_EXACT, takes=_is_default)
