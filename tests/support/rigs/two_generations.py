"""One log in two generations of one store: each test then makes the second one wrong."""

import asyncio
from collections.abc import Sequence
from typing import Any

import clickhouse_connect

from audit.prove.proof import Proof
from audit.prove.prove import Prove
from audit.prove.sides import Pause
from processors.fold.fold import FOLD_VERSION
from processors.warehouse import ClickHouseWarehouse
from query_api.reader import ClickHouseReader
from runtime.projector import make_warehouse
from schemas.log.position import LogRecord
from store.generations import Generation
from store.migrate import migrate
from store.sql import read_sql
from tests.support.rigs.projection import new_pipeline, settle
from tests.support.rigs.store import TABLES, TestStore

LIVE, PROVED = "g1", "g2"


class TwoGenerations:
    """A store whose live generation is g1, with the tables of g2 beside it."""

    def __init__(self, store: TestStore) -> None:
        self.store = store
        migrate(store.address, store.address.database(PROVED), "generation")
        self._begin(PROVED)
        control = store.address.control
        store.client.command(
            f"INSERT INTO {control}.generations (name, event, fold_version, prices_sha256, partitions)"
            f" SELECT '{PROVED}', event, fold_version, prices_sha256, partitions FROM {control}.generations"
            f" WHERE name = '{LIVE}' AND event = 'created'"
        )
        self.reader = ClickHouseReader(self._client, store.address.control)
        self.progress: list[tuple[float, str]] = []

    def warehouse(self, generation: str) -> ClickHouseWarehouse:
        """Return a new warehouse on one of the two."""
        return make_warehouse(self.store.address, generation)

    async def project(self, records: Sequence[LogRecord], *generations: str) -> None:
        """Project records into both generations, or into some, and report the progress."""
        for name in generations or (LIVE, PROVED):
            pipeline = new_pipeline(self.store, records, warehouse=self.warehouse(name))
            await pipeline.project(records)
            await settle(pipeline)
            self.alter(
                "INSERT INTO {db}.progress SELECT log_partition, max(log_offset) + 1, max(log_offset) + 1, 0"
                " FROM {db}.receipts GROUP BY log_partition",
                name,
            )

    async def prove(self, generation: str = PROVED, live: str = LIVE, pause: Pause | None = None) -> Proof:
        """Prove a generation; without ``pause`` a second reading follows at once."""
        proved, other = (Generation(name, self.store.partitions, FOLD_VERSION) for name in (generation, live))
        self.progress.clear()
        return await Prove(self.reader, proved, other, lambda *step: self.progress.append(step), pause or _yield).run()

    def alter(self, statement: str, generation: str = PROVED) -> None:
        """Make a generation wrong; ``{db}`` in the statement is its database."""
        self.store.client.command(statement.replace("{db}", self.store.address.database(generation)))

    def rows(self, sql: str, generation: str = PROVED) -> list[tuple[Any, ...]]:
        """Return the rows of a query; ``{db}`` in it is the generation's database."""
        database = self.store.address.database(generation)
        return [tuple(row) for row in self.store.client.query(sql.replace("{db}", database)).result_rows]

    def empty(self) -> None:
        """Empty both generations."""
        for name in (LIVE, PROVED):
            for table in (*TABLES, "progress", "dense_receipts"):
                self.alter(f"TRUNCATE TABLE {{db}}.{table}", name)
            self._begin(name)

    def end(self) -> None:
        """Drop the second generation; the store drops itself."""
        self.reader.close()
        self.store.client.command(f"DROP DATABASE IF EXISTS {self.store.address.database(PROVED)} SYNC")

    def _begin(self, generation: str) -> None:
        first = {"database": self.store.address.database(generation), "partitions": self.store.partitions}
        for name in ("first_rollup_progress", "first_progress"):
            self.store.client.command(read_sql("store", name), parameters=first)

    def _client(self) -> Any:
        return clickhouse_connect.get_client(**self.store.address.at("default"), tz_mode="aware")


async def _yield() -> None:
    await asyncio.sleep(0)
