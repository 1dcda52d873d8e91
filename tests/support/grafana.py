"""The shipped dashboards: their panels and queries, and how Grafana expands variables and macros.

This implements only what the dashboards use: a variable with its format, and four macros.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tests.support import CHECKOUT

FOLDER = CHECKOUT / "deploy" / "grafana"
ALL = ("$__all",)
_CONDITIONAL = re.compile(r"\$__conditionalAll\((.+), \$(\w+)\)$", re.MULTILINE)
_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}")
_FILTER = re.compile(r"\$__(time|date)Filter\((\w+)\)")

Dashboard = dict[str, Any]
Panel = dict[str, Any]
Values = Mapping[str, str | tuple[str, ...]]


class Query(NamedTuple):
    """A query of a panel, or of a variable (then ``title`` is its name)."""

    title: str
    text: str


def dashboard(name: str) -> Dashboard:
    """Return a shipped dashboard, such as ``teams``."""
    return dict(json.loads((FOLDER / f"{name}.json").read_text()))


def panels(board: Dashboard) -> list[Panel]:
    """Return the panels, without the rows between them."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def variables(board: Dashboard) -> dict[str, dict[str, Any]]:
    """Return the variables by name."""
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def queries(board: Dashboard) -> Iterator[Query]:
    """Yield the queries of all panels: PromQL or SQL."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield Query(panel["title"], target.get("expr") or target["rawSql"])


def prometheus_text(text: str) -> str:
    """Return a PromQL query with the variable `generation` set to All, and the shortest window."""
    return text.replace("$__rate_interval", "2m").replace("$generation", ".*")


def clickhouse_text(text: str, values: Values, since: datetime, until: datetime) -> str:
    """Return an SQL query as the ClickHouse data source sends it.

    ``$__conditionalAll(condition, $name)`` is ``1=1`` while all values are chosen; ``${name:singlequote}`` is a list of
    quoted values; ``$__timeFilter(column)`` compares seconds since 1970, ``$__dateFilter(column)`` days.
    """
    text = _CONDITIONAL.sub(lambda found: "1=1" if values[found[2]] == ALL else found[1], text)
    text = _VARIABLE.sub(lambda found: _formatted(values[found[1]], found[2]), text)
    return _FILTER.sub(lambda found: _between(found[1], found[2], since, until), text)


def _formatted(value: str | tuple[str, ...], how: str | None) -> str:
    some = (value,) if isinstance(value, str) else value
    if how != "singlequote":
        (one,) = some
        return one
    quoted = [one.replace("\\", "\\\\").replace("'", "\\'") for one in some]
    return ",".join(f"'{one}'" for one in quoted)


def _between(kind: str, column: str, since: datetime, until: datetime) -> str:
    if kind == "time":
        first, last = (f"toDateTime({round(at.timestamp())})" for at in (since, until))
    else:
        first, last = (f"toDate('{at.astimezone(UTC):%Y-%m-%d}')" for at in (since, until))
    return f"{column} >= {first} AND {column} <= {last}"
