"""Single modules of the page, in the engine that runs them: formats, ranges, CSV, lanes, stories."""

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.rigs.dashboard import Dashboard, Visits, modules_of


@pytest.fixture(scope="module")
def page(dashboard: Dashboard, long_visits: Visits) -> Page:
    """Return a page that has loaded the modules."""
    return long_visits.open(dashboard.url)


@pytest.fixture(scope="module")
def call(page: Page) -> Any:
    """Return a function that calls an exported function of a module: ``call("format.js", "money", 1.5)``."""
    folder = modules_of(page)

    def run(module: str, function: str, *arguments: Any) -> Any:
        script = "async ([path, name, args]) => (await import(path))[name](...args)"
        return page.evaluate(script, [f"{folder}/{module}", function, list(arguments)])

    return run


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
        ("moment", f"{datetime.now(UTC).year}-09-02T10:30:07.123Z", "2 Sep 10:30"),
        ("moment", "2019-09-02T10:30:07.123Z", "2 Sep 2019 10:30"),
        ("fullMoment", f"{datetime.now(UTC).year}-09-02T10:30:07.123Z", f"2 Sep {datetime.now(UTC).year} 10:30"),
        ("moment", "yesterday", "yesterday"),
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
    """Ranges are whole days, here on the first of March of a leap year, a millisecond before midnight."""
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
        "started_after": "2026-12-30T00:00:00.000Z",
        "started_before": "2027-01-01T00:00:00.000Z",
    }


def test_csv(page: Page) -> None:
    """Quotes, line breaks and absent values follow RFC 4180; nothing could run in a spreadsheet."""
    script = """async path => {
      const { csvOf } = await import(path);
      const columns = [{ key: "name", value: row => row[0] }, { key: "cost", value: row => row[1] }];
      return csvOf(columns, [["a,b", 1.5], ['say "hi"\\nthere', null], ["=cmd()", -2], [null, 0]]);
    }"""

    text = page.evaluate(script, f"{modules_of(page)}/ui/csv.js")

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
    text: str = page.evaluate(script, [f"{modules_of(page)}/ui/csv.js", value])
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


def test_uses_that_nothing_but_a_batch_or_the_end_of_the_turn_ends(call: Any) -> None:
    """A refused call has no event of its own, a denied one no end; an interrupted one ends with its turn."""
    run = {"tool_name": "Bash", "tool_use_id": "ran"}
    refused = {"tool_name": "Edit", "tool_use_id": "refused"}
    answer = "<tool_use_error>String to replace not found</tool_use_error>"
    events = [
        ("UserPromptSubmit", {"prompt": "Go"}),
        ("PreToolUse", run),
        ("PostToolUse", {**run, "tool_response": "ok"}),
        ("PreToolUse", {"tool_name": "Bash", "tool_use_id": "denied"}),
        ("PermissionRequest", {"tool_name": "Bash"}),
        (
            "PostToolBatch",
            {
                "tool_calls": [
                    {**run, "tool_response": "ok"},
                    {**refused, "tool_response": answer},
                    {"tool_name": "Bash", "tool_use_id": "denied", "tool_response": "The user doesn't want it"},
                ]
            },
        ),
        ("PreToolUse", {"tool_name": "Read", "tool_use_id": "interrupted"}),
        ("UserPromptSubmit", {"prompt": "Go on"}),
        ("PreToolUse", {"tool_name": "Read", "tool_use_id": "open"}),
    ]
    story = call("pages/session/story.js", "storyOf", events_of(events))

    assert [(turn["prompt"], [(use["key"], use["status"]) for use in turn["items"]]) for turn in story] == [
        ("Go", [("ran", "completed"), ("denied", "denied"), ("refused", "failed"), ("interrupted", "cancelled")]),
        ("Go on", [("open", "running")]),
    ]
    assert [use["error"] for use in story[0]["items"]] == [None, None, "String to replace not found", None]


def events_of(events: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return events as the API does, a second apart."""
    return [
        {
            "event_id": f"e{at}",
            "event_type": kind,
            "timestamp": f"2026-01-20T10:30:{at:02}.000Z",
            "tool_name": data.get("tool_name"),
            "agent_id": data.get("agent_id"),
            "data": data,
        }
        for at, (kind, data) in enumerate(events)
    ]


def test_each_change_of_a_story_can_be_seen(page: Page) -> None:
    """A part that looks different has another number of changes, and so has the turn around it."""
    bash, read = {"tool_name": "Bash", "tool_use_id": "b"}, {"tool_name": "Read", "tool_use_id": "r", "agent_id": "a"}
    events = [
        ("UserPromptSubmit", {"prompt": "Go"}),
        ("PreToolUse", bash),
        ("PermissionRequest", {"tool_name": "Bash"}),
        ("PostToolUse", bash),
        ("SubagentStart", {"agent_id": "a"}),
        ("PreToolUse", read),
        ("PostToolUseFailure", {**read, "error": "gone"}),
        ("SubagentStop", {"agent_id": "a", "last_assistant_message": "No."}),
        ("PreToolUse", {**bash, "tool_use_id": "c"}),
        ("PreToolUse", {**bash, "tool_use_id": "d"}),
        ("PostToolBatch", {"tool_calls": [{**bash, "tool_use_id": "d", "tool_response": "no"}]}),
        ("Stop", {"last_assistant_message": "Done."}),
    ]
    script = """async ([path, events]) => {
      const { makeStory } = await import(path);
      const story = makeStory();
      const flat = (parts) => parts.flatMap((part) => [part, ...flat(part.items ?? [])]);
      const textOf = (part) => JSON.stringify({ ...part, changes: 0 });
      const seen = () => new Map(flat(story.turns).map((part) => [part, { ...part, text: textOf(part) }]));
      const wrong = [];
      for (const event of events) {
        const before = seen();
        story.take([event]);
        for (const [part, { changes, text }] of seen()) {
          const was = before.get(part);
          if (was && was.text !== text && was.changes === changes) wrong.push(event.event_type);
        }
      }
      return wrong;
    }"""

    assert page.evaluate(script, [f"{modules_of(page)}/pages/session/story.js", events_of(events)]) == []
