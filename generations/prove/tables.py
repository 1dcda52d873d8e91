"""The tables that are compared between generations, the ranges in which they are read, and two questions about each.

A range is one of a table's key, or of log offsets. `Sums` are cheap: rows and hashes of a range by bucket. Only buckets
whose sums differ are asked for their rows.

Both questions are made from a template and the columns of the row struct, so a new column is compared without a change
here. Columns are named, since a newer version of the code may have added some to one generation only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, get_type_hints
from uuid import UUID

from msgspec import Struct, defstruct

from schemas.store.rows import (
    AmountsRow,
    AnalysisRow,
    CompactionRow,
    DeadLetterRow,
    FactRow,
    ReceiptRow,
    SessionRow,
    TaskRow,
)
from store.reading.question import Question
from store.reading.statements import generated
from store.sql import read_sql


class OrgRange(Struct, frozen=True):
    """The rows of some orgs, of which these are the first and the last."""

    first_org: str
    last_org: str


class FactRange(OrgRange, frozen=True):
    """The facts of some orgs, from a key to before another one, below the ``pins``. A bucket is a block of offsets.

    Words are compared from the offsets ``words_since`` on: an earlier version, which had none, projected those before.
    """

    since: UUID
    since_place: int
    until: UUID
    until_place: int
    pins: list[int]
    words_since: list[int]  # by partition
    block: int


class SessionRange(OrgRange, frozen=True):
    """The rows of some orgs, from a session to before another one."""

    since: UUID
    until: UUID


class HourRange(OrgRange, frozen=True):
    """The sessions of some orgs that started from an hour to before another one."""

    since: datetime
    until: datetime


class BucketRange(HourRange, frozen=True):
    """The amounts of some orgs that happened from a quarter of an hour to before another one."""


class Positions(Struct, frozen=True):
    """The offsets ``[since, until)`` of all partitions, below the ``pins``."""

    since: int
    until: int
    pins: list[int]


class OffsetRange(Positions, frozen=True):
    """Such offsets in buckets: each is a ``block`` of offsets."""

    block: int


AnyRange = FactRange | SessionRange | HourRange | BucketRange | OffsetRange


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


# In `facts`: what a fold needs from a payload. Another version needs something else, as its rows of sessions show.
MADE_BY_THE_FOLD_VERSION = "parsed"
_CONDITIONS: dict[type[AnyRange], str] = {
    FactRange: "{{fact_range}}",
    SessionRange: "{{session_range}}",
    HourRange: "{{hour_range}}",
    BucketRange: "{{bucket_range}}",
    OffsetRange: "{{offset_range}}",
}


@dataclass(frozen=True, eq=False)
class Table:
    """A table: the struct of its rows, the ranges in which it is read, and how a row is described.

    ``key`` names the parts of a `ContentRow.row_key`; the first of ``day`` that has a value is the row's day. Its
    ``weight`` is the time that it takes, compared with a fact. It ``ignores`` columns that depend on the version of the
    code, and ``reads`` some in another way. ``adds`` are expressions for other fields of `Sums`.
    """

    name: str
    row: type[Struct]
    range: type[AnyRange]
    key: tuple[str, ...]
    day: tuple[str, ...] = ()
    weight: float = 1
    ignores: tuple[str, ...] = (MADE_BY_THE_FOLD_VERSION,)
    reads: Mapping[str, str] = field(default_factory=dict)
    adds: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Return the columns in the order of `ContentRow.cells`."""
        return tuple(name for name in self.row.__struct_fields__ if name not in self.ignores)

    @property
    def is_versioned(self) -> bool:
        """Whether rows are replaced by newer versions, so that one generation may be ahead for a while."""
        return "version" in self.row.__struct_fields__

    @cached_property
    def kinds(self) -> dict[str, Any]:
        """Return the types of the columns' values in Python."""
        return get_type_hints(self.row)

    @cached_property
    def sums(self) -> Question[Any, Sums]:
        """Ask for the `Sums` of a range."""
        return Question(self._generated("sums"), self.range, Sums)

    @cached_property
    def rows(self) -> Question[Any, ContentRow]:
        """Ask for some buckets of a range; if ``contents`` is not empty, only for rows with one of these hashes."""
        some = [("buckets", list[int]), ("contents", list[int])]
        params = defstruct(f"Some{self.range.__name__}", some, bases=(self.range,), frozen=True)
        return Question(self._generated("rows"), params, ContentRow)

    def _read(self, column: str) -> str:
        return self.reads.get(column, f"{self.name}.{column}")

    def _generated(self, template: str) -> str:
        by_offset = "log_offset" in self.columns
        parts = {
            "table": self.name,
            "key": ", ".join(f"toString({self.name}.{column})" for column in self.key),
            "bucket": "intDiv(log_offset, {block:UInt64})" if by_offset else "sipHash64(session_id) % 1024",
            "version": "version" if self.is_versioned else "0",
            # Qualified, since `bucket` also names the range's parts.
            "hashes": ", ".join(f"ifNull(cityHash64({self._read(column)}), 0)" for column in self.columns),
            "texts": ", ".join(f"toString({self._read(column)})" for column in self.columns),
            "range": _CONDITIONS[self.range],
            **{name: self.adds.get(name, "0") for name in ("bytes", "facts_added", "places")},
        }
        text = read_sql("generations.prove", f"{template}.template")
        for name, part in parts.items():
            text = text.replace(f"{{{{{name}}}}}", part)
        return generated(f"generations.prove.{self.name}_{template}", text)


OF_SESSION = ("org_id", "session_id")
OF_RECORD = ("log_partition", "log_offset")
_PLACE = "cityHash64(log_partition, log_offset)"
_OF_FACTS = {"bytes": "length(data)", "facts_added": "1", "places": _PLACE}
# What was projected before it was erased equals what is left of it in a generation that never had it.
_IS_ERASED = (
    "(receipts.org_id, receipts.session_id) IN (SELECT org_id, session_id FROM erased) OR "
    "(receipts.log_partition, receipts.log_offset) IN (SELECT log_partition, erased_offset FROM erased_positions)"
)
_IF_ERASED = {
    "record_id": "toUUID('00000000-0000-0000-0000-000000000000')",
    "outcome": "'erased'",
    "kind": "''",
    "received_at": "toDateTime64(0, 3, 'UTC')",
    "facts": "0",
    "added": "0",
    "redrive_of": "''",
}
_RECEIPT = {column: f"if({_IS_ERASED}, {erased}, receipts.{column})" for column, erased in _IF_ERASED.items()}
_OF_RECEIPTS = {"facts_added": _RECEIPT["added"], "places": f"{_RECEIPT['added']} * {_PLACE}"}
_WORDS = {"words": "if(log_offset >= {words_since:Array(UInt64)}[log_partition + 1], facts.words, '')"}
FACTS = Table("facts", FactRow, FactRange, (*OF_SESSION, "event_id"), ("timestamp",), reads=_WORDS, adds=_OF_FACTS)
RECEIPTS = Table(
    "receipts",
    ReceiptRow,
    OffsetRange,
    OF_RECORD,
    ("received_at",),
    0.3,
    ignores=("has_words",),
    reads=_RECEIPT,
    adds=_OF_RECEIPTS,
)
DEAD_LETTERS = Table("dead_letters", DeadLetterRow, OffsetRange, OF_RECORD, ("logged_at",), weight=0)
# The hour is in the table's key: a row under another hour is another row.
SESSIONS = Table("sessions", SessionRow, HourRange, (*OF_SESSION, "started_hour"), ("started_hour",), weight=2)
TASKS = Table("tasks", TaskRow, SessionRange, (*OF_SESSION, "kind", "task_id"), ("started_at", "ended_at"), weight=0.5)
COMPACTIONS = Table("compactions", CompactionRow, SessionRange, (*OF_SESSION, "compaction_id"))
ANALYSES = Table("analyses", AnalysisRow, SessionRange, OF_SESSION)
# The version is that of the last record that changed a bucket; what counts as a change is up to the fold version.
AMOUNTS = Table("amounts", AmountsRow, BucketRange, (*OF_SESSION, "bucket"), ("bucket",), ignores=("version",))
BY_SESSION = (TASKS, COMPACTIONS, ANALYSES)
BY_ORG = (FACTS, SESSIONS, AMOUNTS, *BY_SESSION)
ALL = (*BY_ORG, RECEIPTS, DEAD_LETTERS)
