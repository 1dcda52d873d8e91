"""A projector's price list, and warnings if clients pay other prices.

The list is read again before a report could need a price that was loaded since.
"""

import time
from collections.abc import Callable, Mapping

import structlog

from prices.price_list import NOTICE_MS, PriceList, began_with, in_force
from processors.warehouse import Warehouse
from store.broken import Broken

COMPLETE_FOR_MS = NOTICE_MS // 2  # after it was read; `prices.price_list` says why
WARN_EVERY_S = 3_600.0  # of one price
logger = structlog.get_logger()


class Pricing:
    """The prices of one generation. One thread at a time."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._list = PriceList(())
        self._complete_until_ms = -1

    def complete_until(self, received_at: int) -> PriceList:
        """Return a list with every price that reports received until ``received_at`` may need.

        Raises `StoreUnavailable`, and `Broken` if the prices are not those that the generation was made with.
        """
        if received_at < self._complete_until_ms:
            return self._list
        made_with = self._warehouse.generation()
        history, read_at_ms = self._warehouse.prices()
        if began_with(history, made_with.made_us).sha256 != made_with.prices_sha256:
            raise Broken(
                "the price history is not the one that this generation was made with: some rows were lost or changed, "
                "so its costs would no longer come out the same. Restore the table `prices` of the control database, "
                "or project into a new generation"
            )
        self._list = in_force(history, made_with.made_us)
        self._complete_until_ms = read_at_ms + COMPLETE_FOR_MS
        return self._list


class PriceWarnings:
    """Remembers which prices it warned of recently; there are at most as many as the list has."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._named_at: dict[str, float] = {}

    def note(self, disagreeing: Mapping[str, int]) -> None:
        """Warn of the prices with which requests disagreed."""
        now = self._clock()
        for model, requests in disagreeing.items():
            if now - self._named_at.get(model, float("-inf")) >= WARN_EVERY_S:
                self._named_at[model] = now
                logger.warning(
                    "price_disagrees",
                    model=model,
                    requests=requests,
                    what_to_do="clients give other costs than the price list: check it, and load the current prices "
                    "with `crewkit-sessions prices load`",
                )
