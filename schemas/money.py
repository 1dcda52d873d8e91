"""Money is integer nano-dollars inside and a decimal number outside; nothing in between is ever rounded."""

from decimal import ROUND_HALF_EVEN, Decimal

NANO_PER_USD = 1_000_000_000
USD_MAX = 1_000_000
_DOUBLES_TELL_APART = (1 << 23) * NANO_PER_USD  # from 2^23 on neighbouring doubles are more than 1e-9 apart


def nano_of(usd: float) -> int:
    """Nano-dollars of a number as it was written, whose shortest form a double keeps up to 15 digits.

    More than 9 decimals are rounded half to even.
    """
    return int((Decimal(repr(usd)) * NANO_PER_USD).to_integral_value(rounding=ROUND_HALF_EVEN))


def usd_of(nano: int) -> float:
    """The decimal number for a reply, exact to the nano-dollar: a Decimal where doubles lie further apart than that."""
    if abs(nano) < _DOUBLES_TELL_APART:
        return nano / NANO_PER_USD
    return Decimal(nano).scaleb(-9)  # type: ignore[return-value]  # a number too, and written as one
