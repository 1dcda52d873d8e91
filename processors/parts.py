"""Counts the parts of each table at intervals. They are the first sign of too many small inserts, and show growth."""

import asyncio
import contextlib
from collections.abc import Mapping

from processors.warehouse import ClickHouseWarehouse, TableParts
from store.errors import StoreUnavailable

LOOK_EVERY_S = 30.0


class Parts:
    """The active parts of each table, as of the last look at which the store answered."""

    def __init__(self, warehouse: ClickHouseWarehouse) -> None:
        self._warehouse = warehouse
        self.by_table: Mapping[str, TableParts] = {}

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look once. The pipeline reports an outage of the store."""
        with contextlib.suppress(StoreUnavailable):
            self.by_table = await asyncio.to_thread(self._warehouse.parts)
