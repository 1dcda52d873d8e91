"""`python -m bench [NAME …]`: measure, print a table, write var/bench.json."""

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich import box
from rich.console import Console
from rich.table import Column, Table

from bench import (
    archive,
    comparisons,
    dashboard,
    end_to_end,
    footprint,
    growth,
    hooks,
    ingest,
    otlp,
    peers,
    projector,
    query,
    replay,
)
from bench.question import FAILED, BenchQuestion, Figure

RESULTS_FILE = Path("var") / "bench.json"
SUBJECTS = (
    *(projector, ingest, comparisons, otlp, end_to_end, replay, archive, query),
    *(dashboard, footprint, hooks, growth, peers),
)
QUESTIONS: dict[str, BenchQuestion] = {each.name: each for subject in SUBJECTS for each in subject.QUESTIONS}


def main(arguments: Sequence[str]) -> int:
    """Run the named questions, or all except the long ones; return 0, or 1 if a question failed.

    An unknown name raises `SystemExit` with 2.
    """
    names = _parse_names(arguments)
    console = Console(highlight=False)
    chosen = [QUESTIONS[name] for name in names] or [q for q in QUESTIONS.values() if not q.only_by_name]
    results = [result for question in chosen for result in _run(question, console)]
    console.print(_render_table(results))
    write_results(results)
    console.print(f"written to {RESULTS_FILE}")
    return int(any(result.unit == FAILED for result in results))  # a missed mark is a result, not a failure


def _parse_names(arguments: Sequence[str]) -> list[str]:
    questions = "\n".join(f"  {question.name:<24}{question.description}" for question in QUESTIONS.values())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure, print a table and write var/bench.json.",
        epilog=f"questions:\n{questions}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="*", help="questions to run; without names, all except the long ones")
    names: list[str] = parser.parse_args(arguments).name
    if unknown := [name for name in names if name not in QUESTIONS]:
        parser.error(f"unknown: {', '.join(unknown)}; choose from {', '.join(QUESTIONS)}")
    return names


def _run(question: BenchQuestion, console: Console) -> list[Figure]:
    """Run a question and print its figures; a failure is a figure, too, so that the other questions still run."""
    console.print(f"[bold]{question.name}[/] {question.description}")
    with console.status("…") as status:
        try:
            measured = question.measure(lambda text: status.update(f"{question.name}: {text}"))
        except Exception as error:  # the table shows it; the other questions are still worth running
            console.print(f"  failed: {type(error).__name__}: {error}", style="red", markup=False)
            return [Figure(question.name, 0.0, FAILED, good=False)]
    for result in measured:
        console.print(f"  {result.name}: {result.value:,.6g} {result.unit}", style="cyan", markup=False)
    return measured


def _render_table(results: Sequence[Figure]) -> Table:
    rounds = Column("min – max of rounds", justify="right")
    columns = Column("measured", style="bold"), Column("value", justify="right"), rounds, "unit", "against"
    table = Table(*columns, Column("ratio", justify="right"), title="bench", box=box.SIMPLE_HEAD, header_style="dim")
    table.title_justify = "left"
    for result in results:
        style = {True: "green", False: "red", None: ""}[result.good]
        ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
        value = f"{result.value:,.6g}"
        spread = f"{result.minimum:,.5g} – {result.maximum:,.5g} ({result.rounds})" if result.rounds > 1 else ""
        table.add_row(result.name, value, spread, result.unit, result.against or "", ratio, style=style)
    return table


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
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "measured_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "cores": os.cpu_count() or 0,
        "cpu": models[0].split(":", 1)[1].strip() if models else platform.machine(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "commit": _commit(),
    }


def _commit() -> str:
    try:
        process = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return process.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
