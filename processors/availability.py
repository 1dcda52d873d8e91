"""Whether something outside of this process answers: the store, or the log."""


class Outside:
    """Counts calls that fail for now and are made again. One event loop writes it; any thread may read it."""

    def __init__(self) -> None:
        self.retries = 0
        self._failing: set[object] = set()

    @property
    def is_up(self) -> bool:
        """No call is being made again because it failed."""
        return not self._failing

    def failed(self, call: object) -> None:
        """Note that ``call`` failed and will be made again."""
        self.retries += 1
        self._failing.add(call)

    def ended(self, call: object) -> None:
        """Note that ``call`` was answered, or is not made any more."""
        self._failing.discard(call)
