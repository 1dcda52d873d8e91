"""Pairs whose name and value are two fields: ``{"name": "PASSWORD", "value": "…"}``. In JSON, YAML, XML, commands."""

import re
from collections.abc import Iterator

from ingest.privacy.redaction.passwords import PLAIN, VAGUE
from ingest.privacy.redaction.placeholders import is_placeholder, looks_random
from ingest.privacy.redaction.rule_parts import CLOSES, SPACE, Span, any_of

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
    rb"(?i)<\w{1,32}\s[^<>]{0,64}?(?:name|key)="
    + _QUOTED_NAME
    + rb"\s{0,8}>(?:[ \t\r\n]{0,64}<value>)?(?P<secret>[^<>{}$\s]{1,256})</"
)

_WORD = any_of(PLAIN, VAGUE, rb"pw", rb"authorization", rb"cookie")
_VALUE_NEXT = rb"(?:[\"'\\\r\n,;]|u0027|[ \t]+[\\\r\n])[\w\s\"'\\,;:=./+-]*val"
_NAME_LAST = rb"(?:[\"'\\]|u0027)+" + SPACE + rb"*(?:[}/]|" + CLOSES + rb")"
DETECT = rb"(?i)" + _WORD + any_of(_VALUE_NEXT, _NAME_LAST)


def named_values(text: bytes) -> Iterator[Span]:
    """Find the values whose names mark them as secret."""
    for pattern in (_FORWARD, _BACKWARD, _ELEMENT):
        for match in pattern.finditer(text):
            group = "secret" if pattern is not _FORWARD or match["secret"] is not None else "bare"
            value = match[group]
            name = match["name"] or (match["bare_name"] if pattern is _FORWARD else b"")
            if not is_placeholder(value) and is_secret(name, value):
                yield match.span(group)


def is_secret(name: bytes, value: bytes) -> bool:
    """Return whether a value with this name is a secret."""
    if _HEADER.fullmatch(name):
        return looks_random(value.replace(b" ", b""))
    if _IS_PLAIN.fullmatch(name) or _IS_PW.fullmatch(name):
        return True
    return bool(_IS_VAGUE.fullmatch(name) and looks_random(value))
