"""Read a statement before the engine does: its verb, its format, where its data begins.

Two kinds of text are refused here: clauses that read or write files of this machine, and a second statement. The
engine judges the rest, within the grants of `engine_config.xml` and the confinement of this process.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise, zip_longest

import msgspec

from devstack.store_server.errors import Code, StoreError
from devstack.store_server.tokens import SqlToken, plain, tokens_of

READS = frozenset({"SELECT", "WITH", "FROM", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK"})
CACHED_MAX = 16 * 1024

_AFTER_FORMAT = frozenset((b";", b"SETTINGS", b"PARALLEL"))
_AFTER_COLUMN = frozenset(("ASC", "DESC", "END", "FINAL"))  # ORDER BY format DESC
_BEFORE_DATA = re.compile(rb"[ \t\f]*\r?\n?")


class Statement(msgspec.Struct, frozen=True):
    """One statement. `data_at` is the offset of an INSERT's data, None if it has none."""

    verb: str
    format: str = ""
    totals: bool = False
    target: bytes = b""
    into: tuple[str, ...] = ()  # the table of an INSERT: its name, or database and name; empty for any other form
    settings: bytes = b""
    data_at: int | None = None

    @property
    def is_insert(self) -> bool:
        """Whether the client sends the rows, rather than a SELECT making them."""
        return self.data_at is not None

    @property
    def reads(self) -> bool:
        """Whether it returns rows and changes neither the store nor the connection."""
        return self.verb in READS


def parse_statement(sql: bytes) -> Statement:
    """Parse a statement, or the beginning of an INSERT. Raises StoreError for what is not allowed."""
    if len(sql) > CACHED_MAX or sql[:64].lstrip()[:6].upper() == b"INSERT":
        return _parse(sql)
    return _parse_cached(sql)


def _parse(sql: bytes) -> Statement:
    tokens = tokens_of(sql)
    verb = next((token.text.upper().decode() for token in tokens if token.kind == "word"), "")
    if verb == "INSERT":
        return _insert(sql, tokens)
    return _other(verb, [SqlToken("word", verb.encode(), 0, 0, 0), *tokens])


_parse_cached = lru_cache(maxsize=512)(_parse)


def _insert(sql: bytes, tokens: Iterator[SqlToken]) -> Statement:
    """Parse an INSERT: its first word outside brackets that can follow the target decides its kind."""
    seen = [SqlToken("word", b"INSERT", 0, 0, 0)]
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


def _with_data(sql: bytes, seen: list[SqlToken], tokens: Iterator[SqlToken], settings_at: int | None) -> Statement:
    keyword = seen[-1]
    named = next(tokens, None) if keyword.text.upper() == b"FORMAT" else None
    data_format = plain(named) if named and named.kind in ("word", "name") else "Values"
    _refuse(seen)
    if not data_format.isidentifier():  # it becomes part of another statement
        raise StoreError(Code.UNKNOWN_FORMAT, f"Unknown format {data_format}.")
    end = named.end if named else keyword.end
    gap = _BEFORE_DATA.match(sql, end)
    return Statement(
        verb="INSERT",
        format=data_format,
        target=sql[: settings_at or keyword.start],
        into=_into(seen),
        settings=sql[settings_at : keyword.start] if settings_at else b"",
        data_at=gap.end() if gap else end,
    )


def _other(verb: str, tokens: list[SqlToken]) -> Statement:
    _refuse(tokens)
    totals = any(token.text.upper() in (b"TOTALS", b"EXTREMES") for token in tokens if token.kind == "word")
    into = _into(tokens) if verb == "INSERT" else ()
    return Statement(verb=verb, format=_format(tokens), totals=totals, into=into)


def _into(tokens: list[SqlToken]) -> tuple[str, ...]:
    """Return the name after INSERT INTO, part by part, where it is written out: it decides about a right.

    A bound name, as in `INSERT INTO {x:Identifier}`, is another form: the engine inserts into what its value says.
    """
    if [token.text.upper() for token in tokens[:2]] != [b"INSERT", b"INTO"]:
        return ()
    parts: list[str] = []
    for token, after in zip_longest(tokens[2::2], tokens[3::2]):
        if token is None or token.kind not in ("word", "name"):
            return ()
        parts.append(plain(token))
        if after is None or after.text != b".":
            return tuple(parts)
    return ()


def _format(tokens: list[SqlToken]) -> str:
    """Return the word after the last FORMAT, if that ends the statement or only SETTINGS follow."""
    for at in range(len(tokens) - 2, 0, -1):
        if tokens[at].kind == "word" and tokens[at].text.upper() == b"FORMAT":
            named, after = tokens[at + 1], tokens[at + 2].text.upper() if at + 2 < len(tokens) else b";"
            if tokens[at].depth or named.kind not in ("word", "name") or after not in _AFTER_FORMAT:
                return ""
            return "" if plain(named).upper() in _AFTER_COLUMN else plain(named)  # '' if it is a column named format
    return ""


def _refuse(tokens: list[SqlToken]) -> None:
    if len(tokens) > 1 and tokens[0].text.upper() == b"ATTACH":
        raise StoreError(Code.ACCESS_DENIED, "ATTACH is not allowed here: it would take over files of this machine")
    for token, after in pairwise(tokens):
        if token.kind not in ("word", "sign"):
            continue
        word = token.text.upper()
        if (word == b";" and after.text != b";") or (word == b"PARALLEL" and after.text.upper() == b"WITH"):
            raise StoreError(Code.SYNTAX_ERROR, "Multi-statements are not allowed")
        if word in (b"INTO", b"FROM") and after.text.upper() in (b"OUTFILE", b"INFILE"):
            raise StoreError(Code.ACCESS_DENIED, f"{word.decode()} {after.text.upper().decode()} is not allowed here")
