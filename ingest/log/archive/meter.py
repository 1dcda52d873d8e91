"""How exports and imports report their progress."""

from typing import Protocol


class Meter(Protocol):
    """Shows how much of a step is done."""

    def begin(self, step: str, records: int) -> None:
        """Begin a step of this many records; the previous step is over."""

    def add(self, records: int, size: int) -> None:
        """Count records that are done, and the bytes of their values."""
