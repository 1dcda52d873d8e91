"""The order of a sweep's steps, over a store that answers at once."""

from typing import Any, cast

import pytest

from processors.sweeping import Sweeper, SweepFailed, Swept
from processors.warehouse import Unswept
from schemas.store.rows import SWEPT_AFTER_S


class Store:
    """A store with one erased session, which notes what it is asked."""

    def __init__(self, reason: str = "") -> None:
        self.below, self.noted, self._unfinished = {0: 5}, list[dict[int, int]](), [("facts", reason)] if reason else []

        self.is_unswept = Unswept(0.0, False)

    def unswept(self) -> Unswept:
        return self.is_unswept

    def erased_below(self) -> dict[int, int]:
        return dict(self.below)

    def delete_erased(self) -> int:
        return 1

    def delete_empty_tasks(self) -> None: ...

    def apply_deletes(self) -> None: ...

    def unfinished(self) -> list[tuple[str, str]]:
        return self._unfinished

    def old_parts(self) -> frozenset[tuple[str, str]]:
        return frozenset()

    def note_swept(self, below: dict[int, int]) -> None:
        self.noted.append(below)


async def test_what_is_erased_during_a_sweep_is_left_to_the_next() -> None:
    """Its records may be behind the place where the rewrite of the log has read what is erased."""
    store = Store()

    async def rewrite_log() -> int:
        store.below[0] = 9
        return 3

    swept = await Sweeper(cast(Any, store), {0: 1}, rewrite_log).sweep(lambda *_: None)

    assert (swept, store.noted) == (Swept(1, 0, 3), [{0: 5}])


async def test_a_delete_that_fails_is_said_and_nothing_counts_as_swept() -> None:
    """The message has the store's reason."""
    store = Store("no space is left")

    with pytest.raises(SweepFailed, match="can't delete rows of facts: no space is left"):
        await Sweeper(cast(Any, store), {0: 1}).sweep(lambda *_: None)

    assert store.noted == []


@pytest.mark.parametrize(
    ("written", "unswept", "is_swept"),
    [
        ({0: 1}, Unswept(SWEPT_AFTER_S, False), False),
        ({0: 1}, Unswept(SWEPT_AFTER_S + 1, False), True),
        ({0: 1}, Unswept(0.0, True), True),
        ({1: 1}, Unswept(SWEPT_AFTER_S + 1, True), False),
    ],
)
async def test_a_sweep_is_due_a_day_after_an_erasure_or_at_once(
    written: dict[int, int], unswept: Unswept, is_swept: bool
) -> None:
    """The projector of partition 0 sweeps."""
    store = Store()
    store.is_unswept = unswept

    await Sweeper(cast(Any, store), written).sweep_if_due()

    assert bool(store.noted) == is_swept
