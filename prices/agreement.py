"""Whether the costs that clients report agree with the price list. Pure."""

from prices.price_list import PriceList
from schemas.log.records import ModelUsage

# Some clients round dollars to six decimals, and the list rounds down to a nano-dollar.
_ROUNDING_NANO = 1_000


def disagreement(prices: PriceList, model: str, usage: ModelUsage, cost_nano: int, at_ms: int) -> bool:
    """Return whether the client's cost differs from the list's by more than 1 %, and by more than rounding explains.

    A model without a price can't disagree. A difference means that the list is out of date, or that the client pays
    other prices.
    """
    listed_nano = prices.cost_nano(model, usage, at_ms)
    if listed_nano is None:
        return False
    difference_nano = abs(cost_nano - listed_nano)
    return difference_nano > _ROUNDING_NANO and difference_nano * 100 > listed_nano
