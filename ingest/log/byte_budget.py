"""How many bytes may wait for the log at once."""

from schemas.log.position import LogUnavailable


class ByteBudget:
    """Counts bytes in flight, and refuses what would be too many."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self.in_flight = 0

    def take(self, count: int) -> None:
        """Raises `LogUnavailable` at once where the budget is used up; a lone record always fits."""
        if self.in_flight and self.in_flight + count > self._bytes_max:
            raise LogUnavailable("too many bytes wait for the log")
        self.in_flight += count

    def give_back(self, count: int) -> None:
        """The bytes are durable, or given up by whoever held them."""
        self.in_flight -= count
