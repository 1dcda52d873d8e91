"""One log in two generations of a store; each test then makes the second one wrong."""

import asyncio
from collections.abc import Sequence
from typing import Any

import clickhouse_connect

from audit.confirm import Pause
from generations.prove.proof import Proof
from generations.prove.prove import Prove
from processors.fold.fold import FOLD_VERSION
from processors.warehouse import ClickHouseWarehouse
from runtime.services.projector import make_warehouse
from schemas.log.position import LogRecord
from store.generations import Generation, begin_progress
from store.migrate import migrate
from store.reading.reader import ClickHouseReader
from tests.support.rigs.projection import new_pipeline, settle
from tests.support.rigs.store import TABLES, TestStore

LIVE, PROVED = "g1", "g2"
FILLED = (*TABLES, "progress", "rollup_progress", "dense_receipts", "session_states")
Kept = str  # the suffix of the databases that have copies


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
        self._copies: list[Kept] = []
        self._is: dict[str, Kept | None] = {}  # the copy that a generation currently equals, until it is changed

    def warehouse(self, generation: str) -> ClickHouseWarehouse:
        """Return a new warehouse on one of the two."""
        self._is[generation] = None
        return make_warehouse(self.store.address, generation)

    async def project(self, records: Sequence[LogRecord], *generations: str) -> None:
        """Project records into both generations, or into one, and report the progress."""
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
        self._is[generation] = None
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

    def keep(self) -> Kept:
        """Copy both generations as they are, for `restore`: that is cheaper than projecting them again."""
        kept = f"_kept{len(self._copies)}"
        self._copies.append(kept)
        for name in (LIVE, PROVED):
            made = self.store.address.database(name)
            self.store.client.command(f"CREATE DATABASE {made}{kept}")
            for table in FILLED:
                self.store.client.command(f"CREATE TABLE {made}{kept}.{table} AS {made}.{table}")
            self._copy(made, made + kept)
        return kept

    def restore(self, kept: Kept) -> None:
        """Restore the generations from the copies."""
        for name in (LIVE, PROVED):
            if self._is.get(name) != kept:
                made = self.store.address.database(name)
                self._copy(made + kept, made)
                self._is[name] = kept

    def end(self) -> None:
        """Drop the second generation and the copies; the store drops itself."""
        self.reader.close()
        copies = [self.store.address.database(name) + kept for kept in self._copies for name in (LIVE, PROVED)]
        for database in (self.store.address.database(PROVED), *copies):
            self.store.client.command(f"DROP DATABASE IF EXISTS {database} SYNC")

    def _copy(self, source: str, target: str) -> None:
        """Replace tables with those of another database; newer servers refuse to replace an empty partition."""
        question = f"SELECT name FROM system.tables WHERE database = '{source}' AND total_rows > 0"
        filled = {name for (name,) in self.store.client.query(question).result_rows}
        for table in FILLED:
            copied = f"ALTER TABLE {target}.{table} REPLACE PARTITION tuple() FROM {source}.{table}"
            self.store.client.command(copied if table in filled else f"TRUNCATE TABLE {target}.{table}")

    def _begin(self, generation: str) -> None:
        begin_progress(self.store.client, self.store.address.database(generation), self.store.partitions)

    def _client(self) -> Any:
        return clickhouse_connect.get_client(**self.store.address.at("default"), tz_mode="aware")


async def _yield() -> None:
    await asyncio.sleep(0)
