"""The delivered records that wait for their batch: bounded, so that a slow store causes back-pressure."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Backlog(Generic[T]):
    """Used from one event loop: one task adds, another takes."""

    def __init__(self, records_max: int, bytes_max: int) -> None:
        """``records_max`` and ``bytes_max`` bound a batch; the record that exceeds the bytes is still part of it."""
        self._records_max, self._bytes_max = records_max, bytes_max
        self._items: list[T] = []
        self._bytes = 0
        self._some, self._full, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def put(self, item: T, size: int) -> None:
        """Add a record of ``size`` bytes, once there is room for it."""
        while is_full(len(self._items), self._bytes, self._records_max, self._bytes_max):
            self._room.clear()
            await self._room.wait()
        self._items.append(item)
        self._bytes += size
        self._some.set()
        if is_full(len(self._items), self._bytes, self._records_max, self._bytes_max):
            self._full.set()

    async def take(self, wait_to_begin: Callable[[Awaitable[object]], Awaitable[None]]) -> list[T]:
        """Return everything that waits, once the backlog is full or ``wait_to_begin`` returns."""
        await self._some.wait()
        if not self._full.is_set():
            await wait_to_begin(self._full.wait())
        taken, self._items, self._bytes = self._items, [], 0
        self._some.clear()
        self._full.clear()
        self._room.set()
        return taken


def is_full(records: int, size: int, records_max: int, bytes_max: int) -> bool:
    """Return whether a batch holds all that it may."""
    return records >= records_max or size >= bytes_max
