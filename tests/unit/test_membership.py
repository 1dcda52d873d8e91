"""A worker whose membership is repeatedly taken by another one says so; ordinary changes of its id end nothing."""

import asyncio
from itertools import count

import pytest

from processors.runners import membership
from processors.runners.membership import CHANGES, WITHIN_S, MemberIds, watch_membership
from store.broken import Broken


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def contested_after(every_s: float, changes: int = 3 * CHANGES) -> bool:
    """Return whether ids that change at this rate are contested at some time."""
    clock = Clock()
    ids = MemberIds(clock)
    found = False
    for n in range(changes):
        ids.see(f"member-{n}")
        found = found or ids.are_contested
        clock.now += every_s
    return found


def test_an_id_that_changes_with_each_heartbeat_is_contested() -> None:
    """Two workers alternate: each loses its id when the other joins."""
    assert contested_after(every_s=12.0)


def test_an_id_that_changes_now_and_then_is_not() -> None:
    """A worker that is suspended for longer than its session gets a new id each time."""
    assert not contested_after(every_s=WITHIN_S / (CHANGES - 1) + 1)


def test_one_id_and_none_are_no_changes() -> None:
    """Before it joins, and between two joins, a worker has none; an ordinary rebalance keeps its id."""
    ids = MemberIds(lambda: 0.0)
    for _ in range(100):
        ids.see("")
        ids.see("member-1")

    assert not ids.are_contested


async def test_the_sentence_names_the_member(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to change."""
    monkeypatch.setattr(membership, "LOOK_EVERY_S", 0.0)
    number = count()

    with pytest.raises(Broken, match=r"another projector is the member host-1-group-0 .* own host name or INSTANCE"):
        await asyncio.wait_for(watch_membership(lambda: str(next(number)), "host-1-group-0"), timeout=10)
