"""A real store for tests: a store server in another process, or the ClickHouse engine in this one.

Each test gets its own databases: a control database with a unique name, and its first generation.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from prices.price_list import list_prices
from processors.warehouse import ClickHouseWarehouse
from runtime.operations.provision_store import provision_store
from runtime.services.projector import make_warehouse
from store.address import StoreAddress
from store.connect import WRITE, connect
from store.generations import FIRST_GENERATION, begin_progress

TABLES = (
    *("facts", "sessions", "amounts", "tasks", "compactions", "analyses", "rollups"),
    *("receipts", "dead_letters", "erased", "erased_positions"),
)

Options = dict[str, Any]


def seen(table: str, database: str = "") -> str:
    """Return a query for the rows of a table as readers see them, without the time of the write."""
    columns = "* EXCEPT stored_at" if table == "receipts" else "*"
    return f"SELECT {columns} FROM {f'{database}.' if database else ''}{table} FINAL"


class TestStore:
    """One provisioned set of databases."""

    __test__ = False

    def __init__(self, address: StoreAddress, partitions: int) -> None:
        self.address, self.partitions = address, partitions
        self.client = connect(WRITE, **address.at("default"))
        provision_store(address, partitions, list_prices())
        self.client.database = self.database = address.database(FIRST_GENERATION)

    def warehouse(self) -> ClickHouseWarehouse:
        """Return a new warehouse for the first generation."""
        return make_warehouse(self.address, FIRST_GENERATION)

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the rows of a query; ``{db}`` in it is the generation's database."""
        result = self.client.query(sql.replace("{db}", self.database), parameters=parameters)
        return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]

    def empty(self) -> None:
        """Delete everything that was projected or reported: the generation is as it was provisioned."""
        for table in (*TABLES, "swept", "session_states", "rollup_progress", "dense_receipts", "progress"):
            self.client.command(f"TRUNCATE TABLE {self.database}.{table}")
        begin_progress(self.client, self.database, self.partitions)

    def drop(self) -> None:
        """Remove the databases."""
        self.client.database = "default"  # a server runs nothing in a missing database
        for database in (self.database, self.address.control):
            self.client.command(f"DROP DATABASE IF EXISTS {database} SYNC")
        self.client.close()


def new_address(engine: Options) -> StoreAddress:
    """Return the address of a new control database in the engine with these client options."""
    return StoreAddress(engine, f"t_{uuid4().hex[:8]}")


def new_store(address: StoreAddress, partitions: int = 4) -> Iterator[TestStore]:
    """Provision a store, yield it, and drop it."""
    store = TestStore(address, partitions)
    yield store
    store.drop()
