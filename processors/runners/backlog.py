"""The records that were delivered and wait for their batch: bounded, so that a slow store is back-pressure."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")
LARGE_SHARE = 10  # a batch is large with a tenth of what it may hold


class Backlog(Generic[T]):
    """Used from one event loop: one task adds, another takes."""

    def __init__(self, records_max: int, bytes_max: int) -> None:
        """``records_max`` and ``bytes_max`` bound a batch; the record that exceeds the bytes is still part of it."""
        self._records_max, self._bytes_max = records_max, bytes_max
        self._items: list[T] = []
        self._bytes = 0
        self._some, self._large, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def put(self, item: T, size: int) -> None:
        """Add a record of ``size`` bytes, once there is room for it."""
        while len(self._items) >= self._records_max or self._bytes >= self._bytes_max:
            self._room.clear()
            await self._room.wait()
        self._items.append(item)
        self._bytes += size
        self._some.set()
        if is_large(len(self._items), self._bytes, self._records_max, self._bytes_max):
            self._large.set()

    async def take(self, may_begin: Callable[[Awaitable[object]], Awaitable[None]]) -> list[T]:
        """Return everything that waits, once that is large or ``may_begin`` says so."""
        await self._some.wait()
        if not self._large.is_set():
            await may_begin(self._large.wait())
        taken, self._items, self._bytes = self._items, [], 0
        self._some.clear()
        self._large.clear()
        self._room.set()
        return taken


def is_large(records: int, size: int, records_max: int, bytes_max: int) -> bool:
    """Return whether a batch is worth its fixed cost, so that it need not wait for more records."""
    return records * LARGE_SHARE >= records_max or size * LARGE_SHARE >= bytes_max
