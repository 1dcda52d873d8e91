"""How fast is a page of the list of 100,000 sessions, whatever the filter, the order and the page?"""

from urllib.parse import urlencode

from bench.harness import Question, Result, Say
from bench.latency import ask
from bench.query_data import Data, fill
from bench.services import http_service, temporary_folder

MARK_MS = 50
DATA = Data(sessions=100_000, days=90, users=100, prompts=4)
LISTS: dict[str, dict[str, str | int]] = {
    "newest": {},
    "deep page": {"page": 3_600},
    "by cost": {"sort": "-cost_usd"},
    "by tokens, deep page": {"sort": "-tokens", "page": 1_000},
    "of a project": {"project_id": "project-7"},
    "of an agent, by duration": {"agent_name": "agent-5", "sort": "-duration_seconds"},
    "that used a model": {"model": "claude-haiku-3-5", "sort": "-last_event_at"},
    "that failed": {"status": "ended", "outcome": "failure", "trigger": "headless", "sort": "started_at"},
}


def measure(say: Say) -> list[Result]:
    """Each list by itself, and then all of them in turn."""
    with temporary_folder() as folder:
        fill(folder, DATA, say)
        with http_service(folder, "up") as (process, target):
            paths = {name: f"/sessions?{urlencode(given)}" for name, given in LISTS.items()}
            results = []
            for name, path in paths.items():
                results += ask(f"query_list {name}", process, target, [path], MARK_MS, say)
            return [*results, *ask("query_list all in turn", process, target, list(paths.values()), MARK_MS, say)]


QUESTION = Question("query_list", "a page of 25 out of 100,000 sessions, over HTTP from `up`", measure)
