"""The support for tests of alerts and dashboards: scaled rules, PromQL selectors, Grafana macros."""

import re
from datetime import UTC, datetime

import pytest

from tests.support.alerts import ALERTS, rules_of, scaled, selectors
from tests.support.grafana import ALL, clickhouse_text

SINCE, UNTIL = datetime(2026, 1, 18, 1, tzinfo=UTC), datetime(2026, 1, 20, tzinfo=UTC)
OF_AGES = ("CrewkitProjectionBehind", "CrewkitPartitionStuck")
SPANS = re.compile(r"\[(\w+)\]|offset (\w+)")


def test_every_span_of_a_scaled_rule_is_shorter_and_nothing_else_changes() -> None:
    """Windows, offsets, `for` and the ages of partitions are shorter; rates and shares stay the same."""
    rules = rules_of(ALERTS)
    faster = [rule for group in scaled(ALERTS, 30)["groups"] for rule in group["rules"]]

    for rule, fast in zip(rules, faster, strict=True):
        spans = ["".join(found) for found in SPANS.findall(rule["expr"])]
        assert ["".join(found) for found in SPANS.findall(fast["expr"])] == [_thirtieth(span) for span in spans]
        assert fast.get("for") == (_thirtieth(rule["for"]) if "for" in rule else None)
        if rule["alert"] not in OF_AGES:
            assert SPANS.sub("", fast["expr"]) == SPANS.sub("", rule["expr"])
    bounds = {rule["alert"]: re.findall(r"> ([\d.]+)", rule["expr"]) for rule in faster}
    assert [bounds[alert] for alert in OF_AGES] == [["2", "0"], ["4"]]


def _thirtieth(span: str) -> str:
    return f"{int(span[:-1]) * {'m': 60, 'h': 3_600, 'd': 86_400}[span[-1]] * 1_000 // 30}ms"


def test_selectors_are_found_wherever_they_are() -> None:
    """On both sides of an operator, in functions, aggregations, subqueries and with an offset."""
    ratio = 'sum by (x) (rate(a_bucket{le=~"1.*"}[5m] offset 1h)) / b > 2'

    found = selectors(f"{ratio} unless on (x) max_over_time(c[1h:5m])")

    assert found == {'a_bucket{le=~"1.*"}', "b{}", "c{}"}
    with pytest.raises(ValueError, match=r"."):
        selectors("sum(")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$__timeFilter(hour)", "hour >= toDateTime(1768698000) AND hour <= toDateTime(1768867200)"),
        ("$__dateFilter(day)", "day >= toDate('2026-01-18') AND day <= toDate('2026-01-20')"),
        ("$__conditionalAll(a IN (${some:singlequote}), $some)", "a IN ('x','it\\'s')"),
        ("$__conditionalAll(a IN (${all:singlequote}), $all)", "1=1"),
        ("FROM ${name}.t WHERE o = ${name:singlequote}", "FROM db.t WHERE o = 'db'"),
    ],
)
def test_macros_become_what_the_data_source_documents(text: str, expected: str) -> None:
    """The examples come from its documentation, with other times and names."""
    values = {"some": ("x", "it's"), "all": ALL, "name": "db"}

    assert clickhouse_text(text, values, SINCE, UNTIL) == expected
