"""How fast does a projector worker follow Kafka with the store inside its own process?"""

from bench.harness import Question, Result, Say
from bench.projector import project
from bench.services import temporary_folder

MARK = 110_000


def measure(say: Say) -> list[Result]:
    """The worker alone; the store is a folder."""
    with temporary_folder() as folder:
        return project(folder, f"chdb://{folder / 'store'}", "projector_chdb", MARK, say)


QUESTION = Question("projector_chdb", "Kafka → five writes, the store in the worker's process", measure)
