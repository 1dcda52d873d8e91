"""Stops a projector that rejects nearly everything: after a bad deploy it must stop, not set the whole topic aside.

A dead letter is meant for a single unreadable record among many. The limit looks at the latest outcomes, including
those before a restart; otherwise each restart would set more records aside.
"""

from collections import deque
from collections.abc import Iterable

from store.broken import Broken

WINDOW = 1_000  # records
DEAD_LEAST = 100  # dead letters in the window below which their share is not checked


class DeadLetterLimit:
    """Counts the outcomes of the latest records. A share above 1 can't be reached, so it switches the limit off."""

    def __init__(self, share_max: float) -> None:
        self._share_max = share_max
        self._outcomes: deque[bool] = deque(maxlen=WINDOW)

    def remember(self, dead: Iterable[bool]) -> None:
        """Add outcomes that are already stored, the oldest first."""
        self._outcomes.extend(dead)

    def check(self, dead: Iterable[bool], reason: str) -> None:
        """Add outcomes that are about to be stored; ``reason`` says why one of them is dead.

        Raises `Broken` if too many are dead: none of the outcomes may be stored.
        """
        self._outcomes.extend(dead)
        count = sum(self._outcomes)
        if count >= DEAD_LEAST and count > self._share_max * len(self._outcomes):
            raise Broken(
                f"{count} of the last {len(self._outcomes)} records can't be projected, one of them because: {reason}. "
                "If this code is wrong, run another version; nothing is lost. If the records are, set "
                "DEAD_LETTER_SHARE_MAX=2 until they are set aside"
            )
