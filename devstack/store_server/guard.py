"""Let through what `allowed` lists; refuse everything else before the engine sees it, and name it in the error.

The engine lists its functions and settings at the start, so a table function of a newer engine is refused until
`allowed` lists it.
"""

import re
from collections.abc import Iterable, Iterator, Set
from mmap import ACCESS_READ, mmap
from pathlib import Path

from devstack.store_server.allowed import ENGINES, FORMATS, FUNCTIONS_REFUSED, SETTINGS, TABLE_FUNCTIONS
from devstack.store_server.engine import Known
from devstack.store_server.errors import Code, StoreError
from devstack.store_server.mentions import ESCAPED_NAME, WORDS, Mentions, mentions_of
from devstack.store_server.request import Request
from devstack.store_server.statement import Statement
from devstack.store_server.tokens import SqlToken, tokens_of

_VALUES = "values"  # the one format of data whose values may be expressions
_EXPRESSIONS_BYTES_MAX = 16 * 1024 * 1024
_ROW_TOKENS_MAX = 250_000
# Strings, numbers, signs and NULL, then a word; no other quotes, comments or heredocs, and ASCII alone.
_UP_TO_A_WORD = re.compile(
    rb"(?:[\s(),\[\]{}:;+.*%=<>!|?@^~&\d]{1,4096}+|-(?!-)|/(?![/*])|'(?:[^'\\]++|\\.|'')*+'"
    rb"|(?:NULL|null)(?![\w$])(?!\s*\()){0,1024}+([A-Za-z_]\w*)?",
    re.DOTALL,
)
_WORDS_MAX = 1_000


class Guard:
    """Judges statements and parameters. Every method raises StoreError for what is not allowed."""

    def __init__(self, known: Known) -> None:
        self._calls_refused = _small(known.table_functions) - TABLE_FUNCTIONS | FUNCTIONS_REFUSED | {ESCAPED_NAME}
        self._words = {name.encode() for name in self._calls_refused} | {word.lower() for word in WORDS}
        self._higher_order = _small(known.higher_order)
        self._settings = known.settings
        self._settings_refused = known.settings - SETTINGS

    def check_request(self, request: Request) -> None:
        """Judge the settings and the format in the parameters of a request."""
        self._check_settings({name for name, _ in request.settings})
        _check_formats([request.default_format])

    def check(self, statement: Statement) -> None:
        """Judge a statement; of an INSERT everything but its data."""
        _check_formats([statement.format] if statement.format else [])
        self._check_mentions(statement.mentions)

    def check_data(self, statement: Statement, path: str) -> None:
        """Judge the data of an INSERT, in the file `path`: VALUES may be expressions, with calls and queries."""
        if statement.format.lower() != _VALUES or not (file := Path(path)).stat().st_size:
            return
        with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as data:
            words = _words_of(data)
            if words is not None and not words & self._words:
                return
            if len(data) > _EXPRESSIONS_BYTES_MAX:
                raise StoreError(Code.TOO_MANY_BYTES, "VALUES with expressions exceed 16 MiB; send them in parts")
            for row in _rows(tokens_of(data)):
                self._check_mentions(mentions_of("", row))

    def _check_mentions(self, mentions: Mentions) -> None:
        for name in mentions.calls & self._calls_refused:
            raise _denied(f"The function {name}")
        for call, name in (passed.split(" ", 1) for passed in mentions.passed):
            if call in self._higher_order:
                raise _denied(f"{name}, passed to {call}(),")
        _check_formats(mentions.formats)
        self._check_settings(mentions.settings | (mentions.bare_settings & self._settings_refused))
        for name in mentions.engines - ENGINES:
            raise _denied(f"The engine {name}")

    def _check_settings(self, names: Set[str]) -> None:
        for name in names - SETTINGS:
            if name.startswith("param_"):  # a bound value, in SET
                continue
            known = name in self._settings
            why = "may not be set here." if known else "is neither a builtin setting nor one of a user's own."
            raise StoreError(Code.UNKNOWN_SETTING, f"Setting {name} {why}")


def _words_of(data: bytes | mmap) -> set[bytes] | None:
    """Return the words outside strings, in small letters; None if the tokens must be read, or for very many words.

    This costs a fraction of what the tokens of an INSERT … VALUES cost. Other threads run between two words.
    """
    words: set[bytes] = set()
    position, size = 0, len(data)
    while position < size:
        found = _UP_TO_A_WORD.match(data, position)
        if found is None or found.end() == position or len(words) > _WORDS_MAX:
            return None
        if found[1]:
            words.add(found[1].lower())
        position = found.end()
    return words


def _rows(tokens: Iterator[SqlToken]) -> Iterator[list[SqlToken]]:
    """Yield row by row, since the tokens of a long INSERT take a hundred times its memory."""
    row: list[SqlToken] = []
    for token in tokens:
        row.append(token)
        if token.depth <= 0:
            yield row
            row = []
        elif len(row) > _ROW_TOKENS_MAX:
            raise StoreError(Code.TOO_MANY_BYTES, "A row of VALUES is too long; send it in another format")
    yield row


def _small(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _check_formats(names: Iterable[str]) -> None:
    for name in names:
        if name.lower() not in FORMATS:
            raise StoreError(Code.UNKNOWN_FORMAT, f"Format {name} is unknown, or not allowed here.")


def _denied(what: str) -> StoreError:
    text = f"{what} is not allowed here: a statement reaches the store and nothing beside it."
    return StoreError(Code.ACCESS_DENIED, text)
