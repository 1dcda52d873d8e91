"""What a question is, how its answers are shown, and where they are kept."""

import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct
from rich import box
from rich.console import Console
from rich.table import Table

RESULTS_FILE = Path("var") / "bench.json"
Say = Callable[[str], None]


FAILED = "failed"  # the unit of a question that could not be answered


class Result(Struct, frozen=True):
    """One number. ``ratio`` = value / what it is held ``against``; both are absent where nothing is."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    against: str | None = None
    good: bool | None = None  # whether it is on the right side of its mark


class Question(Struct, frozen=True):
    """Something to measure; ``measure`` is given a way to say what it is doing."""

    name: str
    asks: str
    measure: Callable[[Say], list[Result]]


def at_least(name: str, value: float, unit: str, mark: float) -> Result:
    """A result that should reach its mark."""
    return Result(name, round(value, 3), unit, round(value / mark, 3), f"mark {mark:g}", value >= mark)


def at_most(name: str, value: float, unit: str, mark: float) -> Result:
    """A result that should stay below its mark."""
    return Result(name, round(value, 3), unit, round(value / mark, 3), f"mark {mark:g}", value <= mark)


def plain(name: str, value: float, unit: str) -> Result:
    """A result that is held against nothing."""
    return Result(name, round(value, 3), unit)


def run(questions: Sequence[Question], console: Console) -> list[Result]:
    """Ask one after the other; a question that fails is said and does not keep the others from being asked."""
    results: list[Result] = []
    for question in questions:
        console.print(f"[bold]{question.name}[/] {question.asks}")
        found = _ask(question, console)
        for result in found:
            console.print(f"  {result.name}: {result.value:,.6g} {result.unit}", style="cyan", markup=False)
        results += found
    return results


def _ask(question: Question, console: Console) -> list[Result]:
    with console.status("…") as status:
        try:
            return question.measure(lambda text: status.update(f"{question.name}: {text}"))
        except Exception as error:  # the table says it; the other questions are still worth asking
            console.print(f"  failed: {type(error).__name__}: {error}", style="red", markup=False)
            return [Result(question.name, 0.0, FAILED, good=False)]


def table(results: Sequence[Result]) -> Table:
    """All numbers, each against its mark."""
    shown = Table(title="bench", title_justify="left", box=box.SIMPLE_HEAD, header_style="dim")
    shown.add_column("measured", style="bold")
    shown.add_column("value", justify="right")
    for name in ("unit", "against"):
        shown.add_column(name)
    shown.add_column("ratio", justify="right")
    for result in results:
        style = {True: "green", False: "red", None: ""}[result.good]
        ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
        shown.add_row(result.name, f"{result.value:,.6g}", result.unit, result.against or "", ratio, style=style)
    return shown


def keep(results: Sequence[Result], file: Path = RESULTS_FILE) -> None:
    """Write results with the machine they were measured on; earlier ones of other names stay."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = {result.name for result in results}
    before = msgspec.json.decode(file.read_bytes())["results"] if file.exists() else []
    kept = [result for result in before if result["name"] not in fresh]
    text = msgspec.json.encode({"machine": machine(), "results": [*kept, *results]})
    file.write_bytes(msgspec.json.format(text, indent=2) + b"\n")


def machine() -> dict[str, str | int | float]:
    """On what this was measured, and when."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "measured_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "cores": os.cpu_count() or 0,
        "cpu": _cpu(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "commit": _commit(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    try:
        found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return found.stdout.strip()
