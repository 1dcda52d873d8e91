"""A projector in the process that measures, over the engine in it and a log that is made up."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

from prices.price_list import list_prices
from processors.dead_letter_limit import DeadLetterLimit
from processors.flow.observer import Observers
from processors.pipeline import Pipeline
from processors.plan import Planner
from processors.pricing import Pricing
from processors.state_cache import StateCache
from runtime.operations.provision_store import provision_store
from runtime.services.projector import make_warehouse
from runtime.settings.store_url import parse_store_url
from schemas.log.codec import encode
from schemas.log.position import LogRecord
from schemas.log.records import Actor, Event, EventsRecorded
from schemas.log.topics import record_key
from store.generations import FIRST_GENERATION


class NoLog:
    """A log that is not read: nothing is missing."""

    async def ends(self) -> Sequence[int]:
        raise NotImplementedError

    async def read(self, partition: int, start: int, stop: int, bytes_max: int) -> Sequence[LogRecord]:
        raise NotImplementedError


class InProcess(NamedTuple):
    """The parts of a projector of one partition."""

    planner: Planner
    pipeline: Pipeline


def provision(folder: str) -> None:
    """Make an empty store in ``folder``."""
    provision_store(parse_store_url(f"chdb://{folder}/store"), 1, list_prices())


def open_in_process(folder: str, cache_bytes_max: int) -> InProcess:
    """Return a new projector into the store in ``folder``."""
    warehouse = make_warehouse(parse_store_url(f"chdb://{folder}/store"), FIRST_GENERATION)
    cache = StateCache(cache_bytes_max)
    planner = Planner(warehouse, cache, Pricing(warehouse), 1, DeadLetterLimit(0.9))
    return InProcess(planner, Pipeline(warehouse, NoLog(), planner, cache, Observers()))


def events_record(offset: int, org: str, session: UUID, at: int, events: Sequence[Event]) -> LogRecord:
    """Return a record of the log with these events, received at ``at`` (ms since 1970)."""
    record = EventsRecorded(
        v=1,
        record_id=uuid4(),
        org_id=org,
        session_id=session,
        actor=Actor("alice", "member"),
        received_at=at,
        events=tuple(events),
    )
    return LogRecord(0, offset, record_key(session), encode(record), at)
