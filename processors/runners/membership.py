"""Notices another worker with the same static membership of the consumer group.

A group knows a static member by its host name and its instance. Two workers with the same names keep taking the
membership from each other: each joins again when its heartbeat is refused, and gets a new member id. Nothing is lost or
counted twice, but both repeat batches, and no error says why. A lock finds a second worker on the same machine; this
finds one on another, such as a second container with the same host name.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

from store.broken import Broken

LOOK_EVERY_S = 1.0
# A worker that was paused beyond its session time-out, or that missed a rebalance, sometimes gets a new id.
CHANGES, WITHIN_S = 8, 90.0


class MemberIds:
    """The member ids that the group gave this worker."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._last = ""
        self._changed_at: deque[float] = deque(maxlen=CHANGES)

    def see(self, member_id: str) -> None:
        """Note the current id, empty while there is none."""
        if member_id and member_id != self._last:
            self._last = member_id
            self._changed_at.append(self._clock())

    @property
    def are_contested(self) -> bool:
        changed = self._changed_at
        return len(changed) == CHANGES and changed[-1] - changed[0] < WITHIN_S


async def watch_membership(member_id: Callable[[], str], static_id: str) -> None:
    """Look until cancelled. Raises `Broken` if another worker has the same static id."""
    ids = MemberIds()
    while not ids.are_contested:
        await asyncio.sleep(LOOK_EVERY_S)
        ids.see(member_id())
    raise Broken(
        f"another projector is the member {static_id} of the consumer group, too: give each worker its own host name "
        "or INSTANCE"
    )
