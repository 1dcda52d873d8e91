"""The tables that are compared between generations: their keys, columns and questions."""

from typing import Any, Generic, NamedTuple, get_type_hints

from msgspec import Struct

from generations.prove import questions as ask
from generations.prove.questions import S, TableQuestions
from schemas.store.rows import AnalysisRow, CompactionRow, DeadLetterRow, FactRow, ReceiptRow, SessionRow, TaskRow


class Table(NamedTuple, Generic[S]):
    """A table: the struct of its rows, and what the parts of a `ContentRow.row_key` are.

    A ``versioned`` row is replaced by newer ones, so the two generations may have different versions of it for a while.
    ``weight`` is the time that a row takes, compared with a fact.
    """

    name: str
    row: type[Struct]
    key: tuple[str, ...]
    questions: TableQuestions[S]
    versioned: bool
    weight: float

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns in the order of `ContentRow.cells`."""
        return tuple(name for name in self.row.__struct_fields__ if name != MADE_BY_THE_FOLD_VERSION)

    def kind(self, column: str) -> object:
        """Return the type of a column's values in Python."""
        return get_type_hints(self.row)[column]


# Of `facts`: what a fold needs of a payload. Another version needs something else, as its rows of sessions show.
MADE_BY_THE_FOLD_VERSION = "parsed"
OF_SESSION = ("org_id", "session_id")
OF_RECORD = ("log_partition", "log_offset")
FACTS = Table(
    "facts", FactRow, (*OF_SESSION, "event_id"), TableQuestions(ask.FACT_SUMS, ask.FACT_ROWS), versioned=False, weight=1
)
RECEIPTS = Table(
    "receipts", ReceiptRow, OF_RECORD, TableQuestions(ask.RECEIPT_SUMS, ask.RECEIPT_ROWS), versioned=False, weight=0.3
)
DEAD_LETTERS = Table(
    *("dead_letters", DeadLetterRow, OF_RECORD, TableQuestions(ask.DEAD_LETTER_SUMS, ask.DEAD_LETTER_ROWS)),
    versioned=False,
    weight=0,
)
# The hour is in the table's key: a row under another hour is another row.
SESSIONS = Table(
    *("sessions", SessionRow, (*OF_SESSION, "started_hour"), TableQuestions(ask.SESSION_SUMS, ask.SESSION_ROWS)),
    versioned=True,
    weight=2,
)
TASKS = Table(
    *("tasks", TaskRow, (*OF_SESSION, "kind", "task_id"), TableQuestions(ask.TASK_SUMS, ask.TASK_ROWS)),
    versioned=True,
    weight=0.5,
)
COMPACTIONS = Table(
    *("compactions", CompactionRow, (*OF_SESSION, "compaction_id")),
    TableQuestions(ask.COMPACTION_SUMS, ask.COMPACTION_ROWS),
    versioned=True,
    weight=1,
)
ANALYSES = Table(
    *("analyses", AnalysisRow, OF_SESSION, TableQuestions(ask.ANALYSIS_SUMS, ask.ANALYSIS_ROWS)),
    versioned=True,
    weight=1,
)
BY_SESSION: tuple[Table[Any], ...] = (TASKS, COMPACTIONS, ANALYSES)
BY_ORG: tuple[Table[Any], ...] = (FACTS, SESSIONS, *BY_SESSION)
ALL: tuple[Table[Any], ...] = (*BY_ORG, RECEIPTS, DEAD_LETTERS)
