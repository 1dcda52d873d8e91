"""A limit on the bytes that wait for the log at once."""

from schemas.log.position import LogUnavailable


class ByteBudget:
    """Counts bytes in flight, and refuses more than the limit."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self.in_flight = 0

    def take(self, count: int) -> None:
        """Reserve bytes. Raises `LogUnavailable` at once if the budget is used up; a lone record always fits."""
        if self.in_flight and self.in_flight + count > self._bytes_max:
            raise LogUnavailable("too many bytes wait for the log")
        self.in_flight += count

    def give_back(self, count: int) -> None:
        """Release bytes that are durable or given up."""
        self.in_flight -= count
