"""What an audit asks of the store. Times are ms since 1970, buckets seconds since 1970, money is nano-dollars."""

from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from msgspec import Struct

from query_api.question import NoParams, Question

Numbers = tuple[int, ...]


class PartitionProgressRow(Struct, frozen=True):
    """How far one partition is projected; ``complete_ms`` 0: it has not reported yet."""

    log_partition: int
    projected: int
    log_end: int
    complete_ms: int
    age_ms: int


class GapsUpTo(Struct, frozen=True):
    """``limit`` gaps a partition are listed."""

    limit: int


class CoverageRow(Struct, frozen=True):
    """The receipts of one partition from ``first`` to ``end``, and the ranges below ``end`` that have none."""

    log_partition: int
    first: int
    end: int
    receipts: int
    projected: int
    dead: int
    gaps: list[tuple[int, int]]


class PositionOfOrg(Struct, frozen=True):
    """A position of the log, as seen from an org."""

    org_id: str
    log_partition: int
    log_offset: int


class ReceiptRow(Struct, frozen=True):
    """What became of a position; ``reason`` is empty unless it is dead."""

    outcome: str
    received_ms: int
    stored_ms: int
    facts: int
    added: int
    reason: str


class DeadLetterPage(Struct, frozen=True):
    """A page of all dead letters."""

    limit: int
    offset: int


class DeadLetterRow(Struct, frozen=True):
    """A record that could not be projected, and the positions at which it was appended again."""

    log_partition: int
    log_offset: int
    logged_ms: int
    reason: str
    size: int
    redriven_to: list[tuple[int, int]]
    total_count: int


class AtPosition(Struct, frozen=True):
    """A position of the log."""

    log_partition: int
    log_offset: int


class WholeDeadLetterRow(Struct, frozen=True):
    """The same with its bytes, in base64."""

    log_partition: int
    log_offset: int
    logged_ms: int
    reason: str
    size: int
    key_base64: str
    value_base64: str
    redriven_to: list[tuple[int, int]]


class SettledRow(Struct, frozen=True):
    """Below the offset ``settled`` everything of this partition is in the tables."""

    log_partition: int
    settled: int


class Span(Struct, frozen=True):
    """The buckets ``[since, until)`` of an org, or of all."""

    org_id: str | None
    since: datetime
    until: datetime


class DayRow(Struct, frozen=True):
    """How much there is to recount on the day that starts ``day`` seconds after 1970."""

    day: int
    sessions: int
    events: int


class Settled(Span, frozen=True):
    """Compare only what is settled: ``pins[partition]`` is the offset below which all is in the tables."""

    pins: list[int]
    limit: int


class RecountSessions(Settled, frozen=True):
    """The sessions of one of ``parts`` equal parts; ``session_ids`` that are not empty: these alone."""

    part: int
    parts: int
    known_types: list[str]
    session_ids: list[UUID]


class RecountOrphans(Settled, frozen=True):
    """The sessions of one of ``parts`` equal parts."""

    part: int
    parts: int


class RecountRollups(Settled, frozen=True):
    """``interval`` is hour or day; ``buckets`` that are not empty: these alone."""

    interval: str
    buckets: list[tuple[str, int]]


class SessionLine(NamedTuple):
    """A session on which the two sides differ; an empty side knows nothing of it."""

    org_id: str
    session_id: UUID
    stored: Numbers
    recounted: Numbers


class RollupLine(NamedTuple):
    """A bucket's total, user, group or model group on which the two sides differ; an empty side lacks it."""

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


class SessionsFound(Struct, frozen=True):
    """What one reading of sessions against their facts found; the lists are cut at ``limit``, the counts are not."""

    compared: int
    events: int
    moving: int
    moving_keys: list[UUID]
    different: int
    lines: list[SessionLine]


class RollupsFound(Struct, frozen=True):
    """What one reading of rollups against sessions found; the lists are cut at ``limit``, the counts are not."""

    compared: int
    moving: int
    moving_keys: list[tuple[str, int]]
    different: int
    lines: list[RollupLine]


F = TypeVar("F", SessionsFound, RollupsFound)


def joined(found: F, more: F) -> F:
    """What two readings of different sessions, or buckets, found together: counts and lists are added."""
    return type(found)(**{name: getattr(found, name) + getattr(more, name) for name in found.__struct_fields__})


class OrphanRow(Struct, frozen=True):
    """A session without a row: how many facts it has, and the version its row should have."""

    org_id: str
    session_id: UUID
    facts: int
    version: int


FRESHNESS_BY_PARTITION = Question("audit.freshness", NoParams, PartitionProgressRow)
COVERAGE = Question("audit.coverage", GapsUpTo, CoverageRow)
RECEIPT = Question("audit.receipt", PositionOfOrg, ReceiptRow)
DEAD_LETTERS = Question("audit.dead_letters", DeadLetterPage, DeadLetterRow)
DEAD_LETTER = Question("audit.dead_letter", AtPosition, WholeDeadLetterRow)
RECOUNT_PINS = Question("audit.recount_pins", NoParams, SettledRow)
RECOUNT_DAYS = Question("audit.recount_days", Span, DayRow)
RECOUNT_SESSIONS = Question("audit.recount_sessions", RecountSessions, SessionsFound)
RECOUNT_ORPHANS = Question("audit.recount_orphans", RecountOrphans, OrphanRow)
RECOUNT_ROLLUPS = Question("audit.recount_rollups", RecountRollups, RollupsFound)
