"""Clients that report other costs than the price list: counted with every batch, logged once an hour."""

from collections import Counter

import pytest
from structlog.testing import capture_logs

from prices.price_list import list_prices
from processors.plan import _disagree
from processors.pricing import WARN_EVERY_S, PriceWarnings
from processors.projections.records import facts_of
from schemas.log.codec import encode
from schemas.log.position import LogRecord
from tests.support.builders import T0, hook, recorded, session_id

SESSION = session_id("priced")
TOKENS = {"input_tokens": 1_000_000, "output_tokens": 0}  # 5 dollars according to the list


@pytest.mark.parametrize(
    ("model", "cost_usd", "found"),
    [
        ("claude-opus-4-8", 5.0, {}),
        ("claude-opus-4-8", 5.04, {}),
        ("claude-opus-4-8", 5.06, {"claude-opus-4-8": 1}),
        ("claude-opus-4-8[1m]", 4.9, {"claude-opus-4-8": 1}),
        ("claude-opus-4-8", None, {}),
        ("made-up-1", 7.0, {}),
    ],
)
def test_a_cost_that_is_off_by_more_than_one_percent_disagrees(
    model: str, cost_usd: float | None, found: dict[str, int]
) -> None:
    """A model without a price, and a request without a cost, do not count."""
    event = hook("ApiRequest", T0, model=model, request_id="r", cost_usd=cost_usd, **TOKENS)
    record = recorded(SESSION, event)
    (row,) = facts_of(LogRecord(0, 0, SESSION.bytes, encode(record), 0), record).rows
    disagreeing: Counter[str] = Counter()

    _disagree(list_prices(), disagreeing, row)

    assert disagreeing == found


def test_each_price_is_named_once_an_hour() -> None:
    """The line says what to do."""
    now = [0.0]
    warnings = PriceWarnings(lambda: now[0])

    with capture_logs() as logs:
        for at_s, models in (
            (0, "a"),
            (1, "ab"),
            (WARN_EVERY_S - 1, "ab"),
            (WARN_EVERY_S + 0.5, "ab"),
            (2 * WARN_EVERY_S, "b"),
        ):
            now[0] = at_s
            warnings.note(dict.fromkeys(models, 3))

    assert [log["model"] for log in logs] == ["a", "b", "a", "b"]
    assert {(log["event"], log["log_level"], log["requests"]) for log in logs} == {("price_disagrees", "warning", 3)}
    assert "prices load" in logs[0]["what_to_do"]
