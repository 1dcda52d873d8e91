"""The prices in the log: the port to them, and the price history that follows from them.

The control database is derived like every table, so its price history can be made again: from the list that comes with
the version, and from the records of `prices load` in the log.

A version may come with another list than the one before. Its first start, or the first `provision`, records the list
that the installation began with in the log, and so the installation keeps it. The list is recorded no earlier, because
a log must be empty until the first write: an archive is imported into an empty one.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import uuid4

from clickhouse_connect.driver.client import Client
from msgspec import structs

from schemas.log.records import PricesLoaded
from schemas.pricing.logged import history_from, records_of
from schemas.pricing.price_list import FIRST_IN_LOG_US, FIRST_US, LoadedPrice, PriceList
from store.prices import add_prices, history_of


class PriceLog(Protocol):
    """The part of a log that holds prices. Every call may raise `LogUnavailable`."""

    def exists(self) -> bool:
        """Return whether the installation has a log yet."""
        ...

    def is_empty(self) -> bool:
        """Return whether the log has no record of any kind."""
        ...

    def loads(self) -> Sequence[PricesLoaded]:
        """Return the records of all loads, in log order."""
        ...

    def append(self, records: Iterable[PricesLoaded]) -> None:
        """Make records durable, in order."""
        ...


def begin_prices(client: Client, shipped: PriceList, log: PriceLog | None) -> list[str]:
    """Fill an empty history as the log says; put a history that is older than the log, or than this version, into it.

    ``client`` is on the control database. Return a line for prices that came back from the log, or went there.
    """
    history = history_of(client)
    if not history:
        return _restore(client, shipped, log.loads() if log is not None else ())
    if log is None:
        return []
    loaded = [row for row in history if row.loaded_us > FIRST_IN_LOG_US]
    if loaded and log.is_empty():
        begins = len(loaded) == len(history)
        log.append(records_of(loaded, uuid4, new_generations_only=False, begins_history=begins))
    return _record_first(client, history, shipped, log)


def _record_first(client: Client, history: Sequence[LoadedPrice], shipped: PriceList, log: PriceLog) -> list[str]:
    """Record the first list in the log, unless it is there or this version comes with it.

    The rows in the store follow the log, so after a crash in between the list is recorded twice, which adds nothing.
    """
    first = [row.price for row in history if row.loaded_us == FIRST_US]
    recorded = any(row.loaded_us == FIRST_IN_LOG_US for row in history)
    if not first or recorded or PriceList(first).sha256 == shipped.sha256:
        return []
    rows = [LoadedPrice(price, FIRST_IN_LOG_US) for price in first]
    records = records_of(rows, uuid4, new_generations_only=False, begins_history=True)
    log.append(structs.replace(record, received_at=time.time_ns() // 1_000_000) for record in records)
    add_prices(client, rows)
    return ["prices: this version comes with another list; the log now has the one that this installation began with"]


def _restore(client: Client, shipped: PriceList, loads: Sequence[PricesLoaded]) -> list[str]:
    add_prices(client, history_from(loads, shipped.prices))
    return [f"prices: {sum(len(load.prices) for load in loads)} read back from the log"] if loads else []
