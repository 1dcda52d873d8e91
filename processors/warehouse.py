"""What a projector does with the store: a port and its ClickHouse adapter (a server, or the engine in this process).

Every method blocks and is called from a thread. Each may raise `StoreUnavailable` (send it again) or `Broken` (stop).
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from clickhouse_connect.driver.exceptions import OperationalError

from prices.table import ReadPrices, read_prices
from processors.derivations.session_facts import SUBJECT_MAX, TEXT_MAX, SessionFact
from processors.fold.state import LAYOUT
from processors.memfd import AVAILABLE, MemoryFile
from processors.rowbinary import encode_rows
from schemas.log.records import NO_ID, PositionsErased, RecordsErased
from schemas.store.rows import DAY_S, QUARTER_S, ROWS, ErasedRow, FactRow, SweptRow
from store.broken import Broken
from store.client_errors import STORE_ERRORS, classify
from store.connect import Client
from store.generations import Generation
from store.reading.guard import HIDDEN, REPLACED
from store.replicas import catch_up
from store.sql import cut_to_size, read_sql

SessionKey = tuple[str, UUID]  # (org, session)
Rows = bytes | Sequence[bytes]  # chunks, where joining them would slow the fold down
# (org, session, offset) of a fact of the session; or of the erasure, not above which it has rows.
Left = tuple[str, UUID, int]
Bucket = tuple[str, int]  # (org, start in seconds since 1970) of a quarter of an hour, or of a day
HOUR_S = 3_600


class StoredReceipt(NamedTuple):
    """The last log record of a partition that has its receipt."""

    offset: int
    record_id: UUID
    outcome: str


class RollupMark(NamedTuple):
    """The rollups hold every session of a partition as of the offset ``rolled_up``, or newer.

    Everything accepted before ``complete_ms`` (since 1970; 0: not complete yet) is in them.
    """

    rolled_up: int = 0
    complete_ms: int = 0


class DenseMark(NamedTuple):
    """Every position of a partition below ``below`` had its receipt once; its receipts end before ``end`` now."""

    below: int = 0
    end: int = 0


class Unswept(NamedTuple):
    """The age of the oldest erasure that is not swept (s; 0: there is none), and whether any is to be swept at once."""

    seconds: float
    at_once: bool


class SweptMarks(NamedTuple):
    """By partition, the offset below which all erasures are swept.

    ``at_us`` is when the last sweep ended (0: never), and ``now_us`` when this was asked, in microseconds since 1970 by
    the store's clock.
    """

    below: dict[int, int]
    at_us: int
    now_us: int


class TableParts(NamedTuple):
    """The active parts of a table: how many, and their bytes on disk."""

    parts: int
    bytes: int


class ErasedPosition(NamedTuple):
    """A record of a session that is erased, by the record at ``by``."""

    org_id: str
    session_id: UUID
    offset: int
    by: int

    @property
    def session(self) -> SessionKey:
        return self.org_id, self.session_id


class Warehouse(Protocol):
    """What a projector needs from a store."""

    def insert(self, table: str, rows: Rows) -> None:
        """Write rows of one table, given as RowBinary in field order. They are durable when it returns."""

    def refresh_rollups(self, quarters: Iterable[Bucket]) -> None:
        """Recompute these quarters of an hour from `sessions` and `amounts`, then their days from the quarters."""

    def rollup_mark(self, partition: int) -> RollupMark:
        """Return how far the rollups follow a partition."""

    def changed_buckets(self, marks: Mapping[int, int], after: Bucket, limit: int) -> list[Bucket]:
        """Return the quarters of sessions, and of amounts, that changed beyond the mark of their partition.

        They are the first that follow ``after``, in order and ``limit`` at most: a caller reads them page by page.
        """

    def forget_sessions(self, sessions: Sequence[SessionKey]) -> None:
        """Delete what is derived from these sessions; their facts stay."""

    def forget_buckets(self, quarters: Sequence[Bucket], days: Sequence[Bucket]) -> None: ...

    def kept_sessions(self, partition: int) -> list[SessionKey]:
        """Return the sessions of a partition whose state is kept."""

    def kept_state(self, partition: int, session: SessionKey, below: int) -> bytes | None:
        """Return the kept state of a session, frozen. None: there is none, or it holds a fact at ``below`` or above."""

    def facts(self, sessions: Sequence[SessionKey], below: int, since: int = 0) -> list[FactRow]:
        """Return the facts of these sessions at offsets ``[since, below)``: each id once, a session's in log order."""

    def session_facts(self, sessions: Sequence[SessionKey], upto: int) -> Iterator[SessionFact]:
        """Yield what derivations need of these sessions' facts up to offset ``upto``: each id once, in log order.

        Sessions come one after the other. Rows are read as they are consumed, so a long history takes little memory.
        """

    def holes(self, partition: int, start: int, stop: int) -> list[tuple[int, int]]:
        """Return the ranges of ``[start, stop)`` that have no receipt. Memory is linear in ``stop - start``."""

    def dense_mark(self, partition: int) -> DenseMark:
        """Return below which offset all receipts are known to be there, and where they end."""

    def forget_dense_mark(self, partition: int) -> None: ...

    def offsets_of(self, partition: int, sessions: Sequence[SessionKey], start: int, stop: int) -> list[int]:
        """Return the offsets in ``[start, stop)`` whose receipts are of these sessions, in order."""

    def recent_outcomes(self, partition: int, count: int) -> list[bool]:
        """Return for each receipt at the last ``count`` positions, the oldest first, whether it is dead."""

    def last_receipt(self, partition: int) -> StoredReceipt | None:
        """Return the receipt with the highest offset, if there is any."""

    def erased(self, partition: int) -> list[SessionKey]:
        """Return what is erased in a partition: sessions, and whole orgs (as their session `NO_ID`)."""

    def erase(self, partition: int, offset: int, record: RecordsErased) -> None:
        """Replace what this record at ``offset`` erases in a partition by empty rows; may be repeated."""

    def erased_positions(self, partition: int) -> list[ErasedPosition]:
        """Return which records of sessions that go on without them are erased in a partition."""

    def erase_positions(self, partition: int, offset: int, record: PositionsErased) -> None:
        """Note what this record at ``offset`` erases, of what has a receipt; may be repeated."""

    def starts(self, sessions: Sequence[SessionKey], offset: int) -> list[tuple[SessionKey, int]]:
        """Return in which quarters of an hour (s since 1970) these sessions start, in rows not above an offset."""

    def hide_older(self, partition: int, offset: int, sessions: Sequence[SessionKey]) -> None:
        """Replace the rows of these sessions that are not above an offset by empty ones; may be repeated."""

    def generation(self) -> Generation:
        """Return this generation, and what it was made with."""

    def prices(self) -> ReadPrices:
        """Return every price that was ever loaded."""


# Named in every insert: tables may have columns that this code does not know, or that the store fills in.
COLUMNS = {table: row.__struct_fields__ for table, row in ROWS.items()}
OF_SESSIONS = ("sessions", "amounts", "tasks", "session_states", "compactions", "analyses")  # derived, by session
# What names a row of a session.
KEYS = {
    "sessions": "org_id, started_hour, session_id",
    "amounts": "org_id, bucket, session_id",
    "tasks": "org_id, session_id, kind, task_id",
    "compactions": "org_id, session_id, compaction_id",
    "analyses": "org_id, session_id",
}
# The facts of a batch have different keys, so the store need not look for equal ones: a quarter of an insert. Other
# tables are read more often, and reads of a part without equal keys are faster.
_HOW_TO_INSERT = {"facts": {"optimize_on_insert": 0}}
_AS_BYTES = {"fact": "bytes", "state": "bytes", "parsed": "bytes"}  # the columns of answers that aren't text


class ClickHouseWarehouse:
    """`Warehouse` over clickhouse-connect, one connection per thread."""

    def __init__(
        self,
        connect: Callable[[], Client],
        control: str,
        generation: str,
        embedded: bool = False,
        replicated: bool = False,
    ) -> None:
        """``connect`` makes a client on the generation's database; ``control`` is the database that lists generations.

        ``embedded``: the engine is in this process. ``replicated``: the store has several servers, and each catches up
        with the others before it answers, since everything that is read here decides what is written.
        """
        self._embedded, self._replicated = embedded and AVAILABLE, replicated
        self._connect, self._control, self._generation = connect, control, generation
        self._local = threading.local()

    def insert(self, table: str, rows: Rows) -> None:
        settings = _HOW_TO_INSERT.get(table, {})
        if not self._embedded:
            # One block: each of many small writes would wait for the interpreter's lock.
            block = rows if isinstance(rows, bytes) else b"".join(rows)
            self._call(lambda client: client.raw_insert(table, COLUMNS[table], block, settings, "RowBinary"))
            return
        # Through a file in memory: the client would join 60 MB a batch and write them to a disk first.
        file: MemoryFile | None = getattr(self._local, "file", None)
        if file is None:
            file = self._local.file = MemoryFile()
        file.replace([rows] if isinstance(rows, bytes) else rows)
        into = f"{table} ({', '.join(COLUMNS[table])})"
        # In the statement: given with the call, the engine's client would set and reset them for its connection.
        how = "".join(f" SETTINGS {name} = {value}" for name, value in settings.items())  # there is at most one
        self._command(f"INSERT INTO {into} FROM INFILE '{file.path}'{how} FORMAT RowBinary", {})

    def refresh_rollups(self, quarters: Iterable[Bucket]) -> None:
        touched = sorted(set(quarters))
        for some in cut_to_size(touched):
            hours = sorted({(org, start // HOUR_S * HOUR_S) for org, start in some})
            self._command(rollups_of("quarters"), {"seconds": QUARTER_S, "buckets": some, "hours": hours})
        for days in cut_to_size(sorted(set(map(day_of, touched)))):
            self._command(rollups_of("days"), {"seconds": DAY_S, "buckets": days})

    def rollup_mark(self, partition: int) -> RollupMark:
        rows = self._query("rollup_mark", {"partition": partition})
        return RollupMark(*rows[0]) if rows else RollupMark()

    def changed_buckets(self, marks: Mapping[int, int], after: Bucket, limit: int) -> list[Bucket]:
        place = {"after_org": after[0], "after_bucket": after[1], "limit": limit}
        found = self._query("changed_buckets", {"partitions": [*marks], "offsets": [*marks.values()], **place})
        return [(org, start) for org, start in found]

    def forget_sessions(self, sessions: Sequence[SessionKey]) -> None:
        for table in OF_SESSIONS:
            self._command_in_parts("forget_sessions", "sessions", _bindable(sessions), table=table)

    def forget_buckets(self, quarters: Sequence[Bucket], days: Sequence[Bucket]) -> None:
        of_quarters = [(org, QUARTER_S, start) for org, start in quarters]
        self._command_in_parts("forget_buckets", "buckets", [*of_quarters, *((org, DAY_S, day) for org, day in days)])

    def kept_sessions(self, partition: int) -> list[SessionKey]:
        return [(org, session_id) for org, session_id in self._query("kept_sessions", {"partition": partition})]

    def kept_state(self, partition: int, session: SessionKey, below: int) -> bytes | None:
        org_id, session_id = session
        of = {"partition": partition, "org_id": org_id, "session_id": str(session_id), "below": below, "layout": LAYOUT}
        rows = self._query("kept_state", of)
        return rows[0][0] if rows else None

    def facts(self, sessions: Sequence[SessionKey], below: int, since: int = 0) -> list[FactRow]:
        return [FactRow(*row) for row in self._query_in_parts("facts", sessions, below=below, since=since)]

    def session_facts(self, sessions: Sequence[SessionKey], upto: int) -> Iterator[SessionFact]:
        parameters = {"upto": upto, "subject_max": SUBJECT_MAX + 1, "text_max": TEXT_MAX + 1}
        for some in cut_to_size(_bindable(sessions)):
            yield from self._session_facts({**parameters, "sessions": some})

    def _session_facts(self, parameters: dict[str, Any]) -> Iterator[SessionFact]:
        statement = sql("session_facts")
        blocks = self._call(
            lambda client: self._caught_up(client, statement).query_row_block_stream(statement, parameters=parameters)
        )
        with blocks:
            try:
                for block in blocks:
                    yield from map(SessionFact._make, block)
            except STORE_ERRORS as error:
                raise self._failed(error) from error

    def holes(self, partition: int, start: int, stop: int) -> list[tuple[int, int]]:
        place = {"partition": partition, "start": start, "stop": stop}
        ((receipts,),) = self._query("receipt_count", place)
        if receipts == stop - start:
            return []
        if not receipts:
            return [(start, stop)]
        gaps = self._rows(read_sql("store", "receipt_gaps"), {**place, "limit": stop - start})
        return [(first, end) for first, end in gaps]

    def dense_mark(self, partition: int) -> DenseMark:
        ((below, end),) = self._query("dense_mark", {"partition": partition})
        return DenseMark(below or 0, end or 0)

    def forget_dense_mark(self, partition: int) -> None:
        self._command(sql("forget_dense_mark"), {"partition": partition})

    def offsets_of(self, partition: int, sessions: Sequence[SessionKey], start: int, stop: int) -> list[int]:
        found = self._query_in_parts("offsets_of", sessions, partition=partition, start=start, stop=stop)
        return sorted({offset for (offset,) in found})

    def recent_outcomes(self, partition: int, count: int) -> list[bool]:
        rows = self._query("recent_outcomes", {"partition": partition, "count": count})
        return [bool(dead) for (dead,) in reversed(rows)]

    def last_receipt(self, partition: int) -> StoredReceipt | None:
        rows = self._query("last_receipt", {"partition": partition})
        return StoredReceipt(*rows[0]) if rows else None

    def erased(self, partition: int) -> list[SessionKey]:
        return [(org, session_id) for org, session_id in self._query("erased", {"partition": partition})]

    def erase(self, partition: int, offset: int, record: RecordsErased) -> None:
        self.insert("erased", encode_rows(erased_rows(partition, offset, record)))
        place = {"partition": partition, "offset": offset}
        if not record.sessions:
            said = {"erasure": record.erasure, "requested_at": record.received_at, "reason": record.reason}
            of_org = {"org_id": record.org_id, "at_once": record.now}
            self._command(sql("erase_sessions_of_org"), {**place, **of_org, **said})
        for name in ("erase_sessions", "erase_amounts"):
            self._command(sql(name), place)

    def erased_positions(self, partition: int) -> list[ErasedPosition]:
        return [ErasedPosition(*row) for row in self._query("erased_positions", {"partition": partition})]

    def erase_positions(self, partition: int, offset: int, record: PositionsErased) -> None:
        said = {"erasure": record.erasure, "requested_at": record.received_at, "reason": record.reason}
        of_record = {"partition": partition, "offset": offset, "org_id": record.org_id, "at_once": record.now, **said}
        for some in cut_to_size(record.offsets):
            self._command(sql("erase_positions"), {**of_record, "offsets": some})

    def starts(self, sessions: Sequence[SessionKey], offset: int) -> list[tuple[SessionKey, int]]:
        found = self._query_in_parts("starts", sessions, offset=offset)
        return [((org, session_id), quarter) for org, session_id, quarter in found]

    def hide_older(self, partition: int, offset: int, sessions: Sequence[SessionKey]) -> None:
        for table in KEYS:
            for some in cut_to_size(_bindable(sessions)):
                self._command(hide_older(table), {"partition": partition, "offset": offset, "sessions": some})

    def delete_erased(self) -> int:
        """Begin to delete what is left of sessions that are hidden; return of how many sessions there was anything."""
        found = self._left_of_sessions()
        for table, left in found.items():
            self._command_in_parts(f"delete_erased{_suffix(table)}", "sessions", _bindable(left), table=table)
        positions = self._left_of_positions()
        for table, rows in positions.items():
            self._delete_positions(table, rows)
        return len(set().union(*found.values(), *map(_sessions_of, positions.values())))

    def left_of_erased(self) -> dict[str, list[SessionKey]]:
        """Return by table which sessions still have rows that are hidden."""
        positions = self._left_of_positions()
        positions["tasks"] += self._empty_tasks()
        return {
            table: sorted({*left, *_sessions_of(positions[table])}) for table, left in self._left_of_sessions().items()
        }

    def delete_empty_tasks(self) -> None:
        """Begin to delete the empty rows of tasks: their ids are a client's text. What they replace must be deleted."""
        rows = self._empty_tasks()
        for offset in {offset for *_, offset in rows}:
            some = [(org, session_id) for org, session_id, at in rows if at == offset]
            self._command_in_parts("delete_empty_tasks", "sessions", _bindable(some), offset=offset)

    def _empty_tasks(self) -> list[Left]:
        return [(org, session_id, offset) for org, session_id, offset in self._query("empty_tasks", {})]

    def _left_of_positions(self) -> dict[str, list[Left]]:
        """Return by table what is left of sessions that go on without some of their records."""
        return {
            table: [
                (org, session_id, offset)
                for org, session_id, offset in self._query(f"left_of_positions{_older(table)}", {"table": table})
            ]
            for table in HIDDEN
        }

    def _delete_positions(self, table: str, rows: Sequence[Left]) -> None:
        if table == "facts":
            places = [(org, str(session_id), offset) for org, session_id, offset in rows]
            self._command_in_parts("delete_positions", "places", places)
            return
        for offset in {offset for *_, offset in rows}:
            some = [(org, session_id) for org, session_id, at in rows if at == offset]
            self._command_in_parts("delete_positions_older", "sessions", _bindable(some), table=table, offset=offset)

    def _left_of_sessions(self) -> dict[str, list[SessionKey]]:
        return {
            table: [
                (org, session_id)
                for org, session_id in self._query(f"left_of_erased{_suffix(table)}", {"table": table})
            ]
            for table in HIDDEN
        }

    def first_erasures(self, partition: int) -> dict[SessionKey, int]:
        """Return the offset of the first erasure of what is erased in a partition; see `Warehouse.erased`."""
        found = self._query("first_erasures", {"partition": partition})
        return {(org, session_id): int(offset) for org, session_id, offset in found}

    def parts_with_deleted(self) -> frozenset[tuple[str, str]]:
        """Return the parts on the disk that hold rows that were deleted, by table.

        Parts that a merge has replaced are not among them: a sweep waits for those that were there before it.
        """
        return frozenset((table, name) for table, name in self._query("masked_parts", {"tables": [*HIDDEN]}))

    def apply_deletes(self) -> None:
        """Begin to write the parts of these tables anew without the deleted rows."""
        for table in HIDDEN:
            self._command(sql("apply_deletes"), {"table": table})

    def unfinished(self) -> list[tuple[str, str]]:
        """Return the table of each delete that is in progress, and why it failed last."""
        return [(table, reason) for table, reason in self._query("unfinished", {})]

    def old_parts(self) -> frozenset[tuple[str, str]]:
        """Return the parts that were replaced, but are still on the disk, by table."""
        return frozenset((table, name) for table, name in self._query("old_parts", {"tables": [*HIDDEN]}))

    def erased_below(self) -> dict[int, int]:
        """Return by partition the offset after its last erasure that is hidden."""
        found = self._query("erased_below", {})
        return {int(partition): int(below) for partition, below in found}

    def unswept(self) -> Unswept:
        """Return for how long something has been erased that no sweep has removed yet."""
        ((seconds, at_once),) = self._query("unswept", {})
        return Unswept(float(seconds), bool(at_once))

    def uncertified_s(self, clean_below: Sequence[int]) -> float:
        """Return for how long something has been erased beyond these offsets, by partition; 0 if there is nothing."""
        ((seconds,),) = self._query("uncertified_s", {"clean_below": list(clean_below)})
        return float(seconds)

    def swept(self) -> SweptMarks:
        """Return below which offsets the erasures of each partition are swept."""
        ((partitions, below, at_us, now_us),) = self._query("swept", {})
        return SweptMarks(dict(zip(partitions, below, strict=True)), int(at_us), int(now_us))

    def note_swept(self, below: Mapping[int, int]) -> None:
        """Note that nothing is left of what the erasures below these offsets erase."""
        if below:
            self.insert("swept", encode_rows(SweptRow(*mark) for mark in below.items()))

    def parts(self) -> dict[str, TableParts]:
        return {str(table): TableParts(parts, size) for table, parts, size in self._query("parts", {})}

    def generation(self) -> Generation:
        rows = self._query("generation", {"control": self._control, "name": self._generation})
        if not rows:
            raise Broken(f"generation {self._generation} is not provisioned: run `crewkit-sessions provision` first")
        return Generation(*rows[0])

    def prices(self) -> ReadPrices:
        found: ReadPrices | None = self._call(lambda client: read_prices(client, self._control))
        if found is None:
            raise Broken("there is no price list: run `crewkit-sessions provision` first")
        return found

    def _command_in_parts(self, name: str, of: str, keys: Sequence[Any], **parameters: str | int) -> None:
        """Run a statement for all ``keys``, as its parameter ``of``."""
        for some in cut_to_size(keys):
            self._command(sql(name), {**parameters, of: some})

    def _query_in_parts(self, name: str, sessions: Sequence[SessionKey], **parameters: int) -> Iterator[Sequence[Any]]:
        for some in cut_to_size(_bindable(sessions)):
            yield from self._query(name, {**parameters, "sessions": some})

    def _command(self, statement: str, parameters: dict[str, Any]) -> None:
        """Send parameters in the body: the client's `command` puts them in the URL, where proxies allow 8 KiB."""
        self._call(lambda client: self._caught_up(client, statement).raw_query(statement, parameters=parameters))

    def _query(self, name: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
        return self._rows(sql(name), parameters)

    def _rows(self, statement: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
        rows: Sequence[Sequence[Any]] = self._call(
            lambda client: (
                self._caught_up(client, statement)
                .query(statement, parameters=parameters, column_formats=_AS_BYTES)
                .result_rows
            )
        )
        return rows

    def _caught_up(self, client: Client, statement: str) -> Client:
        if self._replicated:
            catch_up(client, statement)
        return client

    def _call(self, use: Callable[[Client], Any]) -> Any:
        try:
            client: Client | None = getattr(self._local, "client", None)
            if client is None:
                client = self._local.client = self._connect()
            return use(client)
        except STORE_ERRORS as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> Exception:
        if isinstance(error, OperationalError):
            self._local.client = None  # the next call connects again
        return classify(error)


def _suffix(table: str) -> str:
    """Return the end of the name of the statements about what is left in a table."""
    return "_replaced" if table in REPLACED else ""


def _older(table: str) -> str:
    """Return the end of the name of the statements about sessions that go on without some of their records."""
    return "" if table == "facts" else "_older"


def _sessions_of(rows: Iterable[Left]) -> set[SessionKey]:
    return {(org, session_id) for org, session_id, _ in rows}


def erased_rows(partition: int, offset: int, record: RecordsErased) -> list[ErasedRow]:
    """Return what a record erases: its sessions, or its org."""
    place, request = (partition, offset, record.org_id), (record.erasure, record.received_at, record.reason)
    sessions = record.sessions or (NO_ID,)
    return [ErasedRow(*place, session_id, *request, at_once=record.now) for session_id in sessions]


def day_of(bucket: Bucket) -> Bucket:
    """Return the day of an org's bucket: its start in Unix seconds, UTC."""
    org, start = bucket
    return org, start // DAY_S * DAY_S


def sql(name: str) -> str:
    return read_sql("processors.sql", name)


def rollups_of(of: str) -> str:
    """Return the statement that computes the rollups of ``quarters`` or ``days``."""
    return sql("rollups.template").replace("{{parts}}", sql(f"rollup_parts_of_{of}"))


def hide_older(table: str) -> str:
    """Return the statement that replaces older rows of a table by empty ones."""
    # The row of a session stays in the quarter of an hour whose rollup counts its version.
    start = "toDateTime64(toStartOfFifteenMinutes(argMax(sessions.started_at, version)), 3, 'UTC'),\n    "
    columns, values = ("started_at, ", start) if table == "sessions" else ("", "")
    parts = {"table": table, "key": KEYS[table], "columns": columns, "values": values}
    text = sql("hide_older.template")
    for name, part in parts.items():
        text = text.replace(f"{{{{{name}}}}}", part)
    return text


def _bindable(sessions: Iterable[SessionKey]) -> list[tuple[str, str]]:
    return [(org, str(session_id)) for org, session_id in sessions]
