"""Prices in the log: the port for them, and how the price history is rebuilt from them.

The price history in the control database is derived, like every table. It can be rebuilt from the list that ships with
the version and from the records of `prices load` in the log.

A new version may ship a different list. Its first start or `provision` therefore records the list that the installation
began with in the log, so that the installation keeps it. The list is not recorded earlier: an archive can be imported
only into an empty log, so the log stays empty until the first write.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import uuid4

from msgspec import structs

from prices.logged import history_from, records_of
from prices.price_list import FIRST_IN_LOG_US, FIRST_US, LoadedPrice, PriceList
from prices.table import add_prices, history_of
from schemas.log.records import PricesLoaded
from store.connect import Client


class PriceLog(Protocol):
    """The part of a log that holds prices. Every call may raise `LogUnavailable`."""

    def exists(self) -> bool:
        """Return whether the installation has a log yet."""
        ...

    def is_empty(self) -> bool:
        """Return whether the log has no records at all."""
        ...

    def loads(self) -> Sequence[PricesLoaded]:
        """Return the records of all loads, in log order."""
        ...

    def append(self, records: Iterable[PricesLoaded]) -> None:
        """Make records durable, in order."""
        ...


def begin_prices(client: Client, shipped: PriceList, log: PriceLog | None) -> list[str]:
    """Fill an empty history from the log; add to the log a history that is older than the log or this version.

    ``client`` is on the control database. Return a line for prices that were read from the log, or added to it.
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
    """Record the first list in the log, unless it is there already or this version ships it.

    The log is written before the store, so a crash in between records the list twice, which changes nothing.
    """
    first = [row.price for row in history if row.loaded_us == FIRST_US]
    recorded = any(row.loaded_us == FIRST_IN_LOG_US for row in history)
    if not first or recorded or PriceList(first).sha256 == shipped.sha256:
        return []
    rows = [LoadedPrice(price, FIRST_IN_LOG_US) for price in first]
    records = records_of(rows, uuid4, new_generations_only=False, begins_history=True)
    log.append(structs.replace(record, received_at=time.time_ns() // 1_000_000) for record in records)
    add_prices(client, rows)
    return ["prices: this version ships a different list; the log now has the one that this installation began with"]


def _restore(client: Client, shipped: PriceList, loads: Sequence[PricesLoaded]) -> list[str]:
    add_prices(client, history_from(loads, shipped.prices))
    return [f"prices: {sum(len(load.prices) for load in loads)} read back from the log"] if loads else []
