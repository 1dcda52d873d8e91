"""Convert between integer nano-dollars (stored) and decimal US dollars (API). Intermediate values are not rounded."""

from decimal import ROUND_HALF_EVEN, Decimal

NANO_PER_USD = 1_000_000_000
USD_MAX = 1_000_000
_DOUBLES_TELL_APART = (1 << 23) * NANO_PER_USD  # above 2^23, neighbouring doubles are more than 1e-9 apart


def nano_of(usd: float) -> int:
    """Return the nano-dollars of a number as written: the shortest form of a double preserves up to 15 digits.

    More than 9 decimals are rounded half to even.
    """
    return int((Decimal(repr(usd)) * NANO_PER_USD).to_integral_value(rounding=ROUND_HALF_EVEN))


def usd_of(nano: int) -> float:
    """Return the number for a response, exact to the nano-dollar: a Decimal where doubles are too coarse."""
    if abs(nano) < _DOUBLES_TELL_APART:
        return nano / NANO_PER_USD
    return Decimal(nano).scaleb(-9)  # type: ignore[return-value]  # msgspec encodes a Decimal as a number as well
