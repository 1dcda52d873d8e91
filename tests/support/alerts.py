"""The shipped alerts: read, scaled down for tests, and taken apart."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import promql_parser
import yaml

from tests.support import CHECKOUT

FOLDER = CHECKOUT / "deploy" / "prometheus"
ALERTS, OF_DEPENDENCIES = FOLDER / "alerts.yaml", FOLDER / "alerts-dependencies.yaml"
_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SPAN = re.compile(r"(?<=\[)(\d+)([smhd])(?=\])|(?<=offset )(\d+)([smhd])\b")
_AGE = re.compile(r"(crewkit_projector_(?:lag|unmoved)_seconds\b[^>]*> )(\d+)")

Rule = dict[str, Any]


def rules_of(file: Path) -> list[Rule]:
    """Return every rule of a file."""
    return [rule for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def scaled(file: Path, factor: float, others: Mapping[str, float] = MappingProxyType({})) -> dict[str, Any]:
    """Return the content of a rules file in which everything happens ``factor`` times as fast.

    Windows, offsets, ``for`` and the limits for the age of partitions are divided; rates and shares stay the same.
    ``others`` has separate factors for rules that need them, by the name of the alert.
    """
    groups = yaml.safe_load(file.read_text())
    for group in groups["groups"]:
        for rule in group["rules"]:
            _speed_up(rule, others.get(rule["alert"], factor))
    return dict(groups)


def _speed_up(rule: Rule, factor: float) -> None:
    expression = _SPAN.sub(lambda found: _shorter("".join(filter(None, found.groups())), factor), rule["expr"])
    rule["expr"] = _AGE.sub(lambda found: f"{found[1]}{int(found[2]) / factor:g}", expression)
    if "for" in rule:
        rule["for"] = _shorter(rule["for"], factor)


def _shorter(span: str, factor: float) -> str:
    return f"{round(int(span[:-1]) * _UNITS_MS[span[-1]] / factor)}ms"


def selectors(expression: str) -> set[str]:
    """Return every selector of a PromQL expression, such as ``up{job="x"}``, without window and offset.

    Raises:
        ValueError: it is not PromQL.
    """
    return {_text(found) for found in _walk(promql_parser.parse(expression))}


def _walk(node: Any) -> Iterator[promql_parser.VectorSelector]:
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    elif isinstance(node, promql_parser.MatrixSelector):
        yield node.vector_selector
    else:
        parts = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "param")]
        for part in [*parts, *getattr(node, "args", [])]:
            if part is not None:
                yield from _walk(part)


def _text(selector: promql_parser.VectorSelector) -> str:
    matchers = [f"{one.name}{_OPERATORS[str(one.op)]}{quoted(one.value)}" for one in selector.matchers.matchers]
    return f"{selector.name or ''}{{{','.join(matchers)}}}"


_OPERATORS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}


def quoted(value: str) -> str:
    """Return a label value in double quotes, as PromQL reads it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
