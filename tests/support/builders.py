"""Facts and logs for tests: a test states only the interesting fields.

All other values, ids included, are derived from the seed of the `LogBuilder` that adds the fact: one seed, one log.
"""

import random
from typing import Any, get_type_hints
from uuid import UUID

import msgspec

from prices.log import COMMAND_LINE
from schemas import ids
from schemas.log.codec import encode
from schemas.log.position import LogRecord
from schemas.log.price import Price
from schemas.log.records import (
    NO_ID,
    PRICES_ID,
    Actor,
    AnyRecord,
    CompactionRequested,
    Erased,
    Event,
    EventsRecorded,
    MetricsReport,
    MetricsReported,
    ModelUsage,
    Outcome,
    PositionsErased,
    PricesLoaded,
    RecordsErased,
    SessionChanged,
    SessionCreated,
    SessionDescribed,
    SessionEnded,
)
from schemas.log.topics import erasures_id, partition_of, record_key
from schemas.permissions import OPERATOR_ORG
from schemas.store.rows import SessionRow

ORG = "acme"
ALICE = Actor("alice", "member")
T0 = 1_768_903_200_000  # 2026-01-20T10:00:00Z
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
SECRETS = ids.IdSecrets((b"the first key of the tests",), b"the seed key of the tests")
# The fields of a session's row that a test does not state.
NO_SESSION: dict[str, Any] = {
    **{name: 0 if kind is int else None for name, kind in get_type_hints(SessionRow).items()},
    "created": True,
    "sensitive": False,
    "trigger": "interactive",
    "thread_id": UUID(int=7),
    "is_reported": False,
    "is_work_reported": False,
    "is_incomplete": False,
    "models": [],
    "measured": [],
    "agents": [],
    "tools": [],
    "redactions": {},
    "first_prompts": [],
    "search_text": "",
}
ERASURE = UUID("b1087aea-a583-4899-8a5a-3c4f188bd2b2")
UNSET_ID = UUID(int=0)  # replaced by an id that the LogBuilder draws


def session_id(name: object, org: str = ORG, *, sensitive: bool = False) -> UUID:
    """Return the id of a session: always the same for a name and an org."""
    seed = ids.derive(SECRETS.seed_key, "test", [str(name)])
    return ids.mint(SECRETS, "session", org, ids.new_thread(seed), sensitive, seed)


def created(session: UUID, **fields: Any) -> SessionCreated:
    """Return a create of the session."""
    return SessionCreated(**{**_lifecycle(session), "run_id": UNSET_ID, **fields})


def hook(event_type: str, at: int = T0, event_id: UUID = UNSET_ID, **payload: Any) -> Event:
    """Return a hook event; ``payload`` is its data."""
    return Event(event_id, event_type, at, msgspec.Raw(msgspec.json.encode(payload)))


def recorded(session: UUID, *events: Event, **fields: Any) -> EventsRecorded:
    """Return a batch of hook events."""
    return EventsRecorded(**{**_fact(session), **fields}, events=events)


def usage(model: str | None = "claude-sonnet-4-5", **fields: int) -> ModelUsage:
    """Return running totals of one model."""
    return ModelUsage(model, **fields)


def report(*models: ModelUsage, reported_at: int | None = None) -> MetricsReport:
    """Return running totals of a session."""
    return MetricsReport(models, reported_at)


def reported(session: UUID, *models: ModelUsage, reported_at: int | None = None, **fields: Any) -> MetricsReported:
    """Return a record with running totals."""
    return MetricsReported(**{**_lifecycle(session), **fields}, report=report(*models, reported_at=reported_at))


def changed(session: UUID, **fields: Any) -> SessionChanged:
    """Return a change of some fields; None clears one."""
    return SessionChanged(**{**_lifecycle(session), **fields})


def described(session: UUID, **fields: Any) -> SessionDescribed:
    """Return what a client reports about the session."""
    return SessionDescribed(**{**_lifecycle(session), "client": "claude-code", **fields})


def ended(session: UUID, outcome: Outcome | None = "success", **fields: Any) -> SessionEnded:
    """Return an end of the session."""
    return SessionEnded(**{**_lifecycle(session), **fields}, outcome=outcome)


def compaction_requested(session: UUID, **fields: Any) -> CompactionRequested:
    """Return a request for a digest."""
    return CompactionRequested(**{**_lifecycle(session), **fields})


def prices_loaded(*prices: Price, loaded_us: int = T0 * 1000, **fields: Any) -> PricesLoaded:
    """Return a load of prices."""
    of_operator = {"org_id": OPERATOR_ORG, "actor": COMMAND_LINE}
    return PricesLoaded(**{**_fact(PRICES_ID), **of_operator, "prices": prices, "loaded_us": loaded_us, **fields})


def records_erased(
    partition: int, *sessions: UUID, org_id: str = ORG, partitions: int = 4, now: bool = False
) -> RecordsErased:
    """Return the record that erases sessions of a partition, or all of an org that is there."""
    return RecordsErased(
        v=1,
        record_id=UNSET_ID,
        erasure=ERASURE,
        org_id=org_id,
        session_id=erasures_id(partition, partitions),
        received_at=T0,
        sessions=sessions,
        now=now,
    )


def positions_erased(partition: int, *offsets: int, org_id: str = ORG, partitions: int = 4) -> PositionsErased:
    """Return the record that erases records of an org in a partition."""
    return PositionsErased(
        v=1,
        record_id=UNSET_ID,
        erasure=ERASURE,
        org_id=org_id,
        session_id=erasures_id(partition, partitions),
        received_at=T0,
        partitions=partitions,
        offsets=tuple(sorted({*offsets})),
    )


def erased(record: LogRecord, org_id: str = ORG) -> LogRecord:
    """Return what is left of a record once it is erased; what is undecodable has no session that could be trusted."""
    session_id = UUID(bytes=record.key) if record.key and len(record.key) == 16 else NO_ID
    known: dict[str, Any] = {"org_id": org_id, "session_id": session_id} if session_id.version == 4 else {}
    return record._replace(value=encode(Erased(v=1, erasure=ERASURE, **known)))


class LogBuilder:
    """A log in memory: records with the right partition and dense offsets."""

    def __init__(self, partitions: int = 4, seed: int = 0) -> None:
        self.partitions = partitions
        self.random = random.Random(seed)  # deterministic on purpose
        self.records: list[LogRecord] = []  # of all partitions, in order of arrival
        self._ends = [0] * partitions

    def add(self, *records: AnyRecord) -> list[LogRecord]:
        """Append records; draw ids where they are unset."""
        return [self._append(record_key(record.session_id), encode(self._identified(record))) for record in records]

    def add_bytes(self, value: bytes | None, key: bytes | None = b"poison", partition: int | None = None) -> LogRecord:
        """Append arbitrary bytes, as a foreign producer would."""
        return self._append(key, value, partition)

    def uuid(self) -> UUID:
        """Draw the next id from this seed."""
        return UUID(int=self.random.getrandbits(128), version=4)

    def _append(self, key: bytes | None, value: bytes | None, partition: int | None = None) -> LogRecord:
        if partition is None:
            partition = partition_of(key or b"", self.partitions)
        log_record = LogRecord(partition, self._ends[partition], key, value, T0)
        self._ends[partition] += 1
        self.records.append(log_record)
        return log_record

    def _identified(self, record: AnyRecord) -> AnyRecord:
        drawn: dict[str, Any] = {
            name: self.uuid() for name in ("record_id", "fact_id", "run_id") if getattr(record, name, None) == UNSET_ID
        }
        if isinstance(record, EventsRecorded):
            drawn["events"] = tuple(self._identified_event(event) for event in record.events)
        return msgspec.structs.replace(record, **drawn)

    def _identified_event(self, event: Event) -> Event:
        return msgspec.structs.replace(event, event_id=self.uuid()) if event.event_id == UNSET_ID else event


def _fact(session: UUID) -> dict[str, Any]:
    return {
        "v": 1,
        "record_id": UNSET_ID,
        "org_id": ORG,
        "session_id": session,
        "actor": ALICE,
        "received_at": T0,
    }


def _lifecycle(session: UUID) -> dict[str, Any]:
    return {**_fact(session), "fact_id": UNSET_ID}
