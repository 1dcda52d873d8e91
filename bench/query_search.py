"""How fast are sessions found by their words, among 100,000?"""

from urllib.parse import urlencode

from bench.harness import Question, Result, Say
from bench.latency import ask
from bench.query import DATA, MARK_MS
from bench.query_data import fill, vocabulary
from bench.services import http_service, temporary_folder

COMMON, OTHER = vocabulary()[1], vocabulary()[8]
SEARCHES: dict[str, dict[str, str | int]] = {
    "a rare word": {"q": "module1900"},
    "a common word": {"q": COMMON},
    "two common words": {"q": f"{OTHER} {COMMON}"},
    "a common word and a rare one": {"q": f"{COMMON} Module700"},
    "a phrase": {"q": f'"{COMMON} {OTHER}"'},
    "a word, in a project, by cost": {"q": OTHER, "project_id": "project-7", "sort": "-cost_usd"},
    "nothing": {"q": "nobodysaidthis"},
}


def measure(say: Say) -> list[Result]:
    """Each search by itself, and then all of them in turn."""
    with temporary_folder() as folder:
        fill(folder, DATA, say)
        with http_service(folder, "up") as (process, target):
            paths = {name: f"/sessions/search?{urlencode(given)}" for name, given in SEARCHES.items()}
            results = []
            for name, path in paths.items():
                results += ask(f"query_search {name}", process, target, [path], MARK_MS, say)
            turns = list(paths.values())
            return [*results, *ask("query_search all in turn", process, target, turns, MARK_MS, say)]


QUESTION = Question("query_search", "a page of 25 found by words in 100,000 sessions, over HTTP from `up`", measure)
