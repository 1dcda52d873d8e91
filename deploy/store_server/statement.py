"""What must be known of a statement before the engine sees it: its verb, its format, where its data begins.

Tokens follow ClickHouse's own lexer (nested comments, heredocs, typographic quotes), since two kinds of text are
refused here: what would read or write files of this machine, and a second statement. The engine judges the rest.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import msgspec

from deploy.store_server.errors import ACCESS_DENIED, SYNTAX_ERROR, StoreError

READS = frozenset({"SELECT", "WITH", "FROM", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK"})
CACHED_MAX = 16 * 1024

_TOKEN = re.compile(
    rb"""(?P<gap>\s+|--[^\n]*|//[^\n]*|\#[ !][^\n]*)
    |(?P<comment>/\*)
    |(?P<string>'(?:[^'\\]|\\.|'')*'|\xe2\x80\x98.*?\xe2\x80\x99|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |(?P<name>`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*"|\xe2\x80\x9c.*?\xe2\x80\x9d)
    |(?P<word>[A-Za-z_]\w*)
    |(?P<foreign>[\x80-\xff]+)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(rb"/\*|\*/")
_BEFORE_DATA = re.compile(rb"[ \t\f]*\r?\n?")


class Statement(msgspec.Struct, frozen=True):
    """One statement. `data_at` is the offset where an INSERT's data begins, None if it has none of its own."""

    verb: str
    format: str = ""
    totals: bool = False
    target: bytes = b""
    settings: bytes = b""
    data_at: int | None = None

    @property
    def is_insert(self) -> bool:
        """Whether rows are sent along, rather than made by a SELECT."""
        return self.data_at is not None

    @property
    def reads(self) -> bool:
        """Whether it answers with rows and leaves nothing behind, neither in the store nor in the connection."""
        return self.verb in READS


class _Token(NamedTuple):
    kind: str
    text: bytes
    start: int
    end: int
    depth: int


def parse_statement(sql: bytes) -> Statement:
    """Look at a statement (for an INSERT: at its beginning). Raises StoreError for what is not let through."""
    if len(sql) > CACHED_MAX or sql[:64].lstrip()[:6].upper() == b"INSERT":
        return _parse(sql)
    return _parse_cached(sql)


def _parse(sql: bytes) -> Statement:
    tokens = _tokens(sql)
    verb = next((token.text.upper().decode() for token in tokens if token.kind == "word"), "")
    if verb == "INSERT":
        return _insert(sql, tokens)
    return _other(verb, [_Token("word", verb.encode(), 0, 0, 0), *tokens])


_parse_cached = lru_cache(maxsize=512)(_parse)


def _tokens(sql: bytes) -> Iterator[_Token]:
    position, depth = 0, 0
    while found := _TOKEN.match(sql, position):
        position = found.end()
        kind = found.lastgroup or ""
        if kind == "comment":
            position = _comment_end(sql, position)
        elif kind not in ("gap", "foreign"):
            depth += (found[0] in (b"(", b"[", b"{")) - (found[0] in (b")", b"]", b"}"))
            yield _Token(kind, found[0], found.start(), position, depth)


def _comment_end(sql: bytes, position: int) -> int:
    """Comments nest, as in ClickHouse."""
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(sql, position)):
        depth += 1 if edge[0] == b"/*" else -1
        position = edge.end()
    return len(sql) if depth else position


def _insert(sql: bytes, tokens: Iterator[_Token]) -> Statement:
    """The first word outside brackets that can follow the target tells which kind of INSERT it is."""
    seen = [_Token("word", b"INSERT", 0, 0, 0)]
    settings_at: int | None = None
    for token in tokens:
        seen.append(token)
        word = token.text.upper() if token.kind == "word" else b""
        if word in (b"SELECT", b"WITH", b"EXPLAIN", b"WATCH"):
            return _other("INSERT", [*seen, *tokens])
        if token.depth or len(seen) < 4:  # INSERT INTO name: what follows can be a keyword
            continue
        if word == b"SETTINGS":
            settings_at = token.start
        elif word in (b"FORMAT", b"VALUES") and seen[-2].text != b".":
            return _with_data(sql, seen, tokens, settings_at)
    return _other("INSERT", seen)


def _with_data(sql: bytes, seen: list[_Token], tokens: Iterator[_Token], settings_at: int | None) -> Statement:
    keyword = seen[-1]
    named = next(tokens, None) if keyword.text.upper() == b"FORMAT" else None
    _refuse(seen)
    end = named.end if named else keyword.end
    gap = _BEFORE_DATA.match(sql, end)
    return Statement(
        verb="INSERT",
        format=named.text.decode() if named and named.kind == "word" else "Values",
        target=sql[: settings_at or keyword.start],
        settings=sql[settings_at : keyword.start] if settings_at else b"",
        data_at=gap.end() if gap else end,
    )


def _other(verb: str, tokens: list[_Token]) -> Statement:
    _refuse(tokens)
    totals = any(token.text.upper() in (b"TOTALS", b"EXTREMES") for token in tokens if token.kind == "word")
    return Statement(verb=verb, format=_format(tokens), totals=totals)


def _format(tokens: list[_Token]) -> str:
    """The word after the last FORMAT that ends the statement, or is followed by SETTINGS alone."""
    for index in range(len(tokens) - 2, 0, -1):
        token, named = tokens[index], tokens[index + 1]
        if token.text.upper() == b"FORMAT" and token.kind == "word" and not token.depth and named.kind == "word":
            after = tokens[index + 2].text.upper() if index + 2 < len(tokens) else b";"
            return named.text.decode() if after in (b";", b"SETTINGS") else ""
    return ""


def _refuse(tokens: list[_Token]) -> None:
    for index, token in enumerate(tokens):
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        word = token.text.upper()
        if word == b";" and after and after.text != b";":
            raise StoreError(SYNTAX_ERROR, "Multi-statements are not allowed")
        if word in (b"INTO", b"FROM") and after and after.text.upper() in (b"OUTFILE", b"INFILE"):
            raise StoreError(ACCESS_DENIED, f"{word.decode()} {after.text.upper().decode()} is not allowed here")
        if after and after.text == b"(" and _names_file(tokens, index):
            raise StoreError(ACCESS_DENIED, "file() is not allowed here: it would read this machine's files")


def _names_file(tokens: list[_Token], index: int) -> bool:
    """Whether this is a call of file(), and not a table or a column definition of that name."""
    token, before = tokens[index], tokens[index - 1].text.upper() if index else b""
    if token.kind not in ("word", "name") or before in (b"INTO", b"TABLE", b"."):
        return False
    if token.kind == "name" and b"\\" in token.text:
        return True  # an escaped name may spell anything
    return token.text.strip(b'`"\xe2\x80\x9c\x9d').lower() == b"file"
