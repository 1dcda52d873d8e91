"""A projector's price list, which is read again before a report could need a price that was loaded since."""

from prices.price_list import NOTICE_MS, PriceList, began_with, in_force
from processors.warehouse import Warehouse
from store.broken import Broken

COMPLETE_FOR_MS = NOTICE_MS // 2  # after it was read; `prices.price_list` says why


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
