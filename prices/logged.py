"""Prices in the log: the records of a load, and the history that follows from the records. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from uuid import UUID

from prices.price_list import LoadedPrice
from schemas.log.codec import PRICES_PER_RECORD_MAX
from schemas.log.price import Price
from schemas.log.records import PRICES_ID, VERSION, Actor, PricesLoaded
from schemas.permissions import OPERATOR_ORG

COMMAND_LINE = Actor("cli", "operator")


def records_of(
    rows: Iterable[LoadedPrice], new_id: Callable[[], UUID], *, new_generations_only: bool, begins_history: bool
) -> Iterator[PricesLoaded]:
    """Yield the records for these rows, grouped by load, in the order of loading."""
    by_load: dict[int, list[Price]] = {}
    for row in sorted(rows, key=lambda row: row.loaded_us):
        by_load.setdefault(row.loaded_us, []).append(row.price)
    for loaded_us, prices in by_load.items():
        for first in range(0, len(prices), PRICES_PER_RECORD_MAX):
            yield PricesLoaded(
                v=VERSION,
                record_id=new_id(),
                org_id=OPERATOR_ORG,
                session_id=PRICES_ID,
                actor=COMMAND_LINE,
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
    first = [] if begins_with_own else [LoadedPrice(price, 0) for price in shipped]
    loaded = [LoadedPrice(price, record.loaded_us) for record in records for price in record.prices]
    return [*first, *dict.fromkeys(loaded)]  # a record may have been appended twice
