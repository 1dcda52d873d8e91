"""Limits on the bodies of requests in progress: the bytes that the process holds, and the time to arrive.

Bytes count from their arrival until the response. If there are too many, the request whose body began to arrive first
is ended to make room: a stalled client loses, not the next one. An org may hold at most half of the bytes, so that no
org starves the others.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Self

from edge.errors import ApiError, slow_body, unavailable
from ingest.deadlines import Deadlines
from ingest.log.port import APPEND_DEADLINE_S
from schemas.log.position import LogUnavailable

SILENCE_S = 15.0  # how long a client may send nothing
GRACE_S = 30.0  # how long a body of any size may take
BYTES_PER_S_MIN = 100_000  # the minimum speed after `GRACE_S`
YOUNG_S = 2.0  # a younger body is not ended to make room: its client may be just as fast


class Arrivals:
    """The bodies that a process holds."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self.deadlines = Deadlines()
        self.arriving: dict[Arrival, None] = {}  # in the order in which they began; any of them may be ended
        self._of_org: Counter[str] = Counter()
        self.bytes = 0

    def arrival(self, org_id: str) -> "Arrival":
        """Return the context manager for a body that an org starts to send."""
        return Arrival(self, org_id)

    def count(self, arrival: "Arrival", more: int) -> None:
        """Count ``more`` bytes of a body. Raises `ApiError` (503) if there is no room for them."""
        own = arrival.bytes + more
        while more > 0:
            is_of_org = _is_beyond(self._bytes_max // 2, self._of_org[arrival.org_id] - arrival.bytes, own)
            if not is_of_org and not _is_beyond(self._bytes_max, self.bytes - arrival.bytes, own):
                break
            oldest = self._oldest_beside(arrival, of_org=is_of_org)
            if oldest is None:
                raise unavailable("overloaded", "Too many bytes are in progress; send the same request again.")
            oldest.make_room()
        self.bytes += more
        self._of_org[arrival.org_id] += more
        if not self._of_org[arrival.org_id]:
            del self._of_org[arrival.org_id]

    def _oldest_beside(self, arrival: "Arrival", *, of_org: bool) -> "Arrival | None":
        latest = monotonic() - YOUNG_S
        for other in self.arriving:
            if other.began > latest:
                return None
            if other is not arrival and other.bytes and (not of_org or other.org_id == arrival.org_id):
                return other
        return None


class Arrival:
    """One body, and its request's deadline: for the arrival, then after `whole` for the response. Enter it once."""

    def __init__(self, arrivals: Arrivals, org_id: str) -> None:
        self._arrivals = arrivals
        self.org_id = org_id
        self.bytes = 0
        self._deadline = arrivals.deadlines.after(SILENCE_S)
        self._refusal: Callable[[], Exception] = slow_body

    async def __aenter__(self) -> Self:
        self.began = monotonic()
        await self._deadline.__aenter__()
        self._arrivals.arriving[self] = None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._arrivals.arriving.pop(self, None)
        self._count(-self.bytes)
        try:
            await self._deadline.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise self._refusal() from late

    async def grow(self, more: int) -> None:
        """Count ``more`` bytes that have arrived, as `Arrivals.count`, and extend the deadline for the next ones."""
        await self._stop_if_late()
        self._count(more)
        self._deadline.when = min(monotonic() + SILENCE_S, self.began + GRACE_S + self.bytes / BYTES_PER_S_MIN)

    async def whole(self) -> None:
        """Note that the body has arrived, and start the deadline of the response."""
        await self._stop_if_late()
        self._arrivals.arriving.pop(self, None)
        self._refusal = lambda: LogUnavailable(f"no answer within {APPEND_DEADLINE_S} s")
        self._deadline.when = monotonic() + APPEND_DEADLINE_S

    def resize(self, size: int) -> None:
        """Count the decoded body's ``size`` instead of the bytes that arrived, as `Arrivals.count`."""
        self._count(size - self.bytes)

    def make_room(self) -> None:
        """End the request; its client may send it again."""
        self._arrivals.arriving.pop(self, None)
        self._count(-self.bytes)
        self._refusal = _made_room
        self._deadline.expire()

    async def _stop_if_late(self) -> None:
        """Wait for the pending cancellation if the deadline passed while these bytes arrived."""
        if self._deadline.is_expired:
            await asyncio.sleep(SILENCE_S)

    def _count(self, more: int) -> None:
        self._arrivals.count(self, more)
        self.bytes += more


def _made_room() -> ApiError:
    return unavailable("overloaded", "The body arrived too slowly for a busy service; send the same request again.")


def _is_beyond(bytes_max: int, of_others: int, own: int) -> bool:
    """Return whether there are too many bytes; a single body always fits."""
    return of_others > 0 and of_others + own > bytes_max
