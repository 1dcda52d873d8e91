"""How far one erasure is, in every generation that exists, and what it waits for."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from query_api.erasure.checks import LAST_CHECKS, ErasureCheckRow
from query_api.read_context import ReadContext
from schemas.log.position import Position
from schemas.store.rows import SWEPT_AFTER_S
from schemas.times import instant
from store.generations import KnownGeneration, known_generations
from store.reading.generations import GENERATIONS
from store.reading.question import NoParams, Question
from store.reading.reader import Reader, answer


class OfErasure(Struct, frozen=True):
    org_id: str
    erasure: UUID


class PlaceRow(Struct, frozen=True):
    """A record of the erasure, in the partition of what it erases: sessions, parts of them, or all of the org there."""

    log_partition: int
    log_offset: int
    requested_ms: int
    reason: str
    at_once: bool
    sessions: int
    is_org: bool
    is_part: bool

    @property
    def key(self) -> tuple[int, int]:
        return self.log_partition, self.log_offset


class Positions(Struct, frozen=True):
    """Log positions: partitions and offsets."""

    positions: list[tuple[int, int]]


class StepRow(Struct, frozen=True):
    """When a generation had projected the record at this position, and swept what it erases (ms; 0: not yet)."""

    log_partition: int
    log_offset: int
    hidden_ms: int
    swept_ms: int


class CertifiedRow(Struct, frozen=True):
    """All checks of the generation since this time (ms) found nothing."""

    generation: str
    certified_ms: int


PLACES = Question("query_api.erasure.places", OfErasure, PlaceRow)
STEPS = Question("query_api.erasure.steps", Positions, StepRow)
CERTIFIED_AT = Question("query_api.erasure.certified_at", Positions, CertifiedRow)


class InGeneration(Struct, frozen=True):
    """How far an erasure is in one generation. ``certified_ms`` is 0 if it is not certified there."""

    known: KnownGeneration
    steps: Mapping[tuple[int, int], StepRow]
    check: ErasureCheckRow | None
    certified_ms: int

    @property
    def name(self) -> str:
        return self.known.name


class Progress(Struct, frozen=True):
    """How far an erasure is. Its records are at ``places``; the first of ``generations`` is the one that is read."""

    places: Sequence[PlaceRow]
    generations: Sequence[InGeneration]

    @property
    def recorded_ms(self) -> int:
        return min(place.requested_ms for place in self.places)

    @property
    def subject(self) -> str:
        """What it erases."""
        if any(place.is_org for place in self.places):
            return "org"
        return "records" if any(place.is_part for place in self.places) else "sessions"

    @property
    def hidden_ms(self) -> int:
        return self._since([step.hidden_ms for step in self.generations[0].steps.values()])

    @property
    def swept_ms(self) -> int:
        return self._since([step.swept_ms for step in self.generations[0].steps.values()])

    @property
    def certified_ms(self) -> int:
        times = [generation.certified_ms for generation in self.generations]
        return max(times) if all(times) else 0

    @property
    def state(self) -> str:
        if self.certified_ms:
            return "certified"
        if self.swept_ms:
            return "swept"
        return "hidden" if self.hidden_ms else "recorded"

    def _since(self, times: Sequence[int]) -> int:
        return max(times) if len(times) == len(self.places) and all(times) else 0

    def waits_for(self) -> list[str]:
        """Return what is missing until the erasure is certified, in sentences, each once."""
        return list(dict.fromkeys(line for one in self.generations for line in self._missing_in(one)))

    def _missing_in(self, one: InGeneration) -> Iterator[str]:
        steps, name = one.steps, one.name
        unprojected = [place for place in self.places if place.key not in steps]
        unswept = [place for place in self.places if place.key in steps and not steps[place.key].swept_ms]
        if unprojected:
            paused = ", since it is paused" if one.known.is_paused else ""
            yield f"{name} has not projected {Position(*unprojected[0].key)}{paused}"
        elif unswept:
            yield _when_swept(name, unswept)
        elif one.check is None or one.check.began_us < max(step.swept_ms for step in steps.values()) * 1_000:
            yield f"{name} is checked after its sweep"
        elif not one.certified_ms:
            yield from _found(name, one.check)


async def load_progress(context: ReadContext, reader: Reader, of: OfErasure) -> Progress | None:
    """Return how far an erasure is; None if the generation that is read knows no such erasure of the org.

    Raises `StoreUnavailable`.
    """
    places = await context.ask(PLACES, of)
    if not places:
        return None
    at = Positions([place.key for place in places])
    known = known_generations(await context.ask_control(GENERATIONS, NoParams()))
    existing = sorted((one for one in known if not one.is_dropped), key=lambda one: one.name != context.generation)
    checks = {check.generation: check for check in await context.ask_control(LAST_CHECKS, NoParams())}
    certified = {row.generation: row.certified_ms for row in await context.ask_control(CERTIFIED_AT, at)}
    generations = []
    for one in existing:
        steps = {(row.log_partition, row.log_offset): row for row in await answer(reader, one.made, STEPS, at)}
        generations.append(InGeneration(one, steps, checks.get(one.name), certified.get(one.name, 0)))
    return Progress(places, generations)


def _when_swept(name: str, unswept: Sequence[PlaceRow]) -> str:
    if any(place.at_once for place in unswept):
        return f"{name} is being swept"
    return f"{name} is swept after {instant(min(place.requested_ms for place in unswept) + SWEPT_AFTER_S * 1_000)}"


def _found(name: str, check: ErasureCheckRow) -> Iterator[str]:
    left = check.left
    for table, sessions in left.tables.items():
        yield f"{name} has rows of erased sessions in {table}: {sessions:,}"
    if left.parts:
        yield f"{name} has parts that may hold deleted rows: {len(left.parts):,}, such as {left.parts[0]}"
    for copy in left.logs:
        if copy.records:
            yield f"the {copy.place} has {copy.records:,} erased records, the first at {copy.first}"
