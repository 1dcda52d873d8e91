"""Default values of variables, parameters and options that are named like a secret.

In Terraform, in shells (``${DB_PASSWORD:-…}``), and in programs.
"""

import re

from ingest.privacy.redaction.named_values import is_secret
from ingest.privacy.redaction.passwords import BARE, PLAIN, VAGUE
from ingest.privacy.redaction.placeholders import is_harmless, is_reference, is_sentence
from ingest.privacy.redaction.rule_parts import SPACE, any_of, matches_of

_WORD = any_of(PLAIN, VAGUE, BARE)
_QUOTED = rb"(?P<quote>[\"'`])(?P<secret>(?:(?!(?P=quote))[^\\\r\n]|\\[^\r\n]){3,512}+)(?P=quote)"
_BEFORE_QUOTED = (
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
_EXACT = tuple(rb"(?i)" + exact for exact in (_IN_SHELL, *(before + _QUOTED for before in _BEFORE_QUOTED)))
_SLICE = re.compile(rb"[\d:-]+")  # ${TOKEN:0:8}

DEFAULTS = tuple(
    rb"(?i)" + pattern
    for pattern in (
        rb"(?:variable|output)" + SPACE + rb"+(?:[\\]*\"|\\*u0027|')[\w-]*" + _WORD,
        rb"\$\{\w*" + _WORD + rb":",
        _WORD + rb"(?:[\"'`\\]|u0027)+\)?(?:," + SPACE + rb"*\{|\)(?:\.unwrap_or|" + SPACE + rb"*(?:\?\?|\|\||or)))",
        rb"(?:Field|config|env|Option)\([^()\n]*default",
        rb"-[\w-]*" + _WORD + rb"(?:[\"'`\\]|u0027)+,[^()\n]*default",
        rb"env(?:iron)?\.\w*" + _WORD + SPACE + rb"*(?:\|\||\?\?)",
        rb"(?:environ\.get|ENV\.fetch|getOrDefault|getProperty|env)\(" + SPACE + rb"*(?:[\"'\\]|u0027)+[\w.]*" + _WORD,
        rb"flags?\.String\w*\([^\n]{0,64}" + _WORD,
    )
)


def _is_secret(match: re.Match[bytes]) -> bool:
    value = match["secret"]
    if is_harmless(value) or is_sentence(value) or is_reference(value, in_names=False) or _SLICE.fullmatch(value):
        return False
    return is_secret(match["name"], value)


defaults = matches_of(*_EXACT, takes=_is_secret)
