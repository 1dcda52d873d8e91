"""The SQL statement of a question: the text of its file, without the conditions and settings that don't apply."""

import re
from collections.abc import Mapping
from functools import lru_cache

from store.sql import read_sql

# `AND ({agent_name:Nullable(String)} IS NULL OR …)`, and `AND (empty({phrases:Array(String)}) OR …)`
_CONDITION = re.compile(r"(\n *AND \()(?:\{(\w+):[^}]*\} IS NULL|empty\(\{(\w+):[^}]*\}\))\s+OR ")
_INCLUDE = re.compile(r" *\{\{(\w+)\}\}\n")
_SETTINGS = re.compile(r"\s+SETTINGS\s+(?P<settings>[^()]+)\Z")
_SETTING = re.compile(r"(\w+) *= *(\w+)")

# The settings in SQL files, with their values. Each makes a question faster and changes no answer.
TUNING = frozenset(
    {
        ("max_threads", "2"),
        ("merge_tree_min_bytes_for_concurrent_read", "1"),
        ("merge_tree_min_read_task_size", "1"),
        ("merge_tree_min_rows_for_concurrent_read", "1"),
        ("merge_tree_min_rows_for_concurrent_read", "8192"),
        ("optimize_aggregation_in_order", "1"),
        ("use_skip_indexes_if_final", "1"),
        ("use_skip_indexes_if_final_exact_mode", "1"),
    }
)

_generated: dict[str, str] = {}


def generated(name: str, text: str) -> str:
    """Register a text that was made from a template as the statement ``name``; return the name."""
    _generated[name] = text
    return name


def statement(name: str) -> str:
    """Return the text of the SQL file ``<package>.<file>``, such as ``query_api.analytics.summary``.

    ``{{part_where}}`` includes the file ``part_where.include.sql`` from the same folder, which several questions share.
    """
    package, file = name.rsplit(".", 1)
    text = _generated.get(name) or read_sql(package, file)
    return _INCLUDE.sub(lambda found: read_sql(package, f"{found[1]}.include"), text)


@lru_cache(maxsize=1024)
def statement_without(name: str, absent: frozenset[str]) -> str:
    """Return the text without the conditions whose parameter is ``absent`` (NULL or an empty array): they always hold.

    The conditions of the other parameters stay, without the check for absence.

    The result is the same, only faster. The store takes about 0.25 ms to parse a condition. A list of sessions has
    sixteen, which together take as long as many a whole question. With the check for absence, a search that finds
    nothing takes a tenth longer.
    """
    text, parts, done = statement(name), [], 0
    for found in _CONDITION.finditer(text):
        if found.start() < done:
            continue
        parts.append(text[done : found.start()])
        if (found[2] or found[3]) in absent:
            done = _end_of_condition(text, found.start())
        else:
            parts.append(found[1])
            done = found.end()
    return "".join([*parts, text[done:]])


@lru_cache(maxsize=1024)
def statement_untuned(sql: str, names: frozenset[str]) -> str:
    """Return the statement without the settings of these names."""
    left = [f"{name} = {value}" for name, value in settings_of(sql) if name not in names]
    return _SETTINGS.sub("\nSETTINGS " + ", ".join(left) if left else "", sql)


def settings_of(sql: str) -> list[tuple[str, str]]:
    found = _SETTINGS.search(sql)
    return _SETTING.findall(found["settings"]) if found else []


def names_of_absent(params: Mapping[str, object]) -> frozenset[str]:
    """Return the names of the parameters that filter nothing."""
    return frozenset(name for name, value in params.items() if value is None or value == [])


def _end_of_condition(text: str, start: int) -> int:
    """Return the place after the parenthesis that closes the first one at or after ``start``."""
    depth = 0
    for place in range(text.index("(", start), len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
    raise ValueError(f"a parenthesis is never closed: {text[start:]}")
