"""The questions of a recount. Times are in ms since 1970, buckets in seconds since 1970, money in nano-dollars."""

from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from msgspec import Struct

from audit.confirm import Comparison
from store.reading.question import NoParams, Question

Numbers = tuple[int, ...]


class RollupMarkRow(Struct, frozen=True):
    """The rollups contain all sessions of the partition as of ``rolled_up``."""

    log_partition: int
    rolled_up: int


class RecountSpan(Struct, frozen=True):
    """The buckets ``[since, until)`` of an org, or of all orgs."""

    org_id: str | None
    since: datetime
    until: datetime


class DayRow(Struct, frozen=True):
    """The amount to recount on the day that starts ``day`` seconds after 1970."""

    day: int
    sessions: int
    events: int


class SettledSpan(RecountSpan, frozen=True):
    """The settled rows of a span: the compared tables contain all records of a partition below ``pins[partition]``."""

    pins: list[int]
    limit: int


class RecountOrphans(SettledSpan, frozen=True):
    """The sessions in one of ``parts`` equal parts."""

    part: int
    parts: int


class RecountSessions(RecountOrphans, frozen=True):
    """The same sessions, limited to ``session_ids`` unless that is empty."""

    known_types: list[str]
    session_ids: list[UUID]


class RecountAmounts(RecountOrphans, frozen=True):
    """The amounts of the same sessions, limited in the same way."""

    session_ids: list[UUID]


class RecountRollups(SettledSpan, frozen=True):
    """The rollups of some ``seconds`` (a quarter of an hour or a day), limited to ``buckets`` unless that is empty."""

    seconds: int
    buckets: list[tuple[str, int]]


class SessionLine(NamedTuple):
    """A session in which the two sides differ; a side without the session is empty."""

    org_id: str
    session_id: UUID
    stored: Numbers
    recounted: Numbers


class AmountsLine(NamedTuple):
    """The total, a model or a tool of a session whose amounts don't add up; a side without it is empty."""

    org_id: str
    session_id: UUID
    level: str
    name: str
    stored: Numbers
    recounted: Numbers


class RollupLine(NamedTuple):
    """A total, user, group or model group of a bucket in which the two sides differ; a side without it is empty."""

    org_id: str
    bucket: int
    stored_version: int
    recounted_version: int
    level: str
    project_id: str | None
    repo: str | None
    agent_name: str | None
    user_id: str
    model: str
    stored: Numbers
    recounted: Numbers


class SessionsCompared(Comparison[SessionLine, UUID], frozen=True):
    """One comparison of sessions with their facts."""

    events: int


class RollupsCompared(Comparison[RollupLine, tuple[str, int]], frozen=True):
    """One comparison of rollups with sessions and amounts."""


class AmountsCompared(Comparison[AmountsLine, UUID], frozen=True):
    """One comparison of the sums of amounts with sessions."""


C = TypeVar("C", SessionsCompared, AmountsCompared, RollupsCompared)


def joined(one: C, other: C) -> C:
    """Return the sum of two comparisons of different sessions or buckets: counts are added, lists concatenated."""
    return type(one)(**{name: getattr(one, name) + getattr(other, name) for name in one.__struct_fields__})


class OrphanRow(Struct, frozen=True):
    """A session without a row: the number of its facts and the version that its row should have."""

    org_id: str
    session_id: UUID
    facts: int
    version: int


class StateLine(Struct, frozen=True):
    """A stored state that differs from its facts: both sides' number of facts and XOR of fact ids, in two halves."""

    org_id: str
    session_id: UUID
    stored: list[int]
    recounted: list[int]


ROLLUP_MARKS = Question("audit.rollup_marks", NoParams, RollupMarkRow)
RECOUNT_DAYS = Question("audit.recount_days", RecountSpan, DayRow)
RECOUNT_SESSIONS = Question("audit.recount_sessions", RecountSessions, SessionsCompared)
RECOUNT_AMOUNTS = Question("audit.recount_amounts", RecountAmounts, AmountsCompared)
RECOUNT_STATES = Question("audit.recount_states", SettledSpan, StateLine)
RECOUNT_ORPHANS = Question("audit.recount_orphans", RecountOrphans, OrphanRow)
RECOUNT_ROLLUPS = Question("audit.recount_rollups", RecountRollups, RollupsCompared)
