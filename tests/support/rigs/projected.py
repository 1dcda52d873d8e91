"""The read side on tables that the real pipeline filled."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from schemas.log.position import LogRecord
from store.reading.reader import ClickHouseReader
from tests.support.rigs.projection import new_pipeline, settle
from tests.support.rigs.query_store import QueryApi
from tests.support.rigs.store import TestStore


def project(store: TestStore, log: Sequence[LogRecord]) -> None:
    """Fill the tables from a log, like a projector."""

    async def all_of_it() -> None:
        pipeline = new_pipeline(store, log)
        await pipeline.project(list(log))
        await settle(pipeline)

    asyncio.run(all_of_it())


@contextmanager
def api_over(store: TestStore) -> Iterator[QueryApi]:
    """Return the read side over a store's live generation."""

    def connect() -> Client:
        return clickhouse_connect.get_client(**store.address.at("default"), tz_mode="aware")

    reader = ClickHouseReader(connect, store.address.control)
    try:
        yield QueryApi(reader)
    finally:
        reader.close()
