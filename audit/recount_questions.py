"""The questions of a recount. Times are ms since 1970, buckets seconds since 1970, money is nano-dollars."""

from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from msgspec import Struct

from audit.confirm import Comparison
from query_api.question import NoParams, Question

Numbers = tuple[int, ...]


class RollupMarkRow(Struct, frozen=True):
    """All sessions of the partition as of ``rolled_up`` are in the rollups."""

    log_partition: int
    rolled_up: int


class RecountSpan(Struct, frozen=True):
    """The buckets ``[since, until)`` of an org, or of all orgs."""

    org_id: str | None
    since: datetime
    until: datetime


class DayRow(Struct, frozen=True):
    """How much there is to recount on the day that starts ``day`` seconds after 1970."""

    day: int
    sessions: int
    events: int


class SettledSpan(RecountSpan, frozen=True):
    """Compare only settled rows: all records of a partition below ``pins[partition]`` are in the compared tables."""

    pins: list[int]
    limit: int


class RecountSessions(SettledSpan, frozen=True):
    """The sessions of one of ``parts`` equal parts; if ``session_ids`` is not empty, only these."""

    part: int
    parts: int
    known_types: list[str]
    session_ids: list[UUID]


class RecountOrphans(SettledSpan, frozen=True):
    """The sessions of one of ``parts`` equal parts."""

    part: int
    parts: int


class RecountRollups(SettledSpan, frozen=True):
    """The buckets of a ``rollup`` by ``interval``, hour or day; if ``buckets`` is not empty, only these."""

    rollup: str
    interval: str
    buckets: list[tuple[str, int]]


class SessionLine(NamedTuple):
    """A session on which the two sides differ; a side without the session is empty."""

    org_id: str
    session_id: UUID
    stored: Numbers
    recounted: Numbers


class RollupLine(NamedTuple):
    """A total, user, group or model group of a bucket on which the two sides differ; a side without it is empty."""

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
    """One comparison of rollups with sessions."""


C = TypeVar("C", SessionsCompared, RollupsCompared)


def joined(one: C, other: C) -> C:
    """Return two comparisons of different sessions, or buckets, as one: counts and lists are added."""
    return type(one)(**{name: getattr(one, name) + getattr(other, name) for name in one.__struct_fields__})


class OrphanRow(Struct, frozen=True):
    """A session without a row: the number of its facts, and the version that its row should have."""

    org_id: str
    session_id: UUID
    facts: int
    version: int


class StateLine(Struct, frozen=True):
    """A kept state that differs from its facts: on both sides their number, and the XOR of their ids in two halves."""

    org_id: str
    session_id: UUID
    stored: list[int]
    recounted: list[int]


ROLLUP_MARKS = Question("audit.rollup_marks", NoParams, RollupMarkRow)
RECOUNT_DAYS = Question("audit.recount_days", RecountSpan, DayRow)
RECOUNT_SESSIONS = Question("audit.recount_sessions", RecountSessions, SessionsCompared)
RECOUNT_STATES = Question("audit.recount_states", SettledSpan, StateLine)
RECOUNT_ORPHANS = Question("audit.recount_orphans", RecountOrphans, OrphanRow)
RECOUNT_ROLLUPS = Question("audit.recount_rollups", RecountRollups, RollupsCompared)
