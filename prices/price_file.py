"""Read and write price files: TOML, in US dollars per million tokens. Decimal throughout, never a float."""

import tomllib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from schemas.log.price import Price
from schemas.money import NANO_PER_USD, USD_MAX

PRICED_TOKENS = 1_000_000  # the number of tokens that a price is for
KINDS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
_DECIMALS_MAX = 6
# Factors of the input price, used where the file gives no price.
_USUAL_FACTORS = {"cache_read": Decimal("0.1"), "cache_write_5m": Decimal("1.25"), "cache_write_1h": Decimal(2)}


class BadPrices(ValueError):
    """A price file that can't be read; the message says where and why."""


class _Entry(Struct, forbid_unknown_fields=True, rename={"since": "from"}):
    model: Annotated[str, Meta(min_length=1, max_length=512)]
    since: Any  # a date or a datetime, which msgspec can't tell apart
    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None


class _File(Struct, forbid_unknown_fields=True):
    price: Annotated[list[_Entry], Meta(min_length=1)]


def parse_prices(text: str) -> list[Price]:
    """Read a price file: one ``[[price]]`` for each model and moment.

    Raises `BadPrices` if the text is not a price file, or a model has two prices that begin at the same moment.
    """
    try:
        prices = [_price(entry) for entry in msgspec.convert(tomllib.loads(text, parse_float=Decimal), _File).price]
    except BadPrices:
        raise
    except (ValueError, msgspec.ValidationError, RecursionError) as error:  # too many digits, or too deep
        raise BadPrices(str(error) or f"{type(error).__name__} in the file") from error
    seen: set[tuple[str, int]] = set()
    for price in prices:
        if (price.model, price.from_ms) in seen:
            raise BadPrices(f"{price.model} has two prices from {moment(price.from_ms)} on")
        seen.add((price.model, price.from_ms))
    return prices


def format_prices(prices: Iterable[Price]) -> str:
    """Return a file that `parse_prices` reads as these prices."""
    return "\n".join(_entry(price) for price in sorted(prices, key=lambda price: (price.model, price.from_ms)))


def usd_per_million(nano: int) -> Decimal:
    """Return dollars per million tokens, exactly."""
    usd = Decimal(nano) / NANO_PER_USD
    return usd.quantize(Decimal("0.01")) if usd == usd.quantize(Decimal("0.01")) else usd.normalize()


def moment(ms: int) -> str:
    """Return a time in the file's form: just the date at the start of a day."""
    at = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{at:%Y-%m-%d}" if at.time() == time() else f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _price(entry: _Entry) -> Price:
    from_ms = _from_ms(entry.model, entry.since)
    nano: dict[str, int] = {}
    for kind in KINDS:
        given = getattr(entry, kind)
        usd: Decimal = entry.input * _USUAL_FACTORS[kind] if given is None else given
        if not usd.is_finite() or not 0 <= usd <= USD_MAX or usd * NANO_PER_USD % 1:
            form = f"dollars per million tokens, from 0, with at most {_DECIMALS_MAX} decimals"
            raise BadPrices(f"{entry.model}: {kind} must be {form}")
        nano[f"{kind}_nano"] = int(usd * NANO_PER_USD)
    return Price(entry.model, from_ms, **nano)


def _from_ms(model: str, since: object) -> int:
    if isinstance(since, datetime):
        if since.tzinfo is None:
            raise BadPrices(f"{model}: from must have an offset, such as 2026-01-20T12:00:00Z")
        at = since
    elif isinstance(since, date):
        at = datetime.combine(since, time(), UTC)
    else:
        raise BadPrices(f"{model}: from must be a date or a time, such as 2026-01-20 or 2026-01-20T12:00:00Z")
    return int(at.timestamp()) * 1000


def _entry(price: Price) -> str:
    name = msgspec.json.encode(price.model).decode()  # a JSON string is a TOML string
    usd = (f"{kind} = {usd_per_million(getattr(price, f'{kind}_nano')):f}" for kind in KINDS)
    return "\n".join(["[[price]]", f"model = {name}", f"from = {moment(price.from_ms)}", *usd, ""])
