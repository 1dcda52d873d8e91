"""The prices in the log: the port to them, and the price history that follows from them.

The control database is derived like every table, so its price history can be made again: from the list that comes with
the version, and from the records of `prices load` in the log.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import uuid4

from clickhouse_connect.driver.client import Client

from schemas.log.records import PricesLoaded
from schemas.pricing.logged import history_from, records_of
from schemas.pricing.price_list import PriceList
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
    """Fill an empty history as the log says; put a history that is older than the log into it.

    ``client`` is on the control database. Return a line for prices that came back from the log.
    """
    history = history_of(client)
    if not history:
        return _restore(client, shipped, log.loads() if log is not None else ())
    loaded = [row for row in history if row.loaded_us]
    if loaded and log is not None and log.is_empty():
        begins = len(loaded) == len(history)
        log.append(records_of(loaded, uuid4, new_generations_only=False, begins_history=begins))
    return []


def _restore(client: Client, shipped: PriceList, loads: Sequence[PricesLoaded]) -> list[str]:
    add_prices(client, history_from(loads, shipped.prices))
    return [f"prices: {sum(len(load.prices) for load in loads)} read back from the log"] if loads else []
