"""How fast is a session with 100,000 events shown, the first page of its events, and what happened inside it?"""

from bench.harness import Question, Result, Say
from bench.latency import ask, read
from bench.query_data import Data, fill
from bench.services import http_service, temporary_folder

MARKS_MS = {"": 50, "/events": 50, "/hierarchy": 300}
DATA = Data(sessions=100_000, days=90, users=100, prompts=4, events=100_000)
SESSION_ZERO = "/sessions?external_id=ext-0"  # the one with all the events


def measure(say: Say) -> list[Result]:
    """The session among 100,000 others."""
    with temporary_folder() as folder:
        fill(folder, DATA, say)
        with http_service(folder, "up") as (process, target):
            (session,) = read(target, SESSION_ZERO)["data"]
            path = f"/sessions/{session['id']}"
            return [
                result
                for what, mark in MARKS_MS.items()
                for result in ask(f"query_one_session{what or ' detail'}", process, target, [path + what], mark, say)
            ]


QUESTION = Question("query_one_session", "one session with 100,000 events, over HTTP from `up`", measure)
