"""An in-memory warehouse for the model check, with the same results as the real one.

`tests/properties/test_warehouse_conformance.py` runs the same logs through both, so that results of the model check
hold for the real one.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from prices.price_list import LoadedPrice, list_prices
from prices.table import ReadPrices
from processors.derivations.session_facts import SUBJECT_MAX, TEXT_MAX, SessionFact
from processors.fold.fold import FOLD_VERSION
from processors.fold.parsed import parsed_of
from processors.fold.state import LAYOUT
from processors.marks.dense_receipts import LOOKED_AT_ONCE
from processors.warehouse import (
    KEYS,
    OF_SESSIONS,
    Bucket,
    DenseMark,
    ErasedPosition,
    RollupMark,
    Rows,
    SessionKey,
    StoredReceipt,
    erased_rows,
)
from schemas.log.records import EVENTS_RECORDED, NO_ID, PositionsErased, RecordsErased
from schemas.store.rows import (
    DAY_S,
    QUARTER_S,
    AmountsRow,
    AnalysisRow,
    CompactionRow,
    DeadLetterRow,
    DenseReceiptsRow,
    ErasedPositionRow,
    ErasedRow,
    FactRow,
    ProgressRow,
    ReceiptRow,
    RollupProgressRow,
    SessionRow,
    SessionStateRow,
    SweptRow,
    TaskRow,
)
from store.generations import Generation
from store.reading.guard import HIDDEN, REPLACED
from tests.support.oracles.rollups import RollupRow, rollup_of_day, rollup_of_quarter
from tests.support.oracles.rowbinary import decode_rows

Key = tuple[Any, ...]
_READ_AT_MS = 1 << 42  # the store's clock: later than any time of receipt
_STAY = ("records_erased", "positions_erased", "prices_loaded")
_TOOL_EVENTS = ("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied")
_SUBJECTS = {
    **dict.fromkeys(("Bash", "PowerShell"), "command"),
    "NotebookEdit": "notebook_path",
    **dict.fromkeys(("Agent", "Task"), "description"),
    **dict.fromkeys(("Glob", "Grep", "WebFetch", "WebSearch")),
}
_TEXTS = {
    "UserPromptSubmit": "prompt",
    "Stop": "last_assistant_message",
    "SubagentStop": "last_assistant_message",
    "PostCompact": "compact_summary",
}
_DETAILS = {
    **dict.fromkeys(("PostToolUseFailure", "StopFailure"), "error"),
    "Notification": "notification_type",
}


class TableShape(NamedTuple):
    """The parts of a table's definition that decide which rows are visible: sorting key, and version column."""

    row: type[Any]
    key: tuple[str, ...]
    version: str | None


SHAPES = {
    "facts": TableShape(FactRow, ("org_id", "session_id", "place"), "place"),
    "sessions": TableShape(SessionRow, ("org_id", "started_hour", "session_id"), "version"),
    "tasks": TableShape(TaskRow, ("org_id", "session_id", "kind", "task_id"), "version"),
    "compactions": TableShape(CompactionRow, ("org_id", "session_id", "compaction_id"), "version"),
    "analyses": TableShape(AnalysisRow, ("org_id", "session_id"), "version"),
    "amounts": TableShape(AmountsRow, ("org_id", "bucket", "session_id"), "version"),
    "rollups": TableShape(RollupRow, ("org_id", "seconds", "bucket"), "version"),
    "receipts": TableShape(ReceiptRow, ("log_partition", "log_offset"), None),
    "dead_letters": TableShape(DeadLetterRow, ("log_partition", "log_offset"), None),
    "erased": TableShape(ErasedRow, ("org_id", "session_id", "log_partition", "log_offset"), None),
    "erased_positions": TableShape(
        ErasedPositionRow, ("org_id", "session_id", "log_partition", "log_offset", "erased_offset"), None
    ),
    "swept": TableShape(SweptRow, ("log_partition",), "swept_below"),
    "progress": TableShape(ProgressRow, ("log_partition",), "projected"),
    "session_states": TableShape(SessionStateRow, ("log_partition", "org_id", "session_id"), "version"),
    "rollup_progress": TableShape(RollupProgressRow, ("log_partition",), "rolled_up"),
    "dense_receipts": TableShape(DenseReceiptsRow, ("log_partition",), "dense_below"),
}
_KEYS = {table: attrgetter(*shape.key) for table, shape in SHAPES.items()}
_VERSIONS: dict[str, Callable[[Any], Any]] = {
    table: attrgetter(shape.version) if shape.version else lambda _row: 0 for table, shape in SHAPES.items()
}


class Conflict(NamedTuple):
    """Two rows with the same key and version but different content."""

    table: str
    before: Any
    after: Any


class FakeWarehouse:
    """An in-memory `Warehouse`: what readers see after FINAL. ``conflicts`` collects errors that no fault may cause."""

    def __init__(self, partitions: int = 1) -> None:
        self._partitions = partitions
        self.tables: dict[str, dict[Key, Any]] = {table: {} for table in SHAPES}
        self.conflicts: list[Conflict] = []
        self.writes = 0

    def insert(self, table: str, rows: Rows) -> None:
        self.put(table, self.decode(table, rows))

    def decode(self, table: str, rows: Rows) -> list[Any]:
        """Decode RowBinary into the rows of a table."""
        return decode_rows(SHAPES[table].row, rows if isinstance(rows, bytes) else b"".join(rows))

    def put(self, table: str, rows: Iterable[Any]) -> None:
        """Insert like ReplacingMergeTree: among equal keys the highest version is visible, then the last row."""
        self.writes += 1
        seen, version, key_of = self.tables[table], _VERSIONS[table], _KEYS[table]
        for row in rows:
            key = key_of(row)
            before = seen.get(key)
            if before is not None and version(before) == version(row) and not _may_follow(before, row):
                self.conflicts.append(Conflict(table, before, row))
            if before is None or version(before) <= version(row):
                seen[key] = row

    def rows(self, table: str) -> list[Any]:
        """Return the rows that a reader sees of a table, in the order of its key."""
        rows = self.tables[table]
        if table not in HIDDEN:
            return [rows[key] for key in sorted(rows)]
        is_replaced = table in REPLACED
        erased = {_session(row) for row in list(self.tables["erased"].values())} if not is_replaced else ()
        gone = self._gone() if table == "facts" else ()
        return [
            row
            for key in sorted(rows)
            if not is_hidden(row := rows[key])
            and _session(row) not in erased
            and not (gone and (*_session(row), row.log_offset) in gone)
        ]

    def refresh_rollups(self, quarters: Iterable[Bucket]) -> None:
        for _ in self.refreshing(quarters):
            pass

    def refreshing(self, quarters: Iterable[Bucket]) -> Iterator[None]:
        """Run `refresh_rollups` step by step. Each of its two statements reads first, and writes the result later."""
        touched = sorted(set(quarters))
        of_quarters = self.read_quarters(touched)
        yield
        self.put("rollups", of_quarters)
        yield
        of_days = self.read_days(sorted({(org, start // DAY_S * DAY_S) for org, start in touched}))
        yield
        self.put("rollups", of_days)

    def read_quarters(self, quarters: Sequence[Bucket]) -> list[RollupRow]:
        """Return what these quarters should contain now."""
        started: dict[Bucket, list[SessionRow]] = defaultdict(list)
        happened: dict[Bucket, list[AmountsRow]] = defaultdict(list)
        for session in list(self.tables["sessions"].values()):
            started[session.org_id, quarter_of(session)].append(session)
        for row in list(self.tables["amounts"].values()):
            happened[row.org_id, row.bucket].append(row)
        found = (rollup_of_quarter(org, start, started[org, start], happened[org, start]) for org, start in quarters)
        return [row for row in found if row]

    def read_days(self, days: Sequence[Bucket]) -> list[RollupRow]:
        """Return what these days should contain now."""
        quarters: dict[Bucket, list[RollupRow]] = defaultdict(list)
        for row in list(self.tables["rollups"].values()):
            if row.seconds == QUARTER_S:
                quarters[row.org_id, row.bucket // DAY_S * DAY_S].append(row)
        return [row for org, day in days if (row := rollup_of_day(org, day, quarters[org, day]))]

    def rollup_mark(self, partition: int) -> RollupMark:
        rows = [row for row in list(self.tables["rollup_progress"].values()) if row.log_partition == partition]
        return RollupMark(rows[0].rolled_up, rows[0].complete_through) if rows else RollupMark()

    def changed_buckets(self, marks: Mapping[int, int], after: Bucket, limit: int) -> list[Bucket]:
        rows = [row for table in ("sessions", "amounts") for row in list(self.tables[table].values())]
        changed = [row for row in rows if row.version > marks.get(row.log_partition, row.version)]
        buckets = {(row.org_id, row.bucket if isinstance(row, AmountsRow) else quarter_of(row)) for row in changed}
        return sorted(bucket for bucket in buckets if bucket > after)[:limit]

    def forget_sessions(self, sessions: Sequence[SessionKey]) -> None:
        for table in OF_SESSIONS:
            for key, row in list(self.tables[table].items()):
                if (row.org_id, row.session_id) in sessions:
                    del self.tables[table][key]

    def forget_buckets(self, quarters: Sequence[Bucket], days: Sequence[Bucket]) -> None:
        for seconds, buckets in ((QUARTER_S, quarters), (DAY_S, days)):
            for org, start in buckets:
                self.tables["rollups"].pop((org, seconds, start), None)

    def kept_sessions(self, partition: int) -> list[SessionKey]:
        return [(org, session) for of, org, session in list(self.tables["session_states"]) if of == partition]

    def kept_state(self, partition: int, session: SessionKey, below: int) -> bytes | None:
        row = self.tables["session_states"].get((partition, *session))
        return row.state if row and row.version <= below and row.layout == LAYOUT else None

    def facts(self, sessions: Sequence[SessionKey], below: int, since: int = 0) -> list[FactRow]:
        return [
            row if row.kind != EVENTS_RECORDED else msgspec.structs.replace(row, data=b"", words=b"")
            for row in self._facts_of(sessions)
            if since <= row.log_offset < below
        ]

    def session_facts(self, sessions: Sequence[SessionKey], upto: int) -> Iterator[SessionFact]:
        facts = [row for row in self._facts_of(sessions) if row.log_offset <= upto]
        return map(_session_fact, sorted(facts, key=attrgetter("org_id", "session_id")))

    def holes(self, partition: int, start: int, stop: int) -> list[tuple[int, int]]:
        assert start <= stop <= start + LOOKED_AT_ONCE, "the memory of a look is bounded"
        found, next_offset = [], start
        for offset in [*(offset for offset in self._receipted(partition) if start <= offset < stop), stop]:
            if offset > next_offset:
                found.append((next_offset, offset))
            next_offset = offset + 1
        return found

    def dense_mark(self, partition: int) -> DenseMark:
        rows = [row for row in list(self.tables["dense_receipts"].values()) if row.log_partition == partition]
        return DenseMark(rows[0].dense_below if rows else 0, max(self._receipted(partition), default=-1) + 1)

    def forget_dense_mark(self, partition: int) -> None:
        for key, row in list(self.tables["dense_receipts"].items()):
            if row.log_partition == partition:
                del self.tables["dense_receipts"][key]

    def offsets_of(self, partition: int, sessions: Sequence[SessionKey], start: int, stop: int) -> list[int]:
        receipts = self.tables["receipts"]
        return [
            offset
            for offset in self._receipted(partition)
            if start <= offset < stop and _session(receipts[partition, offset]) in sessions
        ]

    def recent_outcomes(self, partition: int, count: int) -> list[bool]:
        receipts = self.tables["receipts"]
        offsets = self._receipted(partition)
        return [receipts[partition, offset].outcome == "dead" for offset in offsets if offset > offsets[-1] - count]

    def last_receipt(self, partition: int) -> StoredReceipt | None:
        offsets = self._receipted(partition)
        if not offsets:
            return None
        row = self.tables["receipts"][partition, offsets[-1]]
        return StoredReceipt(row.log_offset, row.record_id, row.outcome)

    def erased(self, partition: int) -> list[SessionKey]:
        erased = list(self.tables["erased"].values())
        return sorted({_session(row) for row in erased if row.log_partition == partition})

    def erase(self, partition: int, offset: int, record: RecordsErased) -> None:
        for table, rows in self.erasing(partition, offset, record):
            self.put(table, rows)

    def erasing(self, partition: int, offset: int, record: RecordsErased) -> Iterator[tuple[str, list[Any]]]:
        """Yield the rows that `erase` writes, table by table. What was yielded must be written before the next."""
        rows = erased_rows(partition, offset, record)
        yield "erased", rows
        sessions = [row for row in list(self.tables["sessions"].values()) if row.log_partition == partition]
        if not record.sessions:
            of_org = {row.session_id for row in sessions if row.org_id == record.org_id}
            yield "erased", [msgspec.structs.replace(rows[0], session_id=session_id) for session_id in of_org]
        said = [row for row in list(self.tables["erased"].values()) if row.log_offset == offset]
        erased = {_session(row) for row in said if row.log_partition == partition}
        for table in ("sessions", "amounts"):
            before = [row for row in list(self.tables[table].values()) if row.log_partition == partition]
            yield table, [empty_row(row, offset + 1) for row in before if _session(row) in erased]

    def erased_positions(self, partition: int) -> list[ErasedPosition]:
        rows = [row for row in list(self.tables["erased_positions"].values()) if row.log_partition == partition]
        return [ErasedPosition(*_session(row), row.erased_offset, row.log_offset) for row in rows]

    def erase_positions(self, partition: int, offset: int, record: PositionsErased) -> None:
        receipts = self.tables["receipts"]
        found = [receipts[partition, at] for at in record.offsets if (partition, at) in receipts]
        rows = [
            ErasedPositionRow(
                *(partition, offset, row.log_offset),
                *_session(row),
                erasure=record.erasure,
                requested_at=record.received_at,
                reason=record.reason,
                at_once=record.now,
            )
            for row in found
            if row.org_id == record.org_id and row.outcome != "dead" and row.kind not in _STAY
        ]
        self.put("erased_positions", rows)

    def starts(self, sessions: Sequence[SessionKey], offset: int) -> list[tuple[SessionKey, int]]:
        rows = [row for row in list(self.tables["sessions"].values()) if row.version <= offset]
        return [(_session(row), quarter_of(row)) for row in rows if _session(row) in sessions]

    def hide_older(self, partition: int, offset: int, sessions: Sequence[SessionKey]) -> None:
        for table, rows in self.hiding(partition, offset, sessions):
            self.put(table, rows)

    def hiding(self, partition: int, offset: int, sessions: Sequence[SessionKey]) -> Iterator[tuple[str, list[Any]]]:
        """Yield the rows that `hide_older` writes, table by table. What was yielded must be written before the next."""
        for table in KEYS:
            before = [row for row in list(self.tables[table].values()) if row.version <= offset]
            yield table, [empty_row(row, offset + 1) for row in before if _session(row) in sessions]

    def generation(self) -> Generation:
        return Generation("g1", self._partitions, FOLD_VERSION, list_prices().sha256, 1)

    def prices(self) -> ReadPrices:
        return ReadPrices([LoadedPrice(price, 0) for price in list_prices().prices], _READ_AT_MS)

    def _facts_of(self, sessions: Sequence[SessionKey]) -> list[FactRow]:
        rows = [row for row in list(self.tables["facts"].values()) if _session(row) in sessions and not row.is_deleted]
        if gone := self._gone():
            rows = [row for row in rows if (*_session(row), row.log_offset) not in gone]
        return sorted(rows, key=attrgetter("place"))

    def _gone(self) -> set[tuple[str, UUID, int]]:
        return {(*_session(row), row.erased_offset) for row in list(self.tables["erased_positions"].values())}

    def _receipted(self, partition: int) -> list[int]:
        return sorted(offset for of, offset in list(self.tables["receipts"]) if of == partition)


def _may_follow(before: Any, after: Any) -> bool:
    """Return whether a row may be written over another with the same key and version: only if both are equal.

    Exceptions: a fact may later turn out to repeat the id of an earlier fact that had not been projected yet, or no
    longer to repeat one. Then the facts of its record share other words. And a record that is projected again may have
    been erased meanwhile, or a late worker may not know that it was.
    """
    if isinstance(before, ReceiptRow) and "erased" in (before.outcome, after.outcome):
        return _session(before) == _session(after)
    if isinstance(before, FactRow):
        blank: dict[str, Any] = {"words": b""}
        if before.is_deleted != after.is_deleted:
            blank |= {"is_deleted": 0, "data": b""}
        return bool(msgspec.structs.replace(before, **blank) == msgspec.structs.replace(after, **blank))
    return bool(before == after)


def empty_row(row: Any, version: int) -> Any:
    """Return what replaces a row of a session that is erased, or of what was derived from what is erased."""
    table = next(table for table, shape in SHAPES.items() if isinstance(row, shape.row))
    kept: dict[str, Any] = {name: getattr(row, name) for name in (*SHAPES[table].key, "log_partition")}
    if isinstance(row, SessionRow):
        kept |= {"started_at": quarter_of(row) * 1000}
    kept |= {"version": version, "is_erased": True}
    kinds = get_type_hints(type(row))
    columns = {name: kept.get(name, _empty(kind)) for name, kind in kinds.items()}
    return type(row)(**columns)


def _empty(kind: Any) -> Any:
    """Return what the store has in a column that an insert leaves out."""
    if type(None) in get_args(kind):
        return None
    return NO_ID if kind is UUID else (get_origin(kind) or kind)()


def is_hidden(row: Any) -> bool:
    """Return whether a row says that an earlier one of its key is not there any more."""
    return bool(getattr(row, "is_erased", False) or getattr(row, "is_deleted", False))


def quarter_of(session: SessionRow) -> int:
    """Return the quarter of an hour in which a session started, in seconds since 1970."""
    return session.started_at // 1000 // QUARTER_S * QUARTER_S


def _session(row: Any) -> SessionKey:
    return row.org_id, row.session_id


def _session_fact(row: FactRow) -> SessionFact:
    payload = _payload(row.data)
    return SessionFact(
        *(row.org_id, str(row.session_id), row.log_offset, row.kind, row.timestamp, row.event_type),
        *(row.tool_name, row.tool_use_id, row.agent_id, row.agent_type, row.task_id, row.label),
        text=_text(row, payload),
        detail=_detail(row, payload),
        cwd=_shown(payload, "cwd" if row.event_type in ("SessionStart", "UserPromptSubmit") else None, SUBJECT_MAX),
        calls=[(*call,) for call in parsed_of(row.parsed).calls] if row.event_type == "PostToolBatch" else [],
    )


def _detail(row: FactRow, payload: Any) -> str:
    if row.event_type == "UserPromptSubmit":
        return parsed_of(row.parsed).source
    if row.event_type in ("PreToolUse", "PermissionRequest"):
        return parsed_of(row.parsed).permission
    return _shown(payload, _DETAILS.get(row.event_type), SUBJECT_MAX)


def _text(row: FactRow, payload: Any) -> str:
    if row.kind in ("session_created", "session_changed"):
        return row.data.decode()
    if row.event_type in _TOOL_EVENTS:
        used_on = payload.get("tool_input") if isinstance(payload, dict) else None
        return _shown(used_on, _SUBJECTS.get(row.tool_name, "file_path"), SUBJECT_MAX)
    return _shown(payload, _TEXTS.get(row.event_type), TEXT_MAX)


def _payload(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _shown(holder: Any, name: str | None, characters_max: int) -> str:
    """Return a text of a payload, truncated; other values as JSON."""
    value = holder.get(name) if isinstance(holder, dict) else None
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text[: characters_max + 1]
