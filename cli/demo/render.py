"""Renders the demo's results for a terminal, and as an SVG picture for the README and docs."""

from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any

from rich import box
from rich.columns import Columns
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from cli.demo.results import DIGEST_CHARACTERS, DemoCheck, Results, SessionDetail

BARS = "▁▂▃▄▅▆▇█"
WIDE = 100  # terminal columns that fit every column of the tables
TEXTS, NUMBERS = ("started", "agent", "repo", "user", "outcome"), ("events", "tools", "errors", "tokens", "cost")
ONLY_WIDE = ("user", "tools", "errors")
STYLES = {"success": "green", "failure": "red", "timeout": "yellow", "cancelled": "dim"}
SHOWN = 3  # files, commands
BAR = 30  # characters
PARTS = (("tools", "cyan"), ("model", "magenta"), ("waiting_for_user", "yellow"), ("idle", "bright_black"))
WIDTH = 104  # columns
TITLE = "crewkit-sessions demo"
# rich's template links a web font on a CDN; this one uses local fonts, so the picture loads nothing from other hosts.
TEMPLATE = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
    font-family: "Fira Code", ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
    font-size: {char_height}px;
    line-height: {line_height}px;
}}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class RateColumn(ProgressColumn):
    """The current number of events per second."""

    def render(self, task: Task) -> Text:
        """Return the rate; it is empty until it is known."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} events/s", style="cyan")


def progress_bar(console: Console) -> Progress:
    """Return a progress bar with the rate and the time left."""
    done = TextColumn("{task.completed:,.0f} of {task.total:,.0f}")
    left = TimeRemainingColumn(elapsed_when_finished=True)
    return Progress(TextColumn("{task.description}"), BarColumn(40), done, RateColumn(), left, console=console)


def show_results(console: Console, results: Results, checks: Sequence[DemoCheck]) -> None:
    """Print the comparison, the latest sessions, the cost tables and the sparklines."""
    console.print(_checks(checks))
    console.print(_latest(results.latest, wide=console.width >= WIDE))
    console.print(Columns([_by_agent(results.agents), _by_model(results.costs["by_model"])], padding=(0, 4)))
    console.print(_days(results))


def show_proof(console: Console, checks: Sequence[DemoCheck]) -> None:
    """Print a line for each promise that the installation checked."""
    for check in checks:
        verdict = check.expected if check.passed else check.found
        console.print(Text.assemble(_mark(check.passed), " ", (f"{check.name:<9}", "bold"), verdict))


def _mark(passed: bool) -> tuple[str, str]:
    return ("✔", "bold green") if passed else ("✘", "bold red")


def _checks(checks: Sequence[DemoCheck]) -> Table:
    table = _table("What was sent, and what the API reports", "", *_numbers("sent", "API"), "")
    for check in checks:
        table.add_row(check.name, check.expected, check.found, Text(*_mark(check.passed)))
    return table


def _latest(sessions: Sequence[dict[str, Any]], wide: bool) -> Table:
    columns = [*(Column(name, no_wrap=True) for name in TEXTS), *_numbers(*NUMBERS)]
    shown = [column for column in columns if wide or column.header not in ONLY_WIDE]
    table = _table("Latest sessions", *shown)
    for session in sessions:
        cells = _session_cells(session)
        table.add_row(*(cells[str(column.header)] for column in shown))
    return table


def _session_cells(session: dict[str, Any]) -> dict[str, str | Text]:
    counts, metrics = session["counts"], session["model_metrics"]
    tokens = sum(metrics[f"{kind}_tokens"] for kind in ("input", "output", "cache_read", "cache_creation"))
    outcome = session["outcome"] or session["status"]
    return {
        "started": session["started_at"][5:16].replace("T", " "),
        "agent": session["agent_name"] or "–",
        "repo": session["repo"] or "–",
        "user": session["user_id"],
        "outcome": Text(outcome, style=STYLES.get(outcome, "cyan")),
        "events": f"{counts['events']:,}",
        "tools": f"{counts['tool_calls']:,}",
        "errors": f"{counts['tool_errors']:,}",
        "tokens": abbreviate(tokens),
        "cost": f"${metrics['cost_usd']:,.2f}",
    }


def _by_agent(agents: Sequence[dict[str, Any]]) -> Table:
    table = _table("Cost by agent", "agent", *_numbers("sessions", "errors", "cost", "share"))
    for row in agents:
        rate = "–" if row["tool_error_rate"] is None else f"{row['tool_error_rate']:.1%}"
        table.add_row(row["agent_name"] or "–", f"{row['sessions']:,}", rate, *_cost_cells(row))
    return table


def _by_model(models: Sequence[dict[str, Any]]) -> Table:
    table = _table("Cost by model", "model", *_numbers("tokens", "cost", "share"))
    for row in models:
        table.add_row(row["model"] or "–", abbreviate(row["tokens"]), *_cost_cells(row))
    return table


def _cost_cells(row: dict[str, Any]) -> tuple[str, str]:
    return f"${row['cost_usd']:,.2f}", "–" if row["cost_share"] is None else f"{row['cost_share']:.0%}"


def _days(results: Results) -> Padding:
    first, last = (results.sessions_per_day[index]["period_start"][5:10] for index in (0, -1))
    grid = Table.grid(padding=(0, 2))
    per_day = [row["value"] for row in results.sessions_per_day]
    cost = [row["value"] for row in results.cost_per_day]
    grid.add_row("sessions a day", Text(sparkline(per_day), style="cyan"), f"{sum(per_day):,} in all")
    grid.add_row("cost a day", Text(sparkline(cost), style="magenta"), f"${sum(cost):,.2f} in all")
    redacted = sum(sum(session["redactions"].values()) for session in results.sessions)
    grid.add_row("", Text(f"{first}{last:>{max(2 * len(cost) - 6, 6)}}", style="dim"), "")
    if redacted:
        grid.add_row("secrets cut out", f"{redacted:,} before they reached the log", "")
    return Padding(grid, (1, 0, 1, 1))


def show_session_detail(console: Console, detail: SessionDetail) -> None:
    """Print a summary of the analysis, then the digest verbatim."""
    title = detail.findings["suggested_title"] or detail.session["id"]
    console.print(Text.assemble(" ", ("One session in detail: ", "bold"), title))
    grid = Table.grid(padding=(0, 2))
    found, tests = detail.findings, detail.findings["tests_run"]
    edited = [(row["path"].split("/"), row["edits"]) for row in found["files_edited"]]
    for name, text in (
        ("time", _time_bar(found["time_split"])),
        ("edited", _list([f"{'/'.join(path[-2:])} ×{edits}" for path, edits in edited])),
        ("repeated", _list([f"{row['command']} ×{row['runs']}" for row in found["repeated_commands"]])),
        ("tests", _list([f"{test['command']}: {test['failures']} of {test['runs']} failed" for test in tests])),
    ):
        grid.add_row(Text(name, style="dim"), text)
    console.print(Padding(grid, (1, 0, 1, 1)))
    purpose = f" Its digest, at most {DIGEST_CHARACTERS} characters, for a session that continues it:"
    console.print(Text(purpose, style="dim"))
    console.print(Padding(Text(detail.digest), (1, 0, 1, 3)))


def _time_bar(split: dict[str, int]) -> Text:
    """Return a bar with one block for each thirtieth of the time, and the shares in words."""
    total = split["total_ms"] or 1
    shares = [(name, style, split[f"{name}_ms"] / total) for name, style in PARTS]
    bar = Text.assemble(*(("█" * round(share * BAR), style) for _, style, share in shares), "  ")
    words = ", ".join(f"{name.replace('_', ' ')} {share:.0%}" for name, _, share in shares if share)
    return bar + Text(words)


def _list(items: Sequence[str]) -> Text:
    more = len(items) - SHOWN
    return Text("\n".join([*items[:SHOWN], f"and {more} more"] if more > 0 else items) or "–")


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


def _numbers(*names: str) -> list[Column]:
    return [Column(name, justify="right", no_wrap=True) for name in names]


def _table(title: str, *columns: Column | str) -> Table:
    return Table(
        *columns,
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        header_style="dim",
        padding=(0, 1, 0, 0),
    )


def draw_svg(draw: Callable[[Console], None]) -> str:
    """Return what ``draw`` prints, as SVG; the same output gives the same text."""
    console = Console(width=WIDTH, record=True, file=StringIO(), highlight=False)
    draw(console)
    return console.export_svg(title=TITLE, code_format=TEMPLATE, unique_id="demo")
