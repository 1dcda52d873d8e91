"""Cut SQL into tokens exactly where ClickHouse's lexer cuts it, so that nothing can hide in a string.

A test compares both lexers (`tokenizeQuery`). What the engine's lexer calls an error is a sign here, or is left out.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_GAP = rb"(?P<gap>\s+|--[^\n]*|//[^\n]*|\#[ !][^\n]*)|(?P<comment>/\*)"
_QUOTED = rb"""(?P<string>'(?:[^'\\]++|\\.|'')*+'|[xX]'[0-9a-fA-F]*'|[bB]'[01]*'|\xe2\x80\x98.*?\xe2\x80\x99)
    |(?P<heredoc>\$\w*\$)|(?P<name>`(?:[^`\\]++|\\.|``)*+`|"(?:[^"\\]++|\\.|"")*+"|\xe2\x80\x9c.*?\xe2\x80\x9d)"""
_REST = rb"(?P<word>[A-Za-z_][\w$]*|\$\w[\w$]*)|(?P<minus>\xe2\x88\x92)|(?P<foreign>[\x80-\xff])|(?P<sign>==|.)"
# A number ends in word characters, never in `$`: `1a$b$` contains the start of a heredoc, `a$b$` does not.
_DIGITS, _HEX = rb"\d(?:_?\d)*", rb"[0-9a-fA-F](?:_?[0-9a-fA-F])*"
_EXPONENT = rb"(?:[eE][+-]?(?:" + _DIGITS + rb")?)?"
_NUMBER = rb"(?P<number>(?:%b|%b|%b)(?P<tail>\w*))" % (
    rb"0[xX]" + _HEX + rb"(?:\.(?:" + _HEX + rb")?)?(?:[pP][+-]?(?:" + _DIGITS + rb")?)?",
    rb"0[bB][01](?:_?\d)*(?:\.(?:" + _DIGITS + rb")?)?" + _EXPONENT,
    _DIGITS + rb"(?:\.(?:" + _DIGITS + rb")?)?" + _EXPONENT,
)
_FRACTION = rb"(?P<fraction>\." + _DIGITS + _EXPONENT + rb")"
_ELEMENT = rb"(?P<number>" + _DIGITS + rb"(?P<tail>\w*))"
# The meaning of a dot depends on what precedes it: t.1.2 is an element of an element, 1.2 and + .2 are numbers.
_ELSEWHERE, _AFTER_OPERAND, _AFTER_DOT = (
    re.compile(b"|".join((_GAP, _QUOTED, *numbers, _REST)), re.VERBOSE | re.DOTALL)
    for numbers in ((_FRACTION, _NUMBER), (_NUMBER,), (_FRACTION, _ELEMENT))
)
_TAG = re.compile(rb"\$(?=(\w*\$))")
_DOLLAR = re.compile(rb"\$(?:\w[\w$]*)?")
_QUOTES, _TYPOGRAPHIC = frozenset((b"'", b'"', b"`")), frozenset((b"\xe2\x80\x98", b"\xe2\x80\x9c"))
_COMMENT_EDGE = re.compile(rb"/\*|\*/")
_OPERANDS, _OPERAND_ENDS = frozenset(("word", "name", "number", "fraction")), frozenset((b")", b"]"))
_OPENING, _CLOSING = frozenset((b"(", b"[", b"{")), frozenset((b")", b"]", b"}"))


class SqlToken(NamedTuple):
    """A piece of SQL: word, name (in quotes), string, number, fraction or sign.

    `depth` counts the brackets around it; a bracket that opens counts itself.
    """

    kind: str
    text: bytes
    start: int
    end: int
    depth: int


def tokens_of(sql: bytes) -> Iterator[SqlToken]:
    """Yield the tokens without gaps and comments, in linear time.

    They end at a quote that is not closed: the engine refuses such a statement.
    """
    position, depth, pattern = 0, 0, _ELSEWHERE
    heredocs = _Heredocs(sql)
    while found := pattern.match(sql, position):
        kind, text, start, position = found.lastgroup or "", found[0], found.start(), found.end()
        if kind == "comment":
            position = _comment_end(sql, position)
        elif kind == "foreign" and sql[start : start + 3] in _TYPOGRAPHIC:
            return
        elif kind not in ("gap", "foreign"):
            if kind == "heredoc":
                kind, position = heredocs.token_at(start, text)
                text = sql[start:position]
            elif kind == "number" and found["tail"] and text.replace(b"_", b"").isalnum():
                kind = "word"  # 1st
            depth += (text in _OPENING) - (text in _CLOSING)
            pattern = _pattern_after(kind, text)
            yield SqlToken(kind, text, start, position, depth)
            if text in _QUOTES:
                return


class _Heredocs:
    """Finds where $tag$ … $tag$ ends. The last place of each tag is found once, so that every search succeeds."""

    def __init__(self, sql: bytes) -> None:
        self._sql = sql
        self._last: dict[bytes, int] | None = None

    def token_at(self, start: int, tag: bytes) -> tuple[str, int]:
        """Return kind and end of the token at this tag: a string, or a word or sign if the tag does not recur."""
        if self._last is None:
            self._last = {b"$" + found[1]: found.start() for found in _TAG.finditer(self._sql)}
        after = start + len(tag)
        if self._last[tag] >= after:
            return "string", self._sql.find(tag, after) + len(tag)
        found = _DOLLAR.match(self._sql, start)
        end = found.end() if found else start + 1
        return ("word" if end > start + 1 else "sign"), end


def _pattern_after(kind: str, text: bytes) -> re.Pattern[bytes]:
    if kind in _OPERANDS or text in _OPERAND_ENDS:
        return _AFTER_OPERAND
    return _AFTER_DOT if text == b"." else _ELSEWHERE


def plain(token: SqlToken) -> str:
    """Return the name that a word or a quoted name spells.

    A name with escapes keeps its quotes, and so equals no other name.
    """
    text = token.text
    if token.kind == "name" and b"\\" not in text:
        text = text[3:-3] if text[0] == 0xE2 else text[1:-1]
    return text.decode("utf-8", "surrogateescape")


def _comment_end(sql: bytes, position: int) -> int:
    """Return the end of a comment. Comments nest, as in ClickHouse."""
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(sql, position)):
        depth += 1 if edge[0] == b"/*" else -1
        position = edge.end()
    return len(sql) if depth else position
