"""How fast are the totals of 5,000,000 sessions, and how much faster than without rollups?"""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from bench.harness import Question, Result, Say, at_least, plain
from bench.latency import ask
from bench.load import percentile
from bench.query_data import Data, fill
from bench.query_without_rollups import Compared, compare
from bench.services import http_service, temporary_folder

SUMMARY_MS, CUT_MS = 25, 60
FASTER = 10
DATA = Data(sessions=5_000_000, days=400, users=120)


def measure(say: Say) -> list[Result]:
    """Over HTTP, and then the same question asked of the store with and without rollups, in turn."""
    with temporary_folder() as folder:
        fill(folder, DATA, say)
        with http_service(folder, "up") as (process, target):
            results = [
                *ask("query_summary of an org", process, target, [_path("summary")], SUMMARY_MS, say),
                *ask("query_summary by agent", process, target, [_path("by-agent")], CUT_MS, say),
                *ask("query_summary of a project", process, target, _of_projects("summary"), CUT_MS, say),
            ]
        return [*results, *_ratio(folder, say)]


def _path(name: str, **cut: str) -> str:
    return f"/sessions/analytics/{name}?{urlencode({'start_date': f'{DATA.since:%Y-%m-%d}', **cut})}"


def _of_projects(name: str) -> list[str]:
    return [_path(name, project_id=f"project-{number}") for number in (0, 7, 14, 21)]


def _ratio(folder: Path, say: Say) -> Sequence[Result]:
    say("the same question without rollups")
    compared: Compared = compare(folder, DATA)
    rollups, sessions = percentile(compared.rollups, 0.5), percentile(compared.sessions, 0.5)
    return [
        plain("query_summary SQL on rollups p50", rollups * 1e3, "ms"),
        plain("query_summary SQL on sessions FINAL p50", sessions * 1e3, "ms"),
        at_least("query_summary faster than sessions FINAL", sessions / rollups, "times", FASTER),
    ]


QUESTION = Question(
    "query_summary", "totals of 5,000,000 sessions of one org in 400 days, over HTTP from `up`", measure
)
