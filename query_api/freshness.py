"""Freshness: which data is visible, waiting until a log position is, and the headers that report it."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Literal, NamedTuple, cast
from zlib import crc32

from msgspec import Struct

from edge.errors import invalid
from schemas.log.position import Position
from schemas.times import instant
from store.errors import StoreUnavailable
from store.generations import Generation
from store.reading.errors import NotYetVisible
from store.reading.question import NoParams, Question
from store.reading.reader import Reader, answer

if TYPE_CHECKING:  # projectors read the progress too, and serve nothing
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

WAIT_HEADER = "X-Wait-For-Position"
COMPLETE_HEADER, GENERATION_HEADER = "X-Complete-Through", "X-Generation"
WAIT_S = 10.0
POLL_S = 0.05
REUSE_S = 0.2  # a claim stays true, so a recent snapshot may be used again
AHEAD_S = 0.1  # from this age on, the next snapshot is read in the background, so that no request waits for it
HELD_S = 0.7  # so that many requests make the same claim and can share cached answers
SLOTS = 64  # of questions; each expires at its own time, so that they don't all go to the store at once
Headers = list[tuple[bytes, bytes]]
_KEY = "snapshot_headers"  # in the scope of a request

Source = Literal["tables", "rollups"]  # what a response is read from


class PartitionProgressRow(Struct, frozen=True):
    """How far one partition is projected; everything accepted before ``complete_ms`` is visible (0: not reported).

    ``rolled_up`` and ``rolled_up_ms`` say the same about its rollups.
    """

    log_partition: int
    projected: int
    log_end: int
    complete_ms: int
    age_ms: int
    rolled_up: int
    rolled_up_ms: int


PROGRESS = Question("query_api.progress", NoParams, PartitionProgressRow)


class Claim(NamedTuple):
    """What some tables are sure to contain: everything accepted before a moment, and all records below some offsets."""

    complete_through: int  # ms since 1970
    lag_records: int
    reached: Mapping[int, int]  # partition to the first offset that may be missing

    def shows(self, positions: Sequence[Position]) -> bool:
        """Return whether all of these positions are visible; one in a partition that does not exist never is."""
        return all(self.reached.get(at.partition, 0) > at.offset for at in positions)


class Snapshot(NamedTuple):
    """What was visible in one generation at one moment. Any later answer from it contains at least this."""

    generation: Generation
    tables: Claim  # all tables except the rollups
    rollups: Claim

    def of(self, source: Source) -> Claim:
        """Return what is visible to a reader of the rollups, or of the other tables."""
        return self.rollups if source == "rollups" else self.tables


class Freshness:
    """Reads `progress`. Concurrent requests share one read."""

    def __init__(self, reader: Reader, wait_s: float = WAIT_S, poll_s: float = POLL_S) -> None:
        """A request that waits for a position looks every ``poll_s``, and after `look_again`."""
        self._reader = reader
        self._wait_s, self._poll_s = wait_s, poll_s
        self._moved, self._moved_at = asyncio.Event(), float("-inf")
        self._looking = asyncio.Lock()
        self._looked_at = float("-inf")
        self._last: Snapshot | None = None
        self._ahead: asyncio.Task[None] | None = None
        self._holding = asyncio.Lock()
        self._held: dict[int, tuple[float, Snapshot]] = {}  # by slot, with the time from which it is held

    async def snapshot(self, reuse_s: float = REUSE_S) -> Snapshot:
        """Return what is visible, as of at most ``reuse_s`` ago."""
        now = monotonic()
        age = now - self._looked_at
        if self._last is None or age > reuse_s:
            return await self._renewed(now - reuse_s)
        if age > AHEAD_S and (self._ahead is None or self._ahead.done()):
            self._ahead = asyncio.create_task(self._renew_ahead())
        return self._last

    async def held(self, question: str) -> Snapshot:
        """Return what is visible, as of at most `HELD_S` + `REUSE_S` ago; one question gets the same for `HELD_S`.

        While events arrive, each new snapshot shows more, and answers cached for one snapshot don't serve the next.
        """
        slot, held, came = crc32(question.encode()) % SLOTS, self._held, monotonic()
        if _is_over(held.get(slot), came):
            async with self._holding:
                if _is_over(held.get(slot), came):
                    held[slot] = came, await self._renewed(came - REUSE_S)
        return held[slot][1]

    def let_go(self) -> None:
        """Drop the held snapshots because a caller has seen a newer one: the next caller must not see less."""
        self._held = {}  # a new dict: a read still in progress fills the old one

    async def when_visible(self, positions: Sequence[Position], source: Source) -> Snapshot:
        """Return a snapshot that shows ``positions`` in its ``source``. Raises `NotYetVisible` if none does in time."""
        give_up_at = monotonic() + self._wait_s
        while True:
            moved = self._moved
            seen = await self._renewed(max(self._moved_at, monotonic() - self._poll_s))
            if seen.of(source).shows(positions):
                self.let_go()
                return seen
            left_s = give_up_at - monotonic()
            if left_s <= 0:
                raise NotYetVisible(", ".join(map(str, positions)))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(self._poll_s, left_s)):
                    await moved.wait()

    def look_again(self) -> None:
        """Note that more may be visible from now on. Call it in the event loop of the requests."""
        self._moved_at = monotonic()
        self._moved.set()
        self._moved = asyncio.Event()

    async def _renewed(self, since: float) -> Snapshot:
        """Return a snapshot of ``since`` or later, by the monotonic clock.

        What counts is when a caller arrived, not when it gets the lock. However slow a read is, all callers that
        arrived before it began share it; otherwise each would find it too old and read again.
        """
        async with self._looking:
            if self._last is None or self._looked_at < since:
                began = monotonic()
                generation = await self._reader.live()
                self._last = snapshot_of(generation, await answer(self._reader, generation, PROGRESS, NoParams()))
                self._looked_at = began
            return self._last

    async def _renew_ahead(self) -> None:
        with contextlib.suppress(StoreUnavailable):  # the next request that needs a new snapshot raises it
            await self._renewed(monotonic() - AHEAD_S)


def _is_over(held: tuple[float, Snapshot] | None, at: float) -> bool:
    return held is None or at - held[0] > HELD_S


def snapshot_of(generation: Generation, rows: Sequence[PartitionProgressRow]) -> Snapshot:
    """Return the snapshot for the progress of each partition; it claims no time until all partitions have reported."""
    all_reported = 0 < len(rows) >= generation.partitions

    def claim(reached: Sequence[int], complete_ms: Sequence[int]) -> Claim:
        return Claim(
            min(complete_ms) if all_reported else 0,
            sum(max(0, row.log_end - offset) for row, offset in zip(rows, reached, strict=True)),
            {row.log_partition: offset for row, offset in zip(rows, reached, strict=True)},
        )

    return Snapshot(
        generation,
        tables=claim([row.projected for row in rows], [row.complete_ms for row in rows]),
        rollups=claim([row.rolled_up for row in rows], [row.rolled_up_ms for row in rows]),
    )


def parse_positions(values: Sequence[str]) -> list[Position]:
    """Return the positions in the header's values; one value may hold several, separated by commas.

    Raises `ApiError` (422) if one of them is not a position.
    """
    try:
        return [Position.parse(text) for value in values for text in value.split(",")]
    except ValueError as error:
        raise invalid(
            {WAIT_HEADER: ["must be <partition>:<offset>, or several of them separated by commas"]}
        ) from error


def remember_claim(scope: "Scope", generation: Generation, claim: Claim) -> None:
    """Note what this response may claim: its generation, and the instant through which it is complete."""
    claims = {COMPLETE_HEADER: instant(claim.complete_through), GENERATION_HEADER: generation.name}
    headers = [(name.lower().encode(), value.encode()) for name, value in claims.items()]
    scope[_KEY] = headers  # type: ignore[literal-required]  # our own key, next to ASGI's


def freshness_header(app: "ASGIApp") -> "ASGIApp":
    """Wrap an ASGI app: add the headers to each response to a request that took a snapshot."""

    async def with_headers(scope: "Scope", receive: "Receive", send: "Send") -> None:
        async def send_with_headers(message: "Message") -> None:
            if message["type"] == "http.response.start" and _KEY in scope:
                claims = cast(Headers, scope[_KEY])  # type: ignore[literal-required]  # see above
                message["headers"] = [*message["headers"], *claims]
            await send(message)

        await app(scope, receive, send_with_headers)

    return with_headers
