"""The questions of a proof, and the ranges of a table's key or of log offsets that they are about.

`tables` has the two about each table. Its `Sums` are cheap: rows and hashes of a range by bucket. Only buckets whose
sums differ are asked for their rows.
"""

from datetime import datetime
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
    """A fact of an org; the key wanted has ``rows`` rows between them."""

    org_id: str
    session_id: UUID
    place: int
    rows: int


class FactKey(Struct, frozen=True):
    session_id: UUID
    place: int


class AfterSession(Struct, frozen=True):
    """The session that follows ``rows`` rows of a table after a session of an org."""

    table: str
    org_id: str
    session_id: UUID
    rows: int


class SessionIdRow(Struct, frozen=True):
    session_id: UUID


class AfterHour(Struct, frozen=True):
    """The hour that follows ``rows`` sessions after an hour of an org."""

    org_id: str
    hour: datetime
    rows: int


class HourRow(Struct, frozen=True):
    """An hour, in seconds since 1970."""

    hour: int


class OrgRange(Struct, frozen=True):
    """The rows of some orgs, of which these are the first and the last."""

    first_org: str
    last_org: str


class FactRange(OrgRange, frozen=True):
    """The facts of some orgs, from a key to before another one, below the ``pins``. A bucket is a block of offsets."""

    since: UUID
    since_place: int
    until: UUID
    until_place: int
    pins: list[int]
    block: int


class SessionRange(OrgRange, frozen=True):
    """The rows of some orgs, from a session to before another one."""

    since: UUID
    until: UUID


class HourRange(OrgRange, frozen=True):
    """The sessions of some orgs that started from an hour to before another one."""

    since: datetime
    until: datetime


class Positions(Struct, frozen=True):
    """The offsets ``[since, until)`` of all partitions, below the ``pins``."""

    since: int
    until: int
    pins: list[int]


class OffsetRange(Positions, frozen=True):
    """Such offsets in buckets: each is a ``block`` of offsets."""

    block: int


AnyRange = FactRange | SessionRange | HourRange | OffsetRange


class Sums(Struct, frozen=True):
    """The rows of a bucket: how many, and the sum of their hashes (modulo 2^64).

    Of `facts` and `receipts` also the ``facts_added`` at positions of the log, and in ``places`` the sum of the
    position's hash for each of them (modulo 2^64); of `facts` the ``bytes`` of their payloads.
    """

    bucket: int
    found: int
    content: int
    bytes: int = 0
    facts_added: int = 0
    places: int = 0


class ContentRow(Struct, frozen=True):
    """A row by its key, and the hash of all its columns. ``cells`` are its columns as text, if they were asked for."""

    row_key: tuple[str, ...]
    bucket: int
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
    org_id: str
    session_ids: list[UUID]


class SessionDayRow(Struct, frozen=True):
    session_id: UUID
    day: str


ORGS = Question("generations.prove.orgs", TableOrgs, OrgRow)
NEXT_FACT = Question("generations.prove.next_fact", AfterFact, FactKey)
NEXT_SESSION = Question("generations.prove.next_session", AfterSession, SessionIdRow)
NEXT_HOUR = Question("generations.prove.next_hour", AfterHour, HourRow)
RECEIPT_FACTS = Question("generations.prove.receipt_facts", Positions, ReceiptFactsRow)
DEAD_RECEIPTS = Question("generations.prove.dead_receipts", Positions, DeadReceiptRow)
SESSION_DAYS = Question("generations.prove.session_days", SessionsOfOrg, SessionDayRow)
