"""Whether a client's own cost and the price list agree."""

import pytest

from prices.price_list import PriceList
from schemas.log.price import Price
from schemas.log.records import ModelUsage

USD = 10**9
LIST = PriceList([Price("m", 10, USD, 2 * USD, 0, 0, 0)])
MILLION = ModelUsage(input_tokens=1_000_000)  # a dollar according to the list


def disagrees(cost_nano: int, usage: ModelUsage = MILLION, model: str = "m", at_ms: int = 10) -> bool:
    """Compare a client's cost with the list."""
    return LIST.disagrees(model, usage, cost_nano, at_ms)


@pytest.mark.parametrize("cost", [USD, USD + USD // 100, USD - USD // 100])
def test_one_percent_is_agreement(cost: int) -> None:
    """Clients may round, or leave out a request that failed."""
    assert not disagrees(cost)


@pytest.mark.parametrize("cost", [0, USD + USD // 100 + 1, USD - USD // 100 - 1, 2 * USD])
def test_more_than_one_percent_is_disagreement(cost: int) -> None:
    """Both too much and too little count."""
    assert disagrees(cost)


def test_a_rounding_is_no_disagreement() -> None:
    """A few tokens cost less than the decimals that a client reports."""
    few = ModelUsage(input_tokens=1)  # 1,000 nano-dollars

    assert not disagrees(0, few)
    assert not disagrees(2_000, few)
    assert disagrees(2_001, few)
    assert disagrees(1_001, ModelUsage())


def test_a_model_without_a_price_cannot_disagree() -> None:
    """Neither an unknown model nor a price that begins later counts."""
    assert not disagrees(5 * USD, model="n")
    assert not disagrees(5 * USD, at_ms=9)
