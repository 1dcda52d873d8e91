"""Read the generations as a reader: with its limits, and from the control database."""

from store.generations import GenerationEvent, KnownGeneration, known_generations
from store.reading.question import NoParams, Question
from store.reading.reader import Reader, answer_from_control

GENERATIONS = Question("store.generations", NoParams, GenerationEvent)


async def load_known(reader: Reader) -> list[KnownGeneration]:
    """Return every generation ever created, oldest first."""
    return known_generations(await answer_from_control(reader, GENERATIONS, NoParams()))
