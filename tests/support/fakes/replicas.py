"""Three in-memory replicas of a store: each copies every table separately, in any order, and may lag indefinitely.

`ReplicaView` follows the rules of `store.replicas`: a write waits for a majority, and a read first waits for all
inserts into its tables. Each mutant breaks one of these rules.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from processors.warehouse import KEYS, OF_SESSIONS, Bucket, Rows, SessionKey, rollups_of, sql
from schemas.log.records import PositionsErased, RecordsErased
from schemas.store.rows import DAY_S, QUARTER_S
from store.errors import StoreUnavailable
from store.replicas import tables_read
from store.sql import read_sql
from tests.support.fakes.warehouse import SHAPES, FakeWarehouse

S = TypeVar("S")
COPIES = 3
_STATEMENTS = {"holes": (sql("receipt_count"), read_sql("store", "receipt_gaps"))}
_WITHOUT = ("generation", "prices", "decode")  # they read the control database, or nothing


class Change(NamedTuple):
    """One entry of a table's log: rows that were inserted, or a condition under which rows were deleted."""

    rows: Sequence[Any] = ()
    is_deleted: Callable[[Any], bool] | None = None


class Replicas:
    """The tables' logs, and the entries that each replica has fetched. ``all`` is their union."""

    def __init__(self, everything: FakeWarehouse, partitions: int) -> None:
        self.all = everything
        self._partitions = partitions
        self._logs: dict[str, list[Change]] = {table: [] for table in SHAPES}
        self.copies = [FakeWarehouse(partitions) for _ in range(COPIES)]
        self._fetched: list[dict[str, set[int]]] = [self._nothing() for _ in range(COPIES)]
        self._replaced = 0

    def write(self, host: int, table: str, change: Change, quorum: bool) -> None:
        """Change a table on one replica, and on a second one if a majority is required."""
        self._logs[table].append(change)
        number = len(self._logs[table]) - 1
        self._apply(self.all, table, number, set(range(number)))
        self.fetch(host, table, number)
        if quorum:
            self.fetch((host + 1) % COPIES, table, number)

    def fetch(self, host: int, table: str, number: int) -> None:
        """Copy one entry of a log to a replica, in any order."""
        fetched = self._fetched[host][table]
        if number not in fetched:
            self._apply(self.copies[host], table, number, fetched)
            fetched.add(number)

    def fetch_some(self, host: int, nth: int) -> None:
        """Copy an entry that a replica lacks, if there is any."""
        fetched = self._fetched[host]
        lacking = [(table, n) for table, log in self._logs.items() for n in range(len(log)) if n not in fetched[table]]
        if lacking:
            self.fetch(host, *lacking[nth % len(lacking)])

    def synchronise(self, host: int, table: str) -> None:
        """Copy all of a table's log that still exists."""
        for number in range(len(self._logs[table])):
            self.fetch(host, table, number)

    def lose(self, host: int) -> None:
        """Replace a replica with an empty one, once the previous one is complete. An entry that only it had is lost."""
        for table in SHAPES:
            self.synchronise(self._replaced, table)
        self._replaced = host
        self._fetched[host], self.copies[host] = self._nothing(), FakeWarehouse(self._partitions)
        for table, log in self._logs.items():
            for number in range(len(log)):
                if not any(number in fetched[table] for fetched in self._fetched):
                    log[number] = Change()
        self.all.tables = FakeWarehouse(self._partitions).tables
        for table, log in self._logs.items():
            for number in range(len(log)):
                self._apply(self.all, table, number, set(range(number)))

    def _apply(self, store: FakeWarehouse, table: str, number: int, fetched: set[int]) -> None:
        """Apply an entry. A deletion that arrives early also applies to rows inserted before it in the log."""
        log, change = self._logs[table], self._logs[table][number]
        later = [log[n].is_deleted for n in fetched if n > number]
        store.put(table, [row for row in change.rows if not any(gone and gone(row) for gone in later)])
        if change.is_deleted:
            kept = {key: row for key, row in store.tables[table].items() if not change.is_deleted(row)}
            store.tables[table].clear()
            store.tables[table].update(kept)

    def _nothing(self) -> dict[str, set[int]]:
        return {table: set() for table in SHAPES}


class ReplicaView:
    """A process's access to the replicas: a worker's `Warehouse`, on the replica that it uses."""

    quorum = True  # whether a write waits for a majority

    def __init__(self, replicas: Replicas, host: int) -> None:
        self._replicas, self.host = replicas, host
        self._connections = 0

    def use(self, host: int) -> None:
        """Use another replica; calls on the previous one get no answer."""
        self.host = host
        self._connections += 1

    @property
    def copy(self) -> FakeWarehouse:
        """The replica in use."""
        return self._replicas.copies[self.host]

    @property
    def tables(self) -> dict[str, dict[Any, Any]]:
        """The tables of the replica in use."""
        return self.copy.tables

    def insert(self, table: str, rows: Rows) -> None:
        self.put(table, self.copy.decode(table, rows))

    def put(self, table: str, rows: Iterable[Any]) -> None:
        self._replicas.write(self.host, table, Change(list(rows)), self.quorum)

    def catch_up(self, tables: Iterable[str]) -> None:
        """Wait until the replica has all inserts into these tables."""
        for table in tables:
            self._replicas.synchronise(self.host, table)

    def catch_up_all(self) -> None:
        """Wait until the replica has all inserts into any table."""
        self.catch_up(SHAPES)

    def refreshing(self, quarters: Iterable[Bucket]) -> Iterator[None]:
        """Refresh the rollups. Other writes may come between any two of its steps."""
        touched = sorted(set(quarters))
        days = sorted({(org, start // DAY_S * DAY_S) for org, start in touched})
        yield from self._while_connected(self._refreshing(touched, days))

    def _while_connected(self, steps: Iterator[S]) -> Iterator[S]:
        connection = self._connections
        for step in steps:
            yield step
            if self._connections != connection:
                raise StoreUnavailable("the replica that was asked is not there any more")

    def _refreshing(self, quarters: Sequence[Bucket], days: Sequence[Bucket]) -> Iterator[None]:
        self.catch_up(tables_read(rollups_of("quarters")))
        yield
        of_quarters = self.copy.read_quarters(quarters)
        yield
        self.put("rollups", of_quarters)
        yield
        self.catch_up(tables_read(rollups_of("days")))
        yield
        of_days = self.copy.read_days(days)
        yield
        self.put("rollups", of_days)

    def forget_sessions(self, sessions: Sequence[SessionKey]) -> None:
        for table in OF_SESSIONS:
            self._delete(table, lambda row: (row.org_id, row.session_id) in sessions)

    def forget_buckets(self, quarters: Sequence[Bucket], days: Sequence[Bucket]) -> None:
        gone = {(org, QUARTER_S, start) for org, start in quarters} | {(org, DAY_S, start) for org, start in days}
        self._delete("rollups", lambda row: (row.org_id, row.seconds, row.bucket) in gone)

    def erasing(self, partition: int, offset: int, record: RecordsErased) -> Iterator[tuple[str, list[Any]]]:
        """Yield the rows that an erasure writes, table by table. Other writes may come between any two."""
        yield from self._while_connected(self._erasing(partition, offset, record))

    def _erasing(self, partition: int, offset: int, record: RecordsErased) -> Iterator[tuple[str, list[Any]]]:
        self.catch_up(("erased", "sessions", "amounts"))
        for step in self.copy.erasing(partition, offset, record):
            yield step
            self.catch_up(("erased", "sessions", "amounts"))

    def erase_positions(self, partition: int, offset: int, record: PositionsErased) -> None:
        self.catch_up(("receipts",))
        self.copy.erase_positions(partition, offset, record)
        rows = list(self.copy.tables["erased_positions"].values())
        self.put(
            "erased_positions", [row for row in rows if (row.log_partition, row.log_offset) == (partition, offset)]
        )

    def hiding(self, partition: int, offset: int, sessions: Sequence[SessionKey]) -> Iterator[tuple[str, list[Any]]]:
        """Yield the rows that `hide_older` writes, table by table. Other writes may come between any two."""

        def steps() -> Iterator[tuple[str, list[Any]]]:
            self.catch_up(tuple(KEYS))
            for step in self.copy.hiding(partition, offset, sessions):
                yield step
                self.catch_up(tuple(KEYS))

        yield from self._while_connected(steps())

    def forget_dense_mark(self, partition: int) -> None:
        self._delete("dense_receipts", lambda row: row.log_partition == partition)

    def __getattr__(self, question: str) -> Callable[..., Any]:
        """Return a method that reads."""

        def ask(*args: Any) -> Any:
            if question not in _WITHOUT:
                for statement in _STATEMENTS.get(question) or (sql(question),):
                    self.catch_up(tables_read(statement))
            return getattr(self.copy, question)(*args)

        return ask

    def _delete(self, table: str, is_deleted: Callable[[Any], bool]) -> None:
        self._replicas.write(self.host, table, Change(is_deleted=is_deleted), self.quorum)
