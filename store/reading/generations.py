"""Read the generations, and add their events, as a reader: with its limits, in the control database."""

from uuid import UUID

from store.generations import Generation, GenerationEvent, KnownGeneration, event_parameters, known_generations
from store.reading.question import NoParams, Question
from store.reading.reader import Reader, answer_from_control

GENERATIONS = Question("store.generations", NoParams, GenerationEvent)


async def load_known(reader: Reader) -> list[KnownGeneration]:
    return known_generations(await answer_from_control(reader, GENERATIONS, NoParams()))


async def add_event(reader: Reader, made: Generation, event: str, job: UUID) -> None:
    """Record an event of a generation, unless ``job`` has ended."""
    await reader.control("store.generation_event", event_parameters(made, event, job))
