"""Deadlines of requests, all checked by one sweep: `asyncio.timeout` sets and cancels a timer for each.

A deadline passes up to `SWEEP_S` late.
"""

import asyncio
from time import monotonic
from types import TracebackType
from typing import Any, Self, cast

SWEEP_S = 0.25


class Deadlines:
    """The deadlines of one owner, on one event loop. It sweeps only while there are any."""

    def __init__(self) -> None:
        self._pending: dict[Deadline, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_sweeping = False

    def after(self, seconds: float) -> "Deadline":
        """Return a context manager that ends its body with a `TimeoutError`, like `asyncio.timeout`."""
        return Deadline(self, seconds)

    def current_task(self) -> "asyncio.Task[Any]":
        """Return the running task. To ask asyncio for the loop each time would take a system call."""
        task = asyncio.current_task(self._loop) if self._loop else None
        if task is None:
            self._loop = asyncio.get_running_loop()
            task = cast("asyncio.Task[Any]", asyncio.current_task(self._loop))
        return task

    def add(self, deadline: "Deadline") -> None:
        self._pending[deadline] = None
        if not self._is_sweeping:
            self._sweep_later()

    def remove(self, deadline: "Deadline") -> None:
        self._pending.pop(deadline, None)

    def _sweep_later(self) -> None:
        self._is_sweeping = True
        asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        self._is_sweeping = False
        if self._pending:
            self._sweep_later()
        now = monotonic()
        for deadline in [one for one in self._pending if one.when <= now]:
            deadline.expire()


class Deadline:
    """One deadline; enter it once. ``when`` is a time of `time.monotonic`, and may be moved."""

    def __init__(self, deadlines: Deadlines, seconds: float) -> None:
        self._deadlines, self._seconds = deadlines, seconds
        self.is_expired = False

    async def __aenter__(self) -> Self:
        self._task = self._deadlines.current_task()
        self._cancelling = self._task.cancelling()
        self.when = monotonic() + self._seconds
        self._deadlines.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.remove(self)
        # Someone else may have cancelled the task as well: then it stays cancelled.
        if self.is_expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """Cancel the body now."""
        if not self.is_expired:
            self.is_expired = True
            self._deadlines.remove(self)
            self._task.cancel()
