"""The SQL files, one question each, and what of a question need not, or may not, be said."""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

SQL = Path(__file__).parent / "sql"

# `AND ({agent_name:Nullable(String)} IS NULL OR …)`, and `AND (empty({phrases:Array(String)}) OR …)`
_CONDITION = re.compile(r"\n *AND \((?:\{(\w+):[^}]*\} IS NULL|empty\(\{(\w+):[^}]*\}\))\s+OR ")
_SETTINGS = re.compile(r"\s+SETTINGS\s+(?P<settings>[^()]+)\Z")
_SETTING = re.compile(r"(\w+) *= *(\w+)")


@lru_cache
def statement(name: str) -> str:
    """The text of ``sql/<name>.sql``."""
    return (SQL / f"{name}.sql").read_text()


@lru_cache(maxsize=1024)
def statement_without(name: str, absent: frozenset[str]) -> str:
    """The text, but for the conditions that hold because their parameter is ``absent`` (NULL, or an empty array).

    The answer is the same. The store takes about a quarter of a millisecond to read a condition, and a list of sessions
    has fourteen: as much as it takes to answer many a question.
    """
    text, kept, done = statement(name), [], 0
    for found in _CONDITION.finditer(text):
        if (found[1] or found[2]) in absent and found.start() >= done:
            kept.append(text[done : found.start()])
            done = _end_of_condition(text, found.start())
    return "".join([*kept, text[done:]])


def tuning() -> set[tuple[str, str]]:
    """The settings that questions carry themselves, with their values: each makes one quicker, and no answer other."""
    return {setting for file in SQL.glob("*.sql") for setting in _SETTING.findall(_settings_of(file.read_text()))}


@lru_cache(maxsize=1024)
def statement_untuned(sql: str, names: frozenset[str]) -> str:
    """The same question without these of its settings."""
    left = [f"{name} = {value}" for name, value in _SETTING.findall(_settings_of(sql)) if name not in names]
    return _SETTINGS.sub("\nSETTINGS " + ", ".join(left) if left else "", sql)


def _settings_of(sql: str) -> str:
    found = _SETTINGS.search(sql)
    return found["settings"] if found else ""


def names_of_absent(params: Mapping[str, object]) -> frozenset[str]:
    """Which parameters ask for nothing."""
    return frozenset(name for name, value in params.items() if value is None or value == [])


def _end_of_condition(text: str, start: int) -> int:
    """Just after the parenthesis that closes the first one from ``start`` on."""
    depth = 0
    for place in range(text.index("(", start), len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
    raise ValueError(f"a parenthesis is never closed: {text[start:]}")
