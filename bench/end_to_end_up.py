"""How many events a second does the embedded default take, project and show, on one machine with its clients?"""

from bench.end_to_end import end_to_end
from bench.harness import Question, Result, Say
from bench.services import http_service, temporary_folder

MARK = 25_000
EVENTS = 400_000


def measure(say: Say) -> list[Result]:
    """One process, and the load generator beside it."""
    with temporary_folder() as folder, http_service(folder, "up") as (_, target):
        return end_to_end("end_to_end_up", target, EVENTS, MARK, say)


QUESTION = Question("end_to_end_up", "`up`: HTTP → log → tables → read, load generator included", measure)
