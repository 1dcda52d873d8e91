"""Generations: each is one set of derived tables, in its own database.

The table `generations` of the control database records the events of each: created, live (readers use it), paused,
resumed, dropped. It is append-only, so it is also the history of all switches.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from clickhouse_connect.driver.client import Client
from msgspec import Struct

from store.address import StoreAddress
from store.sql import read_sql

FIRST_GENERATION = "g1"
NO_JOB = UUID(int=0)


class Generation(NamedTuple):
    """A generation. Its log has a fixed number of ``partitions`` (0: not known).

    The other fields identify the code and the price history that it was made with; no other code or prices may write
    to it. Readers do not need them and leave them out.
    """

    name: str
    partitions: int
    fold_version: int = 0
    prices_sha256: str = ""
    made_us: int = 0  # microseconds since 1970, by the store's clock


class GenerationEvent(Struct, frozen=True):
    """A row of `generations`: when it was written (microseconds since 1970, by the store's clock), and its age."""

    at_us: int
    age_us: int
    name: str
    event: str  # created | live | paused | resumed | dropped
    partitions: int
    fold_version: int
    prices_sha256: str


class KnownGeneration(Struct):
    made: Generation
    is_live: bool = False
    is_paused: bool = False
    is_dropped: bool = False
    live_at_us: list[int] = []
    left_us_ago: int | None = None  # since readers stopped using it

    @property
    def name(self) -> str:
        return self.made.name


def known_generations(events: Iterable[GenerationEvent]) -> list[KnownGeneration]:
    """Return every generation ever created, oldest first. The latest `live` wins."""
    known: dict[str, KnownGeneration] = {}
    live: KnownGeneration | None = None
    for row in events:
        if row.event == "created":
            made = Generation(row.name, row.partitions, row.fold_version, row.prices_sha256, row.at_us)
            known.setdefault(row.name, KnownGeneration(made))
        elif (generation := known.get(row.name)) is None:
            continue
        elif row.event == "live":
            if live is not None and live is not generation:
                live.is_live, live.left_us_ago = False, row.age_us
            live = generation
            live.is_live, live.left_us_ago = True, None
            live.live_at_us = [*live.live_at_us, row.at_us]
        elif row.event in ("paused", "resumed"):
            generation.is_paused = row.event == "paused"
        elif row.event == "dropped":
            generation.is_dropped, generation.is_paused = True, False
    return list(known.values())


def load_generations(client: Client) -> list[KnownGeneration]:
    """Return every generation. ``client`` is on the control database."""
    found = client.query(read_sql("store", "generations")).named_results()
    return known_generations(GenerationEvent(**row) for row in found)


def existing_generations(client: Client) -> list[Generation]:
    """Return the generations whose tables exist, oldest first. ``client`` is on the control database."""
    return [known.made for known in load_generations(client) if not known.is_dropped]


def create_generation(client: Client, store: StoreAddress, made: Generation) -> None:
    """Record a generation whose tables exist. ``client`` is on the control database."""
    begin_progress(client, store.database(made.name), made.partitions)
    add_generation_event(client, made, "created")


def begin_progress(client: Client, database: str, partitions: int) -> None:
    """Say of each partition that nothing of it is projected, in a database whose tables are empty."""
    for name in ("first_rollup_progress", "first_progress"):
        client.command(read_sql("store", name), parameters={"database": database, "partitions": partitions})


def add_generation_event(client: Client, made: Generation, event: str) -> None:
    """Record an event of a generation. ``client`` is on the control database."""
    client.command(read_sql("store", "generation_event"), parameters=event_parameters(made, event, NO_JOB))


def event_parameters(made: Generation, event: str, job: UUID) -> dict[str, Any]:
    """Return the parameters of ``generation_event.sql``."""
    return {
        "name": made.name,
        "event": event,
        "fold_version": made.fold_version,
        "prices_sha256": made.prices_sha256,
        "partitions": made.partitions,
        "request": job,
    }
