"""A price, as loads record it in the log."""

from msgspec import Struct


class Price(Struct, frozen=True):
    """Nano-dollars per million tokens of one model, from ``from_ms`` (milliseconds since 1970) on."""

    model: str
    from_ms: int
    input_nano: int
    output_nano: int
    cache_read_nano: int
    cache_write_5m_nano: int
    cache_write_1h_nano: int
