"""A projector that rejects nearly everything is wrong itself: after a bad deploy it must stop, not empty the topic.

A dead letter is for the one record among many that nobody can read. The limit looks at the last outcomes, those before
a restart included, else each restart would set some more records aside.
"""

from collections import deque
from collections.abc import Iterable

from kernel.broken import Broken

WINDOW = 1_000  # records
DEAD_LEAST = 100  # dead letters in the window, before their share says anything


class DeadLetterLimit:
    """Counts the outcomes of the last records; over 1 the share can't be reached, and nothing is ever stopped."""

    def __init__(self, share_max: float) -> None:
        self._share_max = share_max
        self._outcomes: deque[bool] = deque(maxlen=WINDOW)

    def remember(self, dead: Iterable[bool]) -> None:
        """Outcomes that are stored already, the oldest first."""
        self._outcomes.extend(dead)

    def check(self, dead: Iterable[bool], reason: str) -> None:
        """Outcomes that are about to be stored; ``reason`` is why one of them is dead.

        Raises:
            Broken: too many; nothing of them may be stored.
        """
        self._outcomes.extend(dead)
        count = sum(self._outcomes)
        if count >= DEAD_LEAST and count > self._share_max * len(self._outcomes):
            raise Broken(
                f"{count} of the last {len(self._outcomes)} records can't be projected, one of them because: {reason}. "
                "If this code is wrong, run another version; nothing is lost. If the records are, set "
                "DEAD_LETTER_SHARE_MAX=2 until they are set aside"
            )
