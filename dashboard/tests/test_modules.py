"""Single modules of the page, in the engine that runs them: formats, ranges, CSV, lanes of the timeline."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.rigs.dashboard import Dashboard, Visits


@pytest.fixture(scope="module")
def page(dashboard: Dashboard, long_visits: Visits) -> Page:
    """Return a page that has loaded the modules."""
    return long_visits.open(dashboard.url)


@pytest.fixture(scope="module")
def call(page: Page) -> Any:
    """Return a function that calls an exported function of a module: ``call("format.js", "money", 1.5)``."""
    folder = folder_of(page)

    def run(module: str, function: str, *arguments: Any) -> Any:
        script = "async ([path, name, args]) => (await import(path))[name](...args)"
        return page.evaluate(script, [f"{folder}/{module}", function, list(arguments)])

    return run


def folder_of(page: Page) -> str:
    found = re.search(r"/static/[0-9a-f]+/app", page.content())
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("function", "given", "shown"),
    [
        ("money", 0, "$0.00"),
        ("money", 1234.565, "$1,234.57"),
        ("money", 0.0042, "$0.0042"),
        ("money", 0.000000001, "$0.000000001"),
        ("money", -3.1, "−$3.10"),
        ("money", None, "–"),
        ("exactMoney", 1.123456789, "$1.123456789"),
        ("exactMoney", 2, "$2.00"),
        ("compactCount", 9_999, "9,999"),
        ("compactCount", 310_700_000, "310.7M"),
        ("percent", 0.0564, "5.6 %"),
        ("percent", None, "–"),
        ("duration", 0.3, "300 ms"),
        ("duration", 59.6, "60 s"),
        ("duration", 61, "1 min 1 s"),
        ("duration", 3_600, "1 h"),
        ("duration", 90_061, "1 d 1 h"),
        ("duration", None, "–"),
        ("moment", "2026-01-20T10:30:07.123Z", "2026-01-20 10:30"),
        ("clockTime", "2026-01-20T10:30:07.123Z", "10:30:07.123"),
        ("bytes", 1_023, "1023 B"),
        ("bytes", 1_048_576, "1.0 MiB"),
    ],
)
def test_formats(call: Any, function: str, given: Any, shown: str) -> None:
    """Numbers and times are formatted for readers."""
    assert call("format.js", function, given) == shown


@pytest.mark.parametrize(
    ("now", "past", "shown"),
    [
        (112, 100, "+12 %"),
        (100, 112, "−11 %"),
        (5, 0, "new"),
        (0, 0, "no change"),
        (100, 100, "no change"),
        (1, None, None),
    ],
)
def test_changes(call: Any, now: float, past: float | None, shown: str | None) -> None:
    """Changes are relative to the period before."""
    assert call("format.js", "change", now, past) == shown


@pytest.mark.parametrize(
    ("preset", "start", "end", "previous"),
    [
        ("today", "2028-03-01", "2028-03-01", ("2028-02-29", "2028-02-29")),
        ("yesterday", "2028-02-29", "2028-02-29", ("2028-02-28", "2028-02-28")),
        ("7d", "2028-02-24", "2028-03-01", ("2028-02-17", "2028-02-23")),
        ("30d", "2028-02-01", "2028-03-01", ("2028-01-02", "2028-01-31")),
        ("month", "2028-03-01", "2028-03-01", ("2028-02-29", "2028-02-29")),
        ("last-month", "2028-02-01", "2028-02-29", ("2028-01-03", "2028-01-31")),
        ("unheard-of", "2028-02-24", "2028-03-01", ("2028-02-17", "2028-02-23")),
    ],
)
def test_ranges(call: Any, preset: str, start: str, end: str, previous: tuple[str, str]) -> None:
    """Ranges are whole days in UTC, on the first of March of a leap year, a millisecond before midnight."""
    just_before_midnight = 1835567999999

    made = call("ranges.js", "rangeOf", preset, None, None, just_before_midnight)

    assert (made["start"], made["end"]) == (start, end)
    assert (made["previous"]["start"], made["previous"]["end"]) == previous


@pytest.mark.parametrize(
    ("start", "end"),
    [("2026-02-30x", "2026-03-01"), ("2026-03-02", "2026-03-01"), ("2020-01-01", "2026-01-01"), (None, None)],
)
def test_dates_that_are_none_give_the_default(call: Any, start: str | None, end: str | None) -> None:
    """So do ranges of more days than analytics accept."""
    assert call("ranges.js", "rangeOf", "custom", start, end)["preset"] == "7d"


def test_the_days_of_a_range_as_times(call: Any) -> None:
    """The end is the midnight after the last day."""
    assert call("ranges.js", "timeParams", {"start": "2026-12-30", "end": "2026-12-31"}) == {
        "started_after": "2026-12-30T00:00:00Z",
        "started_before": "2027-01-01T00:00:00Z",
    }


def test_csv(page: Page) -> None:
    """Quotes, line breaks and absent values follow RFC 4180; nothing could run in a spreadsheet."""
    script = """async path => {
      const { csvOf } = await import(path);
      const columns = [{ key: "name", value: row => row[0] }, { key: "cost", value: row => row[1] }];
      return csvOf(columns, [["a,b", 1.5], ['say "hi"\\nthere', null], ["=cmd()", -2], [null, 0]]);
    }"""

    text = page.evaluate(script, f"{folder_of(page)}/ui/csv.js")

    assert text == 'name,cost\r\n"a,b",1.5\r\n"say ""hi""\nthere",\r\n\'=cmd(),-2\r\n,0\r\n'


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(1)",
        " =1+1",
        "\u00a0=1+1",
        "\ufeff=1+1",
        "\n =1+1",
        "＝1+1",
        "＋1",
        " －1",
        "＠1",
        "\tx",
        "\nx",
    ],
)
def test_a_formula_is_a_text_in_csv(page: Page, text: str) -> None:
    """Any text that a spreadsheet may run gets an apostrophe in front, even after white space or in full width."""
    assert csv_field(page, text).strip('"').startswith("'")


@pytest.mark.parametrize("value", [-2, -0.5, "a=b", "a -1", " a"])
def test_other_values_stay_as_they_are_in_csv(page: Page, value: Any) -> None:
    """Negative numbers stay numbers, and a sign inside a text starts no formula."""
    assert csv_field(page, value) == str(value)


def csv_field(page: Page, value: Any) -> str:
    """Return the one field of a CSV file of one row."""
    script = "async ([path, value]) => (await import(path)).csvOf([{ key: 'k', value: row => row }], [value])"
    text: str = page.evaluate(script, [f"{folder_of(page)}/ui/csv.js", value])
    return text.removeprefix("k\r\n").removesuffix("\r\n")


def node(kind: str, second: int, length: int | None, *children: Any) -> dict[str, Any]:
    ended = None if length is None else f"2026-01-20T10:00:{second + length:02}.000Z"
    return {
        "kind": kind,
        "name": kind,
        "status": "completed",
        "started_at": f"2026-01-20T10:00:{second:02}.000Z",
        "ended_at": ended,
        "duration_ms": None if length is None else length * 1000,
        "children": list(children),
    }


def test_lanes(call: Any) -> None:
    """Simultaneous tools are in separate rows; the tools of a subagent are in their own lane."""
    agent = node("tool", 1, 9, node("subagent", 2, 7, node("tool", 3, 2), node("tool", 4, 2)))

    lanes = call("pages/session/lanes.js", "lanesOf", [node("tool", 0, 4), agent, node("tool", 5, None)])

    assert [(lane["name"], lane["rows"], [bar["row"] for bar in lane["bars"]]) for lane in lanes] == [
        (None, 2, [0, 1, 0]),
        ("subagent", 2, [0, 1]),
    ]
