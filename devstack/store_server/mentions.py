"""Find the functions, settings, formats and engines that a statement names, in one pass over its tokens.

ClickHouse reserves no keywords, so the place of a word decides. A name that may also be a column is one of
`bare_settings`: it counts only if the engine has a setting of that name. `guard` judges the result.
"""

from collections.abc import Callable, Sequence

import msgspec

from devstack.store_server.allowed import FUNCTIONS_REFUSED
from devstack.store_server.tokens import SqlToken, plain

# After these a bracket holds columns, not arguments: CREATE TABLE file (…), INSERT INTO file (…).
_BEFORE_TARGET = frozenset((b"INTO", b"TABLE", b"EXISTS", b"VIEW", b"TO"))
_EQUALS = frozenset((b"=", b"=="))
_OPENING, _CLOSING = frozenset((b"(", b"[", b"{")), frozenset((b")", b"]", b"}"))
_NAMES = frozenset(("word", "name"))
_MAKES = frozenset(("CREATE", "REPLACE"))
_WRITES = _MAKES | {"INSERT"}
_AFTER_FORMAT_CLAUSE = frozenset((b";", b"SETTINGS", b"PARALLEL"))
_AFTER_FORMAT_COLUMN = frozenset(("ASC", "DESC", "END", "FINAL"))  # ORDER BY format DESC
_AFTER_ENGINE_COLUMN = frozenset("AND AS ASC BETWEEN DESC END FINAL FROM ILIKE IN IS LIKE LIMIT NOT OR REGEXP".split())
_VALUE_TOKENS_MAX = 200
ESCAPED_NAME = "a name with escapes in it"
NAME_FROM_A_PARAMETER = "a name from a parameter"


class Mentions(msgspec.Struct, frozen=True):
    """Names as written, but functions in small letters. `passed` holds `function argument`."""

    calls: frozenset[str] = frozenset()
    passed: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()
    settings: frozenset[str] = frozenset()
    bare_settings: frozenset[str] = frozenset()
    engines: frozenset[str] = frozenset()


def mentions_of(verb: str, tokens: Sequence[SqlToken]) -> Mentions:
    """Return what these tokens of a statement name."""
    found = _Finder(verb, tokens).find()
    return Mentions(**{field: frozenset(names) for field, names in found.items()})


def format_named(tokens: Sequence[SqlToken], at: int) -> str:
    """Return the format that the word FORMAT at this place selects; '' if the word is a column."""
    named = tokens[at + 1] if at + 1 < len(tokens) else None
    if named is None or tokens[at].depth or named.kind not in _NAMES:
        return ""
    after = tokens[at + 2].text.upper() if at + 2 < len(tokens) else b";"
    name = plain(named)
    return name if after in _AFTER_FORMAT_CLAUSE and name.upper() not in _AFTER_FORMAT_COLUMN else ""


class _Finder:
    """One pass over tokens. A method takes the place of the token that it examines."""

    def __init__(self, verb: str, tokens: Sequence[SqlToken]) -> None:
        self._verb, self._tokens = verb, tokens
        self._found: dict[str, set[str]] = {}
        self._within = [""]  # the function of each open bracket; one without a name takes over that around it

    def find(self) -> dict[str, set[str]]:
        for at, token in enumerate(self._tokens):
            if token.kind == "word":
                if look := _LOOK_AT.get(token.text.upper()):
                    look(self, at)
            elif token.kind == "name":
                self.argument(at)
            elif token.text in _OPENING:
                self._within.append(self._call(at) or self._within[-1])
            elif token.text in _CLOSING and len(self._within) > 1:
                self._within.pop()
        if self._verb == "SET":
            self._set()
        return self._found

    def _add(self, field: str, name: str) -> None:
        self._found.setdefault(field, set()).add(name)

    def _is_name(self, at: int) -> bool:
        return at < len(self._tokens) and self._tokens[at].kind in _NAMES

    def _is(self, at: int, *texts: bytes) -> bool:
        return at < len(self._tokens) and self._tokens[at].text in texts

    def _call(self, at: int) -> str:
        """Return the function that this bracket calls, '' if none."""
        if self._tokens[at].text != b"(" or at == 0 or not self._is_name(at - 1):
            return ""
        if self._verb in _WRITES and self._is_target(at - 1):
            return ""
        name = _function(self._tokens[at - 1])
        if name != "format" or not self._takes_a_pattern(at):
            self._add("calls", name)
        return name

    def _is_target(self, at: int) -> bool:
        """Return whether this name, or the end of a dotted one, is a table that is created or written."""
        while at >= 2 and self._tokens[at - 1].text == b".":
            at -= 2
        return at > 0 and self._tokens[at - 1].text.upper() in _BEFORE_TARGET

    def _takes_a_pattern(self, at: int) -> bool:
        """Return whether this is the expression format('{} {}', …), and not the table function."""
        return self._is(at + 2, b",") and self._tokens[at + 1].text[:1] == b"'" and b"{" in self._tokens[at + 1].text

    def argument(self, at: int) -> None:
        """Note a function that is an argument: arrayMap(file, …)."""
        name = _function(self._tokens[at])
        if (name in FUNCTIONS_REFUSED or name == ESCAPED_NAME) and not self._is(at - 1, b"."):
            self._add("passed", f"{self._within[-1]} {name}")

    def identifier(self, at: int) -> None:
        """Note an argument that a parameter names: arrayMap({x:Identifier}, …)."""
        if self._is(at - 1, b":"):
            self._add("passed", f"{self._within[-1]} {NAME_FROM_A_PARAMETER}")

    def apply(self, at: int) -> None:
        """Note a call without arguments: APPLY name, APPLY (name)."""
        at += 1
        while self._is(at, b"("):
            at += 1
        if self._is_name(at):
            self._add("calls", _function(self._tokens[at]))

    def format(self, at: int) -> None:
        if name := format_named(self._tokens, at):
            self._add("formats", name)

    def engine(self, at: int) -> None:
        """Note ENGINE = name, ENGINE name. Before a string, ENGINE is a column in a comparison."""
        if self._verb not in _MAKES or self._tokens[at].depth:
            return
        equals = self._is(at + 1, *_EQUALS)
        at += 2 if equals else 1
        if self._is_name(at) and (equals or plain(self._tokens[at]).upper() not in _AFTER_ENGINE_COLUMN):
            self._add("engines", plain(self._tokens[at]))

    def settings(self, at: int) -> None:
        """Note SETTINGS a = 1, b, c = {x: 1}; of a column in brackets, too."""
        at += 2 if self._is(at + 1, b"(") else 1
        while self._is_name(at):
            depth = self._tokens[at].depth
            name, at = self._dotted(at)
            if self._is(at, *_EQUALS):
                self._add("settings", name)
                at = self._after_value(at + 1, depth)
            else:
                self._add("bare_settings", name)
            if not self._is(at, b",") or self._tokens[at].depth != depth:
                return
            at += 1

    def _dotted(self, at: int) -> tuple[str, int]:
        name = plain(self._tokens[at])
        while self._is(at + 1, b".") and self._is_name(at + 2):
            at += 2
            name += "." + plain(self._tokens[at])
        return name, at + 1

    def _after_value(self, at: int, depth: int) -> int:
        """Return where the value that begins here ends. A call, as disk(…), creates something: note its name, too."""
        while self._is(at, b"-", b"+"):
            at += 1
        if self._is_name(at) and self._is(at + 1, b"("):
            self._add("settings", plain(self._tokens[at]))
        if at < len(self._tokens) and self._tokens[at].depth > depth:
            return self._after_brackets(at, depth)
        return at + 1

    def _after_brackets(self, at: int, depth: int) -> int:
        for end in range(at, min(at + _VALUE_TOKENS_MAX, len(self._tokens))):
            if self._tokens[end].depth <= depth:
                return end + 1
        self._add("settings", "with a value that long")
        return len(self._tokens)

    def _set(self) -> None:
        """Note the names in SET: the first word, and everything before an equals sign."""
        if self._is_name(1):
            self.settings(0)
        for at in range(1, len(self._tokens) - 1):
            if self._is(at + 1, *_EQUALS) and self._tokens[at].depth == 0:
                self._add("settings", plain(self._tokens[at]))


def _function(named: SqlToken) -> str:
    """Return its name in small letters; a name with escapes may spell anything."""
    return ESCAPED_NAME if named.kind == "name" and b"\\" in named.text else plain(named).lower()


_LOOK_AT: dict[bytes, Callable[[_Finder, int], None]] = {
    b"SETTINGS": _Finder.settings,
    b"SETTING": _Finder.settings,
    b"FORMAT": _Finder.format,
    b"ENGINE": _Finder.engine,
    b"APPLY": _Finder.apply,
    b"IDENTIFIER": _Finder.identifier,
    **{name.upper().encode(): _Finder.argument for name in FUNCTIONS_REFUSED},
}
WORDS = frozenset(_LOOK_AT)  # a text without any of them mentions calls alone
