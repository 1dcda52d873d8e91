"""Renders the demo's results for a terminal, and as an SVG picture for the README and docs."""

import re
from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from typing import Any

from rich import box
from rich.columns import Columns
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from cli.demo.results import DemoCheck, Results

BARS = "▁▂▃▄▅▆▇█"
STYLES = {"success": "green", "failure": "red", "timeout": "yellow", "cancelled": "dim"}
WIDTH = 90  # columns of the picture
TITLE = "crewkit-sessions demo"
_FROM_ELSEWHERE = re.compile(r"<!--.*?-->|@font-face \{.*?\}", re.DOTALL)  # a link to rich, and fonts on a CDN


def progress_bar(console: Console) -> Progress:
    """Return a progress bar with the number of events and the time left."""
    done = TextColumn("{task.completed:,.0f} of {task.total:,.0f}")
    left = TimeRemainingColumn(elapsed_when_finished=True)
    return Progress(TextColumn("{task.description}"), BarColumn(40), done, left, console=console)


def show_results(console: Console, results: Results, checks: Sequence[DemoCheck]) -> None:
    """Print the comparison, the latest sessions, the cost tables and the sparklines."""
    names = ("name", "expected", "found")
    compared = [(*(getattr(check, name) for name in names), Text(*_mark(check.passed))) for check in checks]
    console.print(_table("What was sent, and what the API reports", ("",), ("sent", "API", ""), compared))
    texts, numbers = ("started", "agent", "repo", "outcome"), ("events", "tokens", "cost")
    console.print(_table("Latest sessions", texts, numbers, map(_session_cells, results.latest)))
    agents = [(row["agent_name"] or "–", f"{row['sessions']:,}", *_cost_cells(row)) for row in results.agents]
    models = [(row["model"] or "–", abbreviate(row["tokens"]), *_cost_cells(row)) for row in results.costs["by_model"]]
    by_agent = _table("Cost by agent", ("agent",), ("sessions", "cost", "share"), agents)
    by_model = _table("Cost by model", ("model",), ("tokens", "cost", "share"), models)
    console.print(Columns([by_agent, by_model], padding=(0, 4)))
    sessions = [row["value"] for row in results.sessions_per_day]
    cost = [row["value"] for row in results.cost_per_day]
    redacted = sum(sum(session["redactions"].values()) for session in results.sessions)
    grid = Table.grid(padding=(0, 2))
    grid.add_row("sessions a day", Text(sparkline(sessions), style="cyan"), f"{sum(sessions):,} in all")
    grid.add_row("cost a day", Text(sparkline(cost), style="magenta"), f"${sum(cost):,.2f} in all")
    grid.add_row("secrets cut out", f"{redacted:,} before they reached the log", "")
    console.print(grid)


def show_proof(console: Console, checks: Sequence[DemoCheck]) -> None:
    """Print a line for each promise that the installation checked."""
    for check in checks:
        verdict = check.expected if check.passed else check.found
        console.print(Text.assemble(_mark(check.passed), " ", (f"{check.name:<9}", "bold"), verdict))


def _mark(passed: bool) -> tuple[str, str]:
    return ("✔", "bold green") if passed else ("✘", "bold red")


def _session_cells(session: dict[str, Any]) -> Sequence[str | Text]:
    metrics, outcome = session["model_metrics"], session["outcome"] or session["status"]
    tokens = sum(metrics[f"{kind}_tokens"] for kind in ("input", "output", "cache_read", "cache_creation"))
    return (
        session["started_at"][5:16].replace("T", " "),
        session["agent_name"] or "–",
        session["repo"] or "–",
        Text(outcome, style=STYLES.get(outcome, "cyan")),
        f"{session['counts']['events']:,}",
        abbreviate(tokens),
        f"${metrics['cost_usd']:,.2f}",
    )


def _cost_cells(row: dict[str, Any]) -> tuple[str, str]:
    return f"${row['cost_usd']:,.2f}", "–" if row["cost_share"] is None else f"{row['cost_share']:.0%}"


def sparkline(values: Sequence[float]) -> str:
    """Return one bar for each value, two characters apart; zero is a dot."""
    highest = max(values, default=0) or 1
    return " ".join("·" if value == 0 else BARS[round(value / highest * (len(BARS) - 1))] for value in values)


def abbreviate(number: float) -> str:
    """Return 12.3M for 12,345,678."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.1f}{unit}"
    return f"{number:.0f}"


def _table(title: str, texts: Sequence[str], numbers: Sequence[str], rows: Iterable[Sequence[RenderableType]]) -> Table:
    columns = [Column(name, no_wrap=True) for name in texts]
    columns += [Column(name, justify="right", no_wrap=True) for name in numbers]
    table = Table(*columns, title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for row in rows:
        table.add_row(*row)
    return table


def draw_svg(draw: Callable[[Console], None]) -> str:
    """Return what ``draw`` prints, as SVG that loads nothing; the same output gives the same text."""
    console = Console(width=WIDTH, record=True, file=StringIO(), highlight=False)
    draw(console)
    return _FROM_ELSEWHERE.sub("", console.export_svg(title=TITLE, unique_id="demo"))
