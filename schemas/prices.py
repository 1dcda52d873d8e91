"""What tokens cost where the client reported no cost: an effective-dated list, and integer arithmetic."""

import hashlib
import tomllib
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from schemas.money import NANO_PER_USD, USD_MAX
from schemas.records import ModelUsage

_CACHE_READ, _CACHE_WRITE_5M, _CACHE_WRITE_1H = 100, 1250, 2000  # thousandths of the input price


class Price(Struct, frozen=True):
    """Nano-dollars per 1,000 tokens of one model (dollars per million, times 1,000,000), from a moment on."""

    model: str
    from_ms: int
    input_nano: int
    output_nano: int


class PriceList:
    """Finds the price of a model at a time: the longest name with which the model's name begins, latest in force."""

    def __init__(self, prices: tuple[Price, ...]) -> None:
        self._prices = tuple(sorted(prices, key=lambda price: (-len(price.model), price.model, -price.from_ms)))
        self.sha256 = hashlib.sha256(msgspec.json.encode(self._prices)).hexdigest()

    def price_of(self, model: str, at_ms: int) -> Price | None:
        """The price in force for ``model`` at ``at_ms``, None where the list has none."""
        for price in self._prices:
            if model.startswith(price.model) and price.from_ms <= at_ms:
                return price
        return None

    def cost_nano(self, model: str, usage: ModelUsage, at_ms: int) -> int | None:
        """Nano-dollars, rounded down once at the end, at most a million dollars; None where the model has no price."""
        price = self.price_of(model, at_ms)
        if price is None:
            return None
        hour = min(usage.cache_creation_1h_tokens, usage.cache_creation_tokens)
        thousandths = (
            1000 * usage.input_tokens
            + _CACHE_READ * usage.cache_read_tokens
            + _CACHE_WRITE_5M * (usage.cache_creation_tokens - hour)
            + _CACHE_WRITE_1H * hour
        )
        nano = (thousandths * price.input_nano + 1000 * usage.output_tokens * price.output_nano) // 1_000_000
        return min(nano, USD_MAX * NANO_PER_USD)


class _Entry(Struct, forbid_unknown_fields=True, rename={"since": "from"}):
    model: str
    since: date
    input: float
    output: float


class _File(Struct, forbid_unknown_fields=True):
    price: list[_Entry]


def load_prices(path: Path) -> PriceList:
    """Read a price list from a TOML file.

    Raises:
        msgspec.ValidationError: where an entry has the wrong shape.
    """
    entries = msgspec.convert(tomllib.loads(path.read_text()), _File).price
    return PriceList(tuple(_price(entry) for entry in entries))


@cache
def list_prices() -> PriceList:
    """The list that comes with this version."""
    return load_prices(Path(__file__).with_name("prices.toml"))


def _price(entry: _Entry) -> Price:
    start = datetime(entry.since.year, entry.since.month, entry.since.day, tzinfo=UTC)
    return Price(
        entry.model, int(start.timestamp()) * 1000, round(entry.input * 1_000_000), round(entry.output * 1_000_000)
    )
