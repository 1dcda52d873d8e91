"""How the demo checks and prints what the API reports."""

import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from click.testing import CliRunner
from rich.console import Console

from cli.demo import demo
from cli.demo.render import abbreviate, draw_svg, show_results, sparkline
from cli.demo.results import DemoCheck, Results, check_results
from cli.demo.run import DemoOutcome
from cli.demo.sessions import DemoSession, make_sessions

NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)


def reported(session: DemoSession) -> dict[str, Any]:
    return {
        "started_at": session.create["started_at"],
        "agent_name": None,
        "repo": "acme/web",
        "user_id": session.user_id,
        "outcome": None,
        "status": "active" if session.end is None else "ended",
        "counts": {"events": session.events, "tool_calls": 3, "tool_errors": 0},
        "model_metrics": dict.fromkeys(
            ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"), 1_000
        )
        | {"cost_usd": 0.25},
        "redactions": {},
    }


def results_of(made: list[DemoSession]) -> Results:
    sessions = [reported(session) for session in made]
    cost = 0.25 * len(made)
    row = {"agent_name": None, "model": "m", "sessions": 3, "tokens": 1, "tool_error_rate": None}
    total = [{**row, "cost_usd": cost, "cost_share": None}]
    days = [{"period_start": f"2026-03-0{day}T00:00:00.000Z", "value": day} for day in (1, 2, 3)]
    summary = {"total_sessions": len(made), "total_cost_usd": cost}
    costs = {"by_model": total, "by_project": total, "by_user": total}
    return Results(sessions, sessions[:2], summary, total, costs, days, days)


def test_equal_numbers_keep_every_promise() -> None:
    """The API reports what was sent."""
    made = make_sessions(1, 5, 600, NOW)

    assert all(check.passed for check in check_results(made, results_of(made), fresh=True))


def test_one_event_too_few_breaks_the_promise() -> None:
    """A correct total is not enough: each session must be correct."""
    made = make_sessions(1, 5, 600, NOW)
    results = results_of(made)
    results.sessions[0]["counts"]["events"] -= 1
    results.sessions[1]["counts"]["events"] += 1

    broken = [check.name for check in check_results(made, results, fresh=True) if not check.passed]

    assert broken == ["sessions with the right count"]


def test_money_that_does_not_add_up_breaks_the_promise() -> None:
    """The comparison includes the last of nine decimals."""
    made = make_sessions(1, 5, 600, NOW)
    results = results_of(made)
    results.costs["by_user"] = [{**results.costs["by_user"][0], "cost_usd": 1.250000001}]

    assert [check.passed for check in check_results(made, results, fresh=True)][-1] is False


def test_totals_are_compared_only_where_the_org_was_empty_before() -> None:
    """An org that already had sessions has other totals."""
    made = make_sessions(1, 5, 600, NOW)
    some, every = (check_results(made, results_of(made), fresh) for fresh in (False, True))

    assert len(some) < len(every)


def test_absent_values_are_shown_and_nothing_is_cut_at_eighty_columns() -> None:
    """A terminal of 80 columns shows whole words."""
    made = make_sessions(1, 5, 600, NOW)
    console = Console(width=80, record=True, file=StringIO())

    show_results(console, results_of(made), check_results(made, results_of(made), fresh=True))

    assert "…" not in console.export_text()


def test_a_sparkline_shows_the_highest_the_lowest_and_nothing() -> None:
    """There is one bar per value."""
    assert sparkline([0, 1, 100]) == "· ▁ █"
    assert sparkline([]) == ""


def test_large_numbers_are_short() -> None:
    """They have one decimal and a unit."""
    assert [abbreviate(n) for n in (999, 1_500, 12_345_678, 2e9)] == ["999", "1.5k", "12.3M", "2.0G"]


def svg_of(made: list[DemoSession]) -> str:
    proof = [DemoCheck("coverage", "every position has its receipt", "yes", passed=True)]
    results = results_of(made)
    return draw_svg(DemoOutcome(results, check_results(made, results, fresh=True), proof, 0).show)


def test_the_picture_shows_tables_sparklines_and_proof() -> None:
    """It is well-formed SVG, and nothing is cut off."""
    texts = [node.text or "" for node in ElementTree.fromstring(svg_of(make_sessions(1, 5, 600, NOW))).iter()]  # noqa: S314 (our own text)
    shown = "\n".join(texts).replace("\xa0", " ")

    for part in (
        "Latest sessions",
        "acme/web",
        "Cost by agent",
        "Cost by model",
        sparkline([1, 2, 3]),
        "✔",
        "coverage",
    ):
        assert part in shown
    assert "…" not in shown


def test_the_picture_loads_nothing_from_other_hosts() -> None:
    """The only address is the name of the XML namespace; every other reference is to a part of the picture."""
    svg = svg_of(make_sessions(1, 5, 600, NOW))

    assert re.findall(r"[^\"'(\s]*//[^\"')\s]+", svg) == ["http://www.w3.org/2000/svg"]
    assert set(re.findall(r"url\((.)", svg)) == {"#"}
    assert not re.search("@font-face|@import|href", svg)


def test_the_same_results_make_the_same_picture() -> None:
    """So the picture can be committed."""
    made = make_sessions(1, 5, 600, NOW)

    assert svg_of(made) == svg_of(made)


def test_a_picture_needs_a_folder(tmp_path: Path) -> None:
    """The demo refuses before it sends anything."""
    refused = CliRunner().invoke(demo, ["--svg", str(tmp_path / "none" / "demo.svg")])

    assert (refused.exit_code, "does not exist" in refused.output) == (2, True)
