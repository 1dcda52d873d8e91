"""Run questions, print their figures, and write them to var/bench.json."""

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
from rich.table import Column, Table

from bench.figures import Figure

RESULTS_FILE = Path("var") / "bench.json"
Report = Callable[[str], None]  # shows what a measurement is doing
FAILED = "failed"  # the unit of a question that raised an exception


class BenchQuestion(Struct, frozen=True):
    """Something to measure. A question that takes long has ``only_by_name``: it runs only when it is named."""

    name: str
    description: str
    measure: Callable[[Report], list[Figure]]
    only_by_name: bool = False


def run(questions: Sequence[BenchQuestion], console: Console) -> list[Figure]:
    """Run the questions one after the other; if one fails, it is reported and the next one runs."""
    results: list[Figure] = []
    for question in questions:
        console.print(f"[bold]{question.name}[/] {question.description}")
        measured = _measure(question, console)
        for result in measured:
            console.print(f"  {result.name}: {result.value:,.6g} {result.unit}", style="cyan", markup=False)
        results += measured
    return results


def _measure(question: BenchQuestion, console: Console) -> list[Figure]:
    with console.status("…") as status:
        try:
            return question.measure(lambda text: status.update(f"{question.name}: {text}"))
        except Exception as error:  # the table shows it; the other questions are still worth running
            console.print(f"  failed: {type(error).__name__}: {error}", style="red", markup=False)
            return [Figure(question.name, 0.0, FAILED, good=False)]


def render_table(results: Sequence[Figure]) -> Table:
    """Return a table of all figures with their marks."""
    rounds = Column("min – max of rounds", justify="right")
    columns = Column("measured", style="bold"), Column("value", justify="right"), rounds, "unit", "against"
    table = Table(*columns, Column("ratio", justify="right"), title="bench", box=box.SIMPLE_HEAD, header_style="dim")
    table.title_justify = "left"
    for result in results:
        style = {True: "green", False: "red", None: ""}[result.good]
        ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
        value = f"{result.value:,.6g}"
        table.add_row(result.name, value, _spread(result), result.unit, result.against or "", ratio, style=style)
    return table


def _spread(result: Figure) -> str:
    """Return the lowest and the highest value of the rounds, and the number of rounds."""
    if result.minimum is None or result.maximum is None:
        return ""
    return f"{result.minimum:,.5g} – {result.maximum:,.5g} ({result.rounds})"


def write_results(results: Sequence[Figure], file: Path = RESULTS_FILE) -> None:
    """Write results and the machine they were measured on; earlier results with other names stay."""
    file.parent.mkdir(parents=True, exist_ok=True)
    names = {result.name for result in results}
    before = msgspec.json.decode(file.read_bytes())["results"] if file.exists() else []
    earlier = [result for result in before if result["name"] not in names]
    text = msgspec.json.encode({"machine": _describe_machine(), "results": [*earlier, *results]})
    file.write_bytes(msgspec.json.format(text, indent=2) + b"\n")


def _describe_machine() -> dict[str, str | int | float]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "measured_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "cores": os.cpu_count() or 0,
        "cpu": _cpu_model(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "commit": _commit(),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    try:
        process = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return process.stdout.strip()
