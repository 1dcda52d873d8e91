"""`python -m bench [NAME …]`: measure, print a table, write var/bench.json."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from bench import (
    dashboard,
    end_to_end,
    end_to_end_baselines,
    footprint,
    growth,
    hooks,
    ingest,
    ingest_baselines,
    otlp,
    peers,
    projector,
    projector_baselines,
    query,
    replay,
    starts,
)
from bench.harness import FAILED, RESULTS_FILE, BenchQuestion, render_table, run, write_results

SUBJECTS = (
    *(projector, projector_baselines, ingest, ingest_baselines, otlp, end_to_end, end_to_end_baselines, replay),
    *(query, dashboard, footprint, starts, hooks, growth, peers),
)
QUESTIONS: dict[str, BenchQuestion] = {each.name: each for subject in SUBJECTS for each in subject.QUESTIONS}


def main(arguments: Sequence[str]) -> int:
    """Run the named questions, or all except the long ones; return 0, or 1 if a question failed.

    Raises:
        SystemExit: with 2 for an unknown name.
    """
    names = _parse_names(arguments)
    console = Console(highlight=False)
    chosen = [QUESTIONS[name] for name in names] or [q for q in QUESTIONS.values() if not q.only_by_name]
    results = run(chosen, console)
    console.print(render_table(results))
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
