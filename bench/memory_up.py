"""How much memory does the embedded default hold after a million events?"""

import uvloop

from bench.end_to_end import send_and_wait
from bench.harness import Question, Result, Say, at_most, plain
from bench.services import http_service, resident_mb, temporary_folder

MARK_MB = 1_200
EVENTS = 1_000_000


def measure(say: Say) -> list[Result]:
    """Resident memory of the one process, once all is projected."""
    with temporary_folder() as folder, http_service(folder, "up") as (process, target):
        uvloop.run(send_and_wait(target, EVENTS, say))
        return [
            at_most("memory_up resident", resident_mb(process.pid), "MB", MARK_MB),
            plain("memory_up highest", resident_mb(process.pid, peak=True), "MB"),
        ]


QUESTION = Question("memory_up", "resident memory of `up` after 1,000,000 events", measure)
