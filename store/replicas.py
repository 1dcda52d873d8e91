"""Several ClickHouse servers that hold the same tables as replicas of each other.

A process uses one of them at a time: the first that answers, in the order of `STORE_URL`, until it fails. Three rules
make that safe, whichever replica each process uses:

* Every INSERT waits until a majority of the replicas has it, so the loss of one replica loses no data.
* A process that reads a table in order to write synchronises it first (`SYSTEM SYNC REPLICA … LIGHTWEIGHT`), so the
  replica has everything that was inserted before, by any process through any replica.
* A reader synchronises its tables after it has read how far they are projected, and when it switches to another
  replica. Replicas copy each table separately, so a lagging one would show less than it claims.
"""

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from clickhouse_connect.driver.client import Client

from store.client_errors import STORE_ERRORS, verdict_of_error
from store.codes import Verdict

C = TypeVar("C")
_WRITE_SETTINGS: Mapping[str, object] = {
    "insert_quorum_timeout": 60_000,  # ms. The default, 10 minutes, is longer than a client waits for its response
    "insert_quorum_parallel": 1,  # 0 would refuse a second INSERT into the same table
    "lightweight_deletes_sync": 1,  # the default waits for every replica, even one that is away
    "distributed_ddl_output_mode": "throw_only_active",  # an absent replica creates its tables when it is back
}
_ENGINE = re.compile(r"^ENGINE = ((?:Replacing)?MergeTree)", re.MULTILINE)
_READ = re.compile(r"\bFROM (\w+)")
# These tables state how far the others are, so a reader that has read one of them must synchronise all.
_CLAIMS = frozenset({"progress", "rollup_progress", "dense_receipts"})
_TABLES = """
SELECT name FROM system.tables WHERE database = {database:String} AND engine LIKE 'Replicated%' ORDER BY name
"""


class Host(NamedTuple):
    name: str
    port: int


class Replicas:
    """The servers, and the one in use. May be used from any thread."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self.hosts = tuple(hosts)
        self.changes = 0  # how often the server in use changed
        self._used = 0
        self._lock = threading.Lock()

    @property
    def majority(self) -> int:
        """The smallest number of servers that is more than half."""
        return len(self.hosts) // 2 + 1

    def connect(self, make: Callable[[Host], C]) -> C:
        """Return what ``make`` returns for the server in use or, if that one is away, for the first that answers.

        If none answers, raises the error for the server in use. A refusal is raised at once.
        """
        away: list[Exception] = []
        used = self._used  # another thread may change it meanwhile
        for number in [used, *(number for number in range(len(self.hosts)) if number != used)]:
            try:
                made = make(self.hosts[number])
            except STORE_ERRORS as error:
                if verdict_of_error(error) is not Verdict.PASSES:
                    raise
                away.append(error)
                continue
            with self._lock:
                if number != self._used:
                    self._used, self.changes = number, self.changes + 1
            return made
        raise away[0]


def write_settings(replicas: Replicas) -> Mapping[str, object]:
    """Return the settings that a writer sends with each statement.

    The quorum is a number, not `auto`. With one replica, `auto` waits for a second one until the time-out (26.9). It
    also counts permanently removed replicas for as long as Keeper knows their names.
    """
    return {"insert_quorum": replicas.majority, **_WRITE_SETTINGS}


def replicated(ddl: str) -> str:
    """Return a DDL statement with Replicated engines. A Replicated database supplies their arguments."""
    return _ENGINE.sub(r"ENGINE = Replicated\1", ddl)


def catch_up(client: Client, statement: str) -> None:
    """Wait until the replica has everything inserted, through any replica, into the tables that a statement reads."""
    for table in tables_read(statement):
        client.command(f"SYSTEM SYNC REPLICA {table} LIGHTWEIGHT")


def catch_up_all(client: Client, database: str) -> None:
    """Wait until the replica has everything inserted into the tables of a database."""
    for (table,) in client.query(_TABLES, {"database": database}).result_rows:
        client.command(f"SYSTEM SYNC REPLICA {database}.{table} LIGHTWEIGHT")


def is_claim(statement: str) -> bool:
    """Return whether a statement reads a table that states how far others are."""
    return not _CLAIMS.isdisjoint(tables_read(statement))


def tables_read(statement: str) -> list[str]:
    """Return the tables of the current database that a statement reads, sorted by name."""
    return sorted(set(_READ.findall(statement)) - {"system"})
