"""A runner that stops during the write of a batch still finishes the write."""

import asyncio
import contextlib

from store.connect import WRITE, connect
from tests.support.rigs.projection import SlowWarehouse, new_pipeline
from tests.support.rigs.store import TestStore
from tests.support.strategies import log_of, one_event


async def test_who_waits_for_a_write_may_be_cancelled_and_the_write_goes_on(store: TestStore) -> None:
    """SIGTERM cancels the waiting loop; the next waiter still sees the write complete."""
    options = store.address.at(store.database)
    warehouse = SlowWarehouse(lambda: connect(WRITE, **options), store.address.control, "g1")
    log = log_of([one_event(n) for n in range(3)])
    pipeline = new_pipeline(store, log, warehouse=warehouse)
    await pipeline.project(log)
    waiting = asyncio.create_task(pipeline.drain())
    await asyncio.sleep(0)  # now it is waiting

    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting

    await pipeline.drain()
    assert store.rows("SELECT count() AS n FROM {db}.receipts FINAL") == [{"n": 3}]
