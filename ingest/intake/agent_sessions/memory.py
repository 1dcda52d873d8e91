"""What this process appended recently, so that it need not append it again with every payload."""

from collections import OrderedDict
from uuid import UUID


class Remembered:
    """The ids of the most recently used facts. A forgotten fact is appended again, but still counts once."""

    def __init__(self, count_max: int) -> None:
        self._count_max = count_max
        self._ids: OrderedDict[bytes, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, fact_id: UUID) -> bool:
        if fact_id.bytes not in self._ids:
            return False
        self._ids.move_to_end(fact_id.bytes)
        return True

    def add(self, fact_id: UUID) -> None:
        """Remember a durable fact; the least recently used one is dropped to make room."""
        self._ids[fact_id.bytes] = None
        self._ids.move_to_end(fact_id.bytes)
        if len(self._ids) > self._count_max:
            self._ids.popitem(last=False)
