"""`python -m bench [NAME …]`: measure, print a table, write var/bench.json."""

import sys

from rich.console import Console

from bench import (
    end_to_end_stack,
    end_to_end_up,
    footprint,
    ingest_kafka,
    ingest_sqlite,
    memory_up,
    projector_chdb,
    projector_store_server,
    query,
    query_one_session,
    query_search,
    query_summary,
    redaction,
    visible_latency,
)
from bench.harness import FAILED, RESULTS_FILE, keep, run, table

QUESTIONS = {
    module.QUESTION.name: module.QUESTION
    for module in (
        projector_chdb,
        projector_store_server,
        ingest_sqlite,
        ingest_kafka,
        redaction,
        end_to_end_up,
        end_to_end_stack,
        visible_latency,
        query,
        query_search,
        query_summary,
        query_one_session,
        memory_up,
        footprint,
    )
}
BY_NAME_ALONE = {footprint.QUESTION.name}  # long, and hardly ever of interest


def main(names: list[str]) -> int:
    """Ask these questions, or all but the long ones; 0, 1 if one could not be answered, 2 for an unknown name."""
    console = Console(highlight=False)
    if unknown := [name for name in names if name not in QUESTIONS]:
        console.print(f"unknown: {', '.join(unknown)}; there is {', '.join(QUESTIONS)}")
        return 2
    usual = [name for name in QUESTIONS if name not in BY_NAME_ALONE]
    results = run([QUESTIONS[name] for name in names or usual], console)
    console.print(table(results))
    keep(results)
    console.print(f"written to {RESULTS_FILE}")
    return int(any(result.unit == FAILED for result in results))  # a missed mark is a result, not a failure


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
