"""The ranges of a table's key, or of log offsets, in which tables are read, and the rows of the two questions of each.

`tables` has these questions. `Sums` are cheap: rows and hashes of a range by bucket. Only buckets whose sums differ are
asked for their rows.
"""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


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

    For `facts` and `receipts`, ``facts_added`` counts the facts added at positions of the log, and ``places`` adds the
    hash of the position for each of them (modulo 2^64). For `facts`, ``bytes`` is the size of their payloads.
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
