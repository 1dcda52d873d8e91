"""Prices in the log: loading prices, the records of a load, and how the price history is rebuilt from them.

A load goes into the log first, and then into the control database, with the same time. So the price history in the
control database is derived, like every table: it can be rebuilt from the list that ships with the version and from the
loads in the log.

A new version may ship a different list. Its first start or `provision` therefore records the list that the installation
began with in the log, so that the installation keeps it. The list is not recorded earlier: an archive can be imported
only into an empty log, so the log stays empty until the first write.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol
from uuid import uuid4

from msgspec import structs

from prices.price_list import FIRST_IN_LOG_US, FIRST_US, LoadedPrice, PriceList
from prices.table import accepted_rows, add_prices, history_of
from schemas.log.codec import PRICES_PER_RECORD_MAX
from schemas.log.price import Price
from schemas.log.records import PRICES_ID, VERSION, Actor, PricesLoaded
from schemas.permissions import OPERATOR_ORG
from store.client_errors import classified
from store.connect import Client
from store.errors import StoreUnavailable

COMMAND_LINE = Actor("cli", "operator")


class PriceLog(Protocol):
    """The part of a log that holds prices. Every call may raise `LogUnavailable`."""

    def exists(self) -> bool:
        """Return whether the installation has a log yet."""

    def is_empty(self) -> bool:
        """Return whether the log has no records at all."""

    def loads(self) -> Sequence[PricesLoaded]:
        """Return the records of all loads, in log order."""

    def append(self, records: Iterable[PricesLoaded]) -> None:
        """Make records durable, in order."""


def load(
    client: Client,
    log: PriceLog | None,
    wanted: Sequence[Price],
    by: Actor = COMMAND_LINE,
    *,
    new_generations_only: bool,
) -> list[LoadedPrice]:
    """Add those of ``wanted`` that are not known yet, all of them or none, and return them.

    ``client`` is on the control database. Without a ``log``, they are the first prices of an installation, and its
    first start adds them to its log. Raises `TooEarly` as `accepted_rows` does, and `StoreUnavailable` or
    `LogUnavailable`, after which the same load may be repeated.
    """
    history = history_of(client)
    rows = accepted_rows(client, history, wanted, new_generations_only=new_generations_only)
    if log is not None and rows:
        log.append(records_of(rows, by, new_generations_only=new_generations_only, begins_history=not history))
    try:
        with classified():
            add_prices(client, rows)
    except StoreUnavailable as error:
        raise StoreUnavailable(
            f"{error}; the prices are in the log, but not in the store yet: run the same command again"
        ) from error
    return rows


def begin_prices(client: Client, shipped: PriceList, log: PriceLog | None) -> list[str]:
    """Fill an empty history from the log; add to the log a history that is older than the log or this version.

    ``client`` is on the control database. Return a line for prices that were read from the log, or added to it.
    """
    history = history_of(client)
    if not history:
        loads = log.loads() if log is not None else ()
        add_prices(client, history_from(loads, shipped.prices))
        return [f"prices: {sum(len(load.prices) for load in loads)} read back from the log"] if loads else []
    if log is None:
        return []
    loaded = [row for row in history if row.loaded_us > FIRST_IN_LOG_US]
    if loaded and log.is_empty():
        log.append(records_of(loaded, begins_history=len(loaded) == len(history)))
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
    records = records_of(rows, begins_history=True)
    log.append(structs.replace(record, received_at=time.time_ns() // 1_000_000) for record in records)
    add_prices(client, rows)
    return ["prices: this version ships a different list; the log now has the one that this installation began with"]


def records_of(
    rows: Iterable[LoadedPrice], by: Actor = COMMAND_LINE, *, new_generations_only: bool = False, begins_history: bool
) -> Iterator[PricesLoaded]:
    """Yield the records for these rows, grouped by load, in the order of loading."""
    by_load: dict[int, list[Price]] = {}
    for row in sorted(rows, key=lambda row: row.loaded_us):
        by_load.setdefault(row.loaded_us, []).append(row.price)
    for loaded_us, prices in by_load.items():
        for first in range(0, len(prices), PRICES_PER_RECORD_MAX):
            yield PricesLoaded(
                v=VERSION,
                record_id=uuid4(),
                org_id=OPERATOR_ORG,
                session_id=PRICES_ID,
                actor=by,
                received_at=loaded_us // 1000,
                source="cli",
                prices=tuple(prices[first : first + PRICES_PER_RECORD_MAX]),
                loaded_us=loaded_us,
                new_generations_only=new_generations_only,
                begins_history=begins_history,
            )


def history_from(records: Sequence[PricesLoaded], shipped: Iterable[Price]) -> list[LoadedPrice]:
    """Return the history of an installation: the list that came with its version, then its loads in log order.

    An installation that began with its operator's own prices does not have that list.
    """
    begins_with_own = any(record.begins_history for record in records)
    first = [] if begins_with_own else [LoadedPrice(price, FIRST_US) for price in shipped]
    loaded = [LoadedPrice(price, record.loaded_us) for record in records for price in record.prices]
    return [*first, *dict.fromkeys(loaded)]  # a record may have been appended twice
