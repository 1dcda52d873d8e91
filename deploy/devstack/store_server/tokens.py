"""Cuts SQL into tokens where ClickHouse's own lexer cuts it: text that one takes for a string, both take for one.

A test holds both against each other (`tokenizeQuery`). What the engine's lexer calls an error is a sign here, or not
there at all.
"""

import re
from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple

_GAP = rb"(?P<gap>\s+|--[^\n]*|//[^\n]*|\#[ !][^\n]*)|(?P<comment>/\*)"
_QUOTED = rb"""(?P<string>'(?:[^'\\]++|\\.|'')*+'|[xX]'[0-9a-fA-F]*'|[bB]'[01]*'|\xe2\x80\x98.*?\xe2\x80\x99)
    |(?P<heredoc>\$\w*\$)|(?P<name>`(?:[^`\\]++|\\.|``)*+`|"(?:[^"\\]++|\\.|"")*+"|\xe2\x80\x9c.*?\xe2\x80\x9d)"""
_REST = rb"(?P<word>[A-Za-z_][\w$]*|\$\w[\w$]*)|(?P<minus>\xe2\x88\x92)|(?P<foreign>[\x80-\xff])|(?P<sign>==|.)"
# A number ends in word characters, never in `$`: in `1a$b$` a heredoc begins, in `a$b$` none does.
_DIGITS, _HEX = rb"\d(?:_?\d)*", rb"[0-9a-fA-F](?:_?[0-9a-fA-F])*"
_EXPONENT = rb"(?:[eE][+-]?(?:" + _DIGITS + rb")?)?"
_NUMBER = rb"(?P<number>(?:%b|%b|%b)(?P<tail>\w*))" % (
    rb"0[xX]" + _HEX + rb"(?:\.(?:" + _HEX + rb")?)?(?:[pP][+-]?(?:" + _DIGITS + rb")?)?",
    rb"0[bB][01](?:_?\d)*(?:\.(?:" + _DIGITS + rb")?)?" + _EXPONENT,
    _DIGITS + rb"(?:\.(?:" + _DIGITS + rb")?)?" + _EXPONENT,
)
_FRACTION = rb"(?P<fraction>\." + _DIGITS + _EXPONENT + rb")"
_ELEMENT = rb"(?P<number>" + _DIGITS + rb"(?P<tail>\w*))"
# What a dot means depends on what is before it: t.1.2 is an element of an element, 1.2 and + .2 are numbers.
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


class Token(NamedTuple):
    """A piece of SQL: word, name (in quotes), string, number, fraction or sign. A bracket has the depth within it."""

    kind: str
    text: bytes
    start: int
    end: int
    depth: int


def tokens_of(sql: bytes | mmap) -> Iterator[Token]:
    """The tokens, without gaps and comments, up to a quote that is not closed: the engine refuses such a statement.

    Cost: linear in its length.
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
            yield Token(kind, text, start, position, depth)
            if text in _QUOTES:
                return


class _Heredocs:
    """Finds where $tag$ … $tag$ ends. Where each tag is last is looked up once, so that no search is in vain."""

    def __init__(self, sql: bytes | mmap) -> None:
        self._sql = sql
        self._last: dict[bytes, int] | None = None

    def token_at(self, start: int, tag: bytes) -> tuple[str, int]:
        """Kind and end of the token that begins with this tag: a string, or what a dollar is without an end."""
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


def plain(token: Token) -> str:
    """The name that a word or a quoted name spells; one with escapes is left in its quotes, and so equals no name."""
    text = token.text
    if token.kind == "name" and b"\\" not in text:
        text = text[3:-3] if text[0] == 0xE2 else text[1:-1]
    return text.decode("utf-8", "surrogateescape")


def _comment_end(sql: bytes | mmap, position: int) -> int:
    """Comments nest, as in ClickHouse."""
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(sql, position)):
        depth += 1 if edge[0] == b"/*" else -1
        position = edge.end()
    return len(sql) if depth else position
