"""Price tokens if the client reported no cost: an append-only history of prices, and integer arithmetic.

A price is valid for a model from a given moment on. Projecting the log again must give the same costs, even if prices
were loaded in the meantime, and however late a projector reads a report. Three rules ensure that:

1. *A generation uses all prices that were loaded before it was made, and later ones that begin at least `NOTICE_MS`
   after their loading* (`in_force`). So no price is added for a time that may be counted already: a price for the
   future needs no new generation, and a price for the past changes only new generations.
2. *A list is complete for reports received until `NOTICE_MS` / 2 after it was read.* A projector reads it again before
   it prices a later report (`processors.pricing`), so it needs no restart. The other half is time for the load to
   arrive. Both times are by the store's clock, which may be behind the ingest processes' clocks by as much.
3. *A report is priced as of its `reported_at`, but never later than it was received*: a client's clock may be a day
   ahead, and a price for tomorrow may still be loaded.

`generations.prices_sha256` is the hash of the list that a generation began with: `PriceList(newest(history))`. A
projector that finds a different hash refuses to start, since rows of the history were lost or changed.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec
from msgspec import structs

from prices.price_file import PRICED_TOKENS, parse_prices
from schemas.log.price import Price
from schemas.log.records import ModelUsage

NOTICE_MS = 3_600_000
_MODELS_REMEMBERED = 1_024
# Some clients round dollars to six decimals, and the list rounds down to a nano-dollar.
_ROUNDING_NANO = 1_000
FIRST_US = 0  # stands for the loading time of the list that an installation began with
FIRST_IN_LOG_US = 1  # the same for the copy of that list in the log

# `claude-opus-4` also matches `claude-opus-4-20250514`, `claude-opus-4@latest` and `claude-opus-4[1m]`, but neither
# `claude-opus-4-5` nor `claude-opus-45`: a further number of one or two digits is another version. For the same reason,
# `gpt-5` does not match `gpt-5.1`.
_SAME_MODEL = re.compile(r"(?![A-Za-z0-9])(?![-.]\d{1,2}(?!\d))")


class LoadedPrice(NamedTuple):
    """One row of the history; ``loaded_us``: microseconds since 1970 by the store's clock.

    The list that the installation began with has `FIRST_US`; if the log has it too, a copy has `FIRST_IN_LOG_US`.
    """

    price: Price
    loaded_us: int


class Used(Protocol):
    """Numbers of tokens; those of the cache's creation include those that are kept for an hour."""

    @property
    def input_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def cache_read_tokens(self) -> int: ...
    @property
    def cache_creation_tokens(self) -> int: ...
    @property
    def cache_creation_1h_tokens(self) -> int: ...


class PriceList:
    """Finds the price of a model at a time: the latest price of the longest matching name."""

    def __init__(self, prices: Iterable[Price]) -> None:
        """``prices`` has at most one price for each model and moment."""
        order = sorted(prices, key=lambda price: (-len(price.model), price.model, -price.from_ms))
        self.prices: Sequence[Price] = tuple(order)
        self._prices_of = lru_cache(_MODELS_REMEMBERED)(self._search)  # clients use few models, and a search is slow
        self.sha256 = hashlib.sha256(msgspec.json.encode(self.prices)).hexdigest()

    def price_of(self, model: str, at_ms: int) -> Price | None:
        """Return the price of ``model`` at ``at_ms``, or None."""
        for price in self._prices_of(model):
            if price.from_ms <= at_ms:
                return price
        return None

    def _search(self, model: str) -> tuple[Price, ...]:
        """Return the prices for the model's name, and for that name without a date, a provider's suffix or the like."""
        named = (price for price in self.prices if model.startswith(price.model))
        return tuple(price for price in named if _SAME_MODEL.match(model, len(price.model)))

    def cost_nano(self, model: str, usage: ModelUsage, at_ms: int) -> int | None:
        """Return nano-dollars, rounded down; None if the model has no price."""
        hour = min(usage.cache_creation_1h_tokens, usage.cache_creation_tokens)
        exact = self.exact_cost(model, structs.replace(usage, cache_creation_1h_tokens=hour), at_ms)
        return None if exact is None else exact // PRICED_TOKENS

    def exact_cost(self, model: str, usage: Used, at_ms: int) -> int | None:
        """Return the cost in nano-dollars / `PRICED_TOKENS`: costs of sums are sums of costs. None without a price.

        Of the tokens that created the cache, no more than all were kept for an hour.
        """
        price = self.price_of(model, at_ms)
        if price is None:
            return None
        hour = usage.cache_creation_1h_tokens
        return (
            usage.input_tokens * price.input_nano
            + usage.output_tokens * price.output_nano
            + usage.cache_read_tokens * price.cache_read_nano
            + (usage.cache_creation_tokens - hour) * price.cache_write_5m_nano
            + hour * price.cache_write_1h_nano
        )

    def disagrees(self, model: str, usage: ModelUsage, cost_nano: int, at_ms: int) -> bool:
        """Return whether a client's cost differs from the list's by more than 1 %, and by more than rounding explains.

        A model without a price can't disagree. A difference means that the list is out of date, or that the client pays
        other prices.
        """
        listed_nano = self.cost_nano(model, usage, at_ms)
        if listed_nano is None:
            return False
        difference_nano = abs(cost_nano - listed_nano)
        return difference_nano > _ROUNDING_NANO and difference_nano * 100 > listed_nano


def newest(history: Iterable[LoadedPrice]) -> list[Price]:
    """Return the price loaded last for each model and moment."""
    return [row.price for row in _newest_rows(history)]


def in_force(history: Iterable[LoadedPrice], made_us: int) -> PriceList:
    """Return the list of a generation that was made at ``made_us``; see rule 1."""
    return PriceList(row.price for row in rows_in_force(history, made_us))


def rows_in_force(history: Iterable[LoadedPrice], made_us: int) -> list[LoadedPrice]:
    """Return the same list as rows of the history."""
    return _newest_rows(row for row in history if row.loaded_us <= made_us or has_notice(row))


def _newest_rows(history: Iterable[LoadedPrice]) -> list[LoadedPrice]:
    rows = sorted(history, key=lambda row: row.loaded_us)
    return list({(row.price.model, row.price.from_ms): row for row in rows}.values())


def began_with(history: Iterable[LoadedPrice], made_us: int) -> PriceList:
    """Return the list that a generation was made with."""
    return PriceList(newest(row for row in history if row.loaded_us <= made_us))


def has_notice(row: LoadedPrice) -> bool:
    """Return whether the price began long enough after its loading that no report of its time was counted before."""
    return row.price.from_ms * 1000 >= row.loaded_us + NOTICE_MS * 1000


@cache
def list_prices() -> PriceList:
    """Return the list that ships with this version. A new installation begins with it, unless it is given another."""
    return PriceList(parse_prices(Path(__file__).with_name("prices.toml").read_text()))
