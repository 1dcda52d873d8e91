"""How many events a second does the production shape take, project and show, all of it on one machine?"""

from bench.end_to_end import end_to_end
from bench.harness import Question, Result, Say
from bench.services import http_service, temporary_folder

MARK = 40_000
EVENTS = 500_000


def measure(say: Say) -> list[Result]:
    """Kafka, store server, two projectors, HTTP, and the load generator beside them."""
    say("starting Kafka, store server, projectors and HTTP")
    with temporary_folder() as folder, http_service(folder, "stack") as (_, target):
        return end_to_end("end_to_end_stack", target, EVENTS, MARK, say)


QUESTION = Question("end_to_end_stack", "`stack`: HTTP → Kafka → tables → read, load generator included", measure)
