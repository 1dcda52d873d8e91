"""Caches the states of sessions, bounded by the bytes that they take.

The most recently used states are objects, ready to fold; older ones are frozen, in a sixth of the memory.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable

from msgspec import Struct

from processors.fold.state import SessionState, freeze, thaw
from processors.warehouse import SessionKey

THAWED_SHARE = 0.5  # of the bytes
# Measured, see tests/unit/test_state_cache.py: an entry without its state or its bytes; a state; what is in it.
_ENTRY, _STATE, _FACT, _TASK, _BUCKET, _SUM = 370, 2_600, 85, 350, 800, 350
_PARTITION_BYTES = 2


class _Thawed(Struct):
    """A state, how many bytes it took when it was last unpinned, and how many batches hold it."""

    state: SessionState
    size: int = 0
    pins: int = 0


class StateCache:
    """Drops the least recently used states first, but never a pinned one.

    A state is pinned from its first touch in a batch until that batch's facts are in the store. If it were dropped
    earlier, it would be folded again from a table that does not have them yet. Only `unpin_at_next_evict` may be
    called from another thread.
    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._thawed: OrderedDict[SessionKey, _Thawed] = OrderedDict()
        self._frozen: OrderedDict[SessionKey, bytes] = OrderedDict()  # each begins with the partition
        self._thawed_bytes = self._frozen_bytes = 0
        self._stored: deque[Iterable[SessionKey]] = deque()

    def get(self, key: SessionKey) -> SessionState | None:
        """Return the state, now the most recently used, or None on a miss."""
        entry = self._thawed.get(key)
        if entry is not None:
            self._thawed.move_to_end(key)
            return entry.state
        frozen = self._take_frozen(key)
        if frozen is None:
            return None
        state = thaw(frozen[_PARTITION_BYTES:])
        self.put(key, state)
        return state

    def put(self, key: SessionKey, state: SessionState) -> None:
        self._thawed[key] = _Thawed(state)

    def pin(self, keys: Iterable[SessionKey]) -> None:
        """Keep these states, which were used since the last `evict`, until their facts are stored."""
        for key in keys:
            self._thawed[key].pins += 1

    def unpin_at_next_evict(self, keys: Iterable[SessionKey]) -> None:
        """Note that the facts of a batch are in the store: the next `evict` unpins its states, and may drop them."""
        self._stored.append(keys)

    def evict(self) -> None:
        """Unpin what was stored, then freeze and drop the least recently used states if they take too much."""
        while self._stored:
            for key in self._stored.popleft():
                if (entry := self._thawed.get(key)) is not None:  # else its partition was dropped
                    size = _size(entry.state)
                    self._thawed_bytes += size - entry.size
                    entry.size = size
                    entry.pins -= 1
        while self._thawed_bytes > self._bytes_max * THAWED_SHARE and self._freeze_oldest():
            pass
        while self.bytes_used > self._bytes_max and self._frozen:
            self._take_frozen(next(iter(self._frozen)))

    def drop(self, partition: int) -> None:
        for key in [key for key, entry in self._thawed.items() if entry.state.log_partition == partition]:
            self._take_thawed(key)
        prefix = _prefix(partition)
        for key in [key for key, frozen in self._frozen.items() if frozen.startswith(prefix)]:
            self._take_frozen(key)

    @property
    def bytes_used(self) -> int:
        """How many bytes the states take, not counting those that were used since the last `evict`."""
        return self._thawed_bytes + self._frozen_bytes

    def __len__(self) -> int:
        return len(self._thawed) + len(self._frozen)

    def _freeze_oldest(self) -> bool:
        """Freeze the least recently used state. Return False if it is pinned: then all used later are, too."""
        key = next(iter(self._thawed), None)
        if key is None or self._thawed[key].pins > 0:
            return False
        state = self._take_thawed(key)
        frozen = self._frozen[key] = _prefix(state.log_partition) + freeze(state)
        self._frozen_bytes += _ENTRY + len(frozen)
        return True

    def _take_thawed(self, key: SessionKey) -> SessionState:
        entry = self._thawed.pop(key)
        self._thawed_bytes -= entry.size
        return entry.state

    def _take_frozen(self, key: SessionKey) -> bytes | None:
        frozen = self._frozen.pop(key, None)
        if frozen is not None:
            self._frozen_bytes -= _ENTRY + len(frozen)
        return frozen


def _prefix(partition: int) -> bytes:
    return partition.to_bytes(_PARTITION_BYTES, "big")


def _size(state: SessionState) -> int:
    """Return about how many bytes a state takes."""
    tasks = len(state.agents) + len(state.tasks) + len(state.uses)
    amounts = _BUCKET * len(state.buckets) + _SUM * state.sums
    return _ENTRY + _STATE + _FACT * len(state.seen) + _TASK * tasks + amounts
