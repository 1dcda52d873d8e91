"""The questions of a proof. Each asks one generation about one range of a table's key, or of log offsets.

`sums` are cheap: rows and hashes of a range by bucket. Only buckets whose sums differ are asked for their `rows`.
"""

from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from msgspec import Struct

from store.reading.question import Question


class TableOrgs(Struct, frozen=True):
    """The orgs of a table after one, in order, at most ``limit``."""

    table: str
    after: str
    limit: int


class OrgRow(Struct, frozen=True):
    """An org, and about how many rows it has."""

    org_id: str
    found: int


class AfterFact(Struct, frozen=True):
    """The key that follows ``rows`` rows after a fact of an org."""

    org_id: str
    session_id: UUID
    place: int
    rows: int


class FactKey(Struct, frozen=True):
    """The key of a fact in its org."""

    session_id: UUID
    place: int


class AfterSession(Struct, frozen=True):
    """The session that follows ``rows`` rows of a table after a session of an org."""

    table: str
    org_id: str
    session_id: UUID
    rows: int


class SessionIdRow(Struct, frozen=True):
    """A session of an org."""

    session_id: UUID


class AfterHour(Struct, frozen=True):
    """The hour that follows ``rows`` sessions after an hour of an org."""

    org_id: str
    hour: datetime
    rows: int


class HourRow(Struct, frozen=True):
    """An hour, in seconds since 1970."""

    hour: int


class FactRange(Struct, frozen=True):
    """The facts of some orgs, from a key to before another one, below the ``pins``. A bucket is a block of offsets."""

    first_org: str
    last_org: str
    since: UUID
    since_place: int
    until: UUID
    until_place: int
    pins: list[int]
    block: int


class SessionRange(Struct, frozen=True):
    """The rows of some orgs, from a session to before another one."""

    first_org: str
    last_org: str
    since: UUID
    until: UUID


class HourRange(Struct, frozen=True):
    """The sessions of some orgs that started from an hour to before another one."""

    first_org: str
    last_org: str
    since: datetime
    until: datetime


class OffsetRange(Struct, frozen=True):
    """The offsets ``[since, until)`` of all partitions, below the ``pins``. A bucket is a block of offsets."""

    since: int
    until: int
    pins: list[int]
    block: int


class Positions(Struct, frozen=True):
    """The offsets ``[since, until)`` of all partitions, below the ``pins``."""

    since: int
    until: int
    pins: list[int]


AnyRange = FactRange | SessionRange | HourRange | OffsetRange


class FactRows(FactRange, frozen=True):
    """Some buckets of the range; if ``contents`` is not empty, only rows with one of these hashes."""

    buckets: list[int]
    contents: list[int]


class SessionRows(SessionRange, frozen=True):
    """Some buckets of the range; if ``contents`` is not empty, only rows with one of these hashes."""

    buckets: list[int]
    contents: list[int]


class HourRows(HourRange, frozen=True):
    """Some buckets of the range; if ``contents`` is not empty, only rows with one of these hashes."""

    buckets: list[int]
    contents: list[int]


class OffsetRows(OffsetRange, frozen=True):
    """Some buckets of the range; if ``contents`` is not empty, only rows with one of these hashes."""

    buckets: list[int]
    contents: list[int]


class Sums(Struct, frozen=True):
    """The rows of a bucket: how many, and the sum of their hashes (modulo 2^64)."""

    bucket: int
    found: int
    content: int


class PlacedSums(Sums, frozen=True):
    """The same, with the facts that are added at positions of the log: how many, and the sum of a position's hash
    for each of them (modulo 2^64)."""

    bytes: int
    facts_added: int
    places: int


class ContentRow(Struct, frozen=True):
    """A row by its key, and the hash of all its columns. ``cells`` are its columns as text, if they were asked for."""

    row_key: tuple[str, ...]
    bucket: int
    day: str | None
    row_version: int
    row_partition: int
    content: int
    cells: tuple[str | None, ...]


class ReceiptFactsRow(Struct, frozen=True):
    """A receipt that claims to have ``added`` another number of facts than there are."""

    log_partition: int
    log_offset: int
    org_id: str
    session_id: UUID
    day: str
    added: int
    facts: int


class DeadReceiptRow(Struct, frozen=True):
    """A receipt that disagrees with the dead letters."""

    log_partition: int
    log_offset: int
    day: str
    is_dead: int
    letters: int


class SessionsOfOrg(Struct, frozen=True):
    """Some sessions of an org."""

    org_id: str
    session_ids: list[UUID]


class SessionDayRow(Struct, frozen=True):
    """The day on which a session started."""

    session_id: UUID
    day: str


S = TypeVar("S", bound=Sums)


class TableQuestions(NamedTuple, Generic[S]):
    """The two questions about a table."""

    sums: Question[Any, S]
    rows: Question[Any, ContentRow]


ORGS = Question("generations.prove.orgs", TableOrgs, OrgRow)
NEXT_FACT = Question("generations.prove.next_fact", AfterFact, FactKey)
NEXT_SESSION = Question("generations.prove.next_session", AfterSession, SessionIdRow)
NEXT_HOUR = Question("generations.prove.next_hour", AfterHour, HourRow)
RECEIPT_FACTS = Question("generations.prove.receipt_facts", Positions, ReceiptFactsRow)
DEAD_RECEIPTS = Question("generations.prove.dead_receipts", Positions, DeadReceiptRow)
SESSION_DAYS = Question("generations.prove.session_days", SessionsOfOrg, SessionDayRow)
FACT_SUMS = Question("generations.prove.facts_sums", FactRange, PlacedSums)
FACT_ROWS = Question("generations.prove.facts_rows", FactRows, ContentRow)
RECEIPT_SUMS = Question("generations.prove.receipts_sums", OffsetRange, PlacedSums)
RECEIPT_ROWS = Question("generations.prove.receipts_rows", OffsetRows, ContentRow)
DEAD_LETTER_SUMS = Question("generations.prove.dead_letters_sums", OffsetRange, Sums)
DEAD_LETTER_ROWS = Question("generations.prove.dead_letters_rows", OffsetRows, ContentRow)
SESSION_SUMS = Question("generations.prove.sessions_sums", HourRange, Sums)
SESSION_ROWS = Question("generations.prove.sessions_rows", HourRows, ContentRow)
TASK_SUMS = Question("generations.prove.tasks_sums", SessionRange, Sums)
TASK_ROWS = Question("generations.prove.tasks_rows", SessionRows, ContentRow)
COMPACTION_SUMS = Question("generations.prove.compactions_sums", SessionRange, Sums)
COMPACTION_ROWS = Question("generations.prove.compactions_rows", SessionRows, ContentRow)
ANALYSIS_SUMS = Question("generations.prove.analyses_sums", SessionRange, Sums)
ANALYSIS_ROWS = Question("generations.prove.analyses_rows", SessionRows, ContentRow)
