"""The cache of session states: its limit in bytes, what it evicts, and what it never evicts."""

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors import state_cache as module
from processors.fold.state import SessionState, freeze, thaw
from processors.state_cache import StateCache
from processors.warehouse import SessionKey
from tests.support.builders import ORG
from tests.support.folded import folded


def id_of(number: int) -> UUID:
    """Return the id of the n-th session; like real ones, its integer is large."""
    return UUID(int=(1 << 127) + number)


def key_of(number: int) -> SessionKey:
    """Return the key of the n-th session."""
    return ORG, id_of(number)


def add(cache: StateCache, state: SessionState) -> None:
    """Put a state into the cache, like a batch whose facts are stored."""
    key = ORG, state.session_id
    cache.put(key, state)
    cache.pin([key])
    cache.unpin_at_next_evict([key])


def filled(bytes_max: int, sessions: int, facts: int = 1) -> StateCache:
    """Return a cache to which this many sessions were added, the first one first."""
    cache = StateCache(bytes_max)
    for number in range(sessions):
        add(cache, folded(id_of(number), facts))
        cache.evict()
    return cache


@contextmanager
def traced() -> Iterator[list[int]]:
    """Collect the bytes that were allocated inside and are still used."""
    gc.collect()
    tracemalloc.start()
    found: list[int] = []
    try:
        yield found
        gc.collect()
        found.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("thawed", [1.0, 0.0], ids=["thawed", "frozen"])
@pytest.mark.parametrize(
    ("facts", "sessions"), [(1, 500), (10, 100), (100, 20), (3_000, 1)], ids=lambda number: f"{number}"
)
def test_the_bytes_that_it_counts_are_those_that_it_takes(
    thawed: float, facts: int, sessions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The difference is at most a quarter, for one fact per session as well as for thousands."""
    monkeypatch.setattr(module, "THAWED_SHARE", thawed)
    filled(1 << 40, 10)

    with traced() as taken:
        cache = filled(1 << 40, sessions, facts)

    assert len(cache) == sessions
    assert 0.75 * taken[0] < cache.bytes_used < 1.25 * taken[0]


@given(facts=st.integers(0, 40), more=st.integers(0, 10), with_tools=st.booleans())
@settings(deadline=None)
def test_a_state_that_was_frozen_is_the_same_state(facts: int, more: int, with_tools: bool) -> None:
    """It is equal, equal states freeze to equal bytes, and facts folded later count the same."""
    state, again = (folded(UUID(int=7), facts, with_tools) for _ in range(2))

    thawed = thaw(freeze(state))

    assert thawed == again
    assert freeze(thawed) == freeze(again)
    assert type(next(iter(thawed.seen), 0)) is int
    assert folded(UUID(int=7), facts + more, with_tools).version >= thawed.version


def test_the_least_recently_used_are_frozen_and_then_dropped() -> None:
    """The newest are objects, older ones bytes, the oldest are gone; a state in use becomes an object again."""
    cache = filled(20_000, 60)

    assert cache._thawed_bytes <= 10_000
    assert cache.bytes_used <= 20_000
    assert cache.get(key_of(0)) is None
    oldest = next(iter(cache._frozen))
    assert cache.get(key_of(59)) == folded(id_of(59), 1)
    assert cache.get(oldest) == folded(oldest[1], 1)
    assert oldest in cache._thawed
    assert oldest not in cache._frozen


def test_a_pinned_state_is_neither_frozen_nor_dropped() -> None:
    """Its facts are not in the store yet; once they are, it may be evicted."""
    cache = StateCache(0)
    cache.put(key_of(1), folded(id_of(1), 5))
    cache.pin([key_of(1)])
    cache.pin([key_of(1)])

    for _ in range(2):
        assert cache.get(key_of(1)) is not None
        cache.unpin_at_next_evict([key_of(1)])
        cache.evict()

    assert cache.get(key_of(1)) is None


def test_a_partition_is_dropped_whole() -> None:
    """This includes frozen states; the byte count follows."""
    cache = filled(40_000, 40)
    assert cache._frozen

    cache.drop(1)

    assert {key[1].int % 2 for key in (*cache._thawed, *cache._frozen)} == {0}
    cache.drop(0)
    assert (len(cache), cache.bytes_used) == (0, 0)


def test_a_batch_with_nothing_to_drop_looks_at_its_own_states_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """This holds for any number of states: each is counted once its facts are stored, and at no other time."""
    cache = filled(1 << 30, 500)
    sized: list[SessionState] = []
    monkeypatch.setattr(module, "_size", lambda state: len(sized.append(state) or [1]))

    add(cache, folded(id_of(501), 1))
    cache.evict()

    assert [state.session_id for state in sized] == [id_of(501)]
