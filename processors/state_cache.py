"""Caches the states of active sessions, bounded by the number of facts that they have counted."""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable

from processors.fold.state import SessionState
from processors.warehouse import SessionKey


class StateCache:
    """Evicts the least recently used states first, but never a pinned one.

    A state is pinned from its first touch in a batch until that batch's facts are in the store. Evicted earlier, it
    would be folded again from a table that does not have them yet. Only `stored` may be called from another thread.
    """

    def __init__(self, facts_max: int) -> None:
        self._facts_max = facts_max
        self._facts = 0
        self._states: OrderedDict[SessionKey, SessionState] = OrderedDict()
        self._counted: dict[SessionKey, int] = {}
        self._pins: Counter[SessionKey] = Counter()
        self._stored: deque[Iterable[SessionKey]] = deque()

    def get(self, key: SessionKey) -> SessionState | None:
        """Return the state, now the most recently used, or None on a miss."""
        state = self._states.get(key)
        if state is not None:
            self._states.move_to_end(key)
        return state

    def put(self, key: SessionKey, state: SessionState) -> None:
        """Add a state."""
        self._states[key] = state

    def pin(self, keys: Iterable[SessionKey]) -> None:
        """Keep these states until their facts are stored."""
        self._pins.update(keys)

    def stored(self, keys: Iterable[SessionKey]) -> None:
        """Note that the facts of a batch are in the store; its states are unpinned at the next `evict`."""
        self._stored.append(keys)

    def evict(self) -> None:
        """Unpin what was stored, and evict the least recently used states if there are too many facts."""
        while self._stored:
            for key in self._stored.popleft():
                self._unpin(key)
        if self._facts > self._facts_max:
            self._evict_oldest()

    def drop(self, partition: int) -> None:
        """Remove all states of one partition."""
        for key in [key for key, state in self._states.items() if state.log_partition == partition]:
            self._remove(key)

    def __len__(self) -> int:
        return len(self._states)

    def _unpin(self, key: SessionKey) -> None:
        self._pins[key] -= 1
        if self._pins[key] <= 0:
            del self._pins[key]
        if (state := self._states.get(key)) is not None:
            self._facts += len(state.seen) - self._counted.get(key, 0)
            self._counted[key] = len(state.seen)

    def _evict_oldest(self) -> None:
        for key in [key for key in self._states if key not in self._pins]:
            self._remove(key)
            if self._facts <= self._facts_max:
                return

    def _remove(self, key: SessionKey) -> None:
        del self._states[key]
        self._facts -= self._counted.pop(key, 0)
