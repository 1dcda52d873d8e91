"""Money is integer nano-dollars inside and a decimal number outside; nothing in between is ever rounded."""

from decimal import ROUND_HALF_EVEN, Decimal

NANO_PER_USD = 1_000_000_000
USD_MAX = 1_000_000


def nano_of(usd: float) -> int:
    """Nano-dollars of a number as it was written, whose shortest form a double keeps up to 15 digits.

    More than 9 decimals are rounded half to even.
    """
    return int((Decimal(repr(usd)) * NANO_PER_USD).to_integral_value(rounding=ROUND_HALF_EVEN))


def usd_of(nano: int) -> float:
    """The decimal number for a reply. Exact to the nano-dollar up to 9 million dollars, as far as a double reaches."""
    return nano / NANO_PER_USD
