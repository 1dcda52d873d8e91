"""A setting on its own line, as in YAML, properties and INI: ``password: hunter``.

In a setting the word may be a password; in a program it is a type or a variable. So the lines around it decide: those
of programs end in commas and brackets. A word that looks like a type counts as a type.
"""

import re

from ingest.privacy.redaction.placeholders import is_harmless, is_reference
from ingest.privacy.redaction.rule_parts import Span

_LINE_BYTES_MAX = 256
_SECTION_BYTES_MAX = 512
# Before a key: marks of a list, a diff or a comment, and line numbers from tools.
_IN_FRONT = re.compile(
    rb"(?:[\w./-]{1,128}[:-]\d{1,6}[:-])?(?:[ \t]*\d{1,6}(?:\xe2\x86\x92|\t|:|\|))?[+]?(?P<indent>[ \t]*)"
    rb"(?:[-*+][ \t]+|export[ \t]+|[#;][ \t]?)?(?:\*\*)?[\"'`]?"
)
_VALUE = re.compile(rb"(?P<value>[^\s\"'`\\,{}()|>\[][^\s\"'`\\]{3,255}+)(?=[ \t]*(?:\r?(?:\n|$)|[ \t]#|\"))")
_OF_PROGRAM = re.compile(
    rb"[A-Z][A-Za-z]*(?:[\[<].*)?[!?]?|[A-Z]\w*[\[<].*|.*[,;(){}\[\]]|[\w.]+[(\[].*|&\w+(?:\[.*)?"
    rb"|[a-z]+(?:[A-Z][a-z]+)*(?:Pass(?:word)?|Token|Secret|Key|Value|Hash|Field|Input)",
    re.DOTALL,
)
_MEANS_A_SECRET = re.compile(
    rb"(?i).*(?:pass\w*|pwd\w*|pw|psk|kennwort|token\w*|key\w*|(?:client|app|application|jwt|shared|consumer|webhook|session)[_.-]?secret)"
)
_OPEN, _CLOSE = (b",", b"{", b"(", b"["), re.compile(rb"[+-]?\s*[})\]]")
_SECTION = re.compile(
    rb"(?:^|[\n\"])\s*\[[\w .:\"/-]{1,64}\][ \t]*\r?\n(?:[ \t]*(?:[#;][^\n]*|[\w.-]+[ \t]*[=:][^\n]*)?\r?\n)*+\Z"
)


def setting(text: bytes, name: Span, between: bytes, value_begin: int) -> Span | None:
    """Return the value's place if this is such a line and the value isn't a type, variable or word of a sentence."""
    match = _VALUE.match(text, value_begin)
    if match is None or between == b" ":
        return None
    begin = _line_begin(text, name[0])
    front = _IN_FRONT.fullmatch(text, begin, name[0])
    key = text[slice(*name)]
    if front is None or _MEANS_A_SECRET.fullmatch(key) is None:
        return None
    value = match["value"]
    if is_harmless(value) or is_reference(value, in_names=True):
        return None
    if value[:1] in b"/~." or _OF_PROGRAM.fullmatch(value):
        return None
    line_break = text.find(b"\n", match.end(), match.end() + _LINE_BYTES_MAX)
    if line_break >= 0 and _CLOSE.match(text, line_break + 1):
        return None  # the next line closes a bracket
    if text[begin - 1 : begin] == b"\n" and text[max(0, begin - 80) : begin].rstrip().endswith(_OPEN):
        return None  # the previous line leaves a bracket or list open
    return match.span("value") if _is_written_so(text, begin, key, between, front["indent"]) else None


def begins_line(text: bytes, place: int) -> bool:
    """Return whether only marks of lists, diffs and tools precede the place in its line."""
    return _IN_FRONT.fullmatch(text, _line_begin(text, place), place) is not None


def _line_begin(text: bytes, place: int) -> int:
    """Return the place after the last line break, or after the quote that opens a string."""
    least = max(0, place - _LINE_BYTES_MAX)
    return max(text.rfind(b"\n", least, place), text.rfind(b'"', least, place)) + 1 or least


def _is_written_so(text: bytes, begin: int, key: bytes, between: bytes, indent: bytes) -> bool:
    """Return whether it has a colon and a space, or = at the start of a line, in a dotted name, or in a section."""
    if b":" in between:
        return between[-1:] in (b" ", b"\t")
    if b"." in key:
        return not key.startswith((b"self.", b"this."))
    if between == b"=":
        return not indent
    return _SECTION.search(text[max(0, begin - _SECTION_BYTES_MAX) : begin]) is not None
