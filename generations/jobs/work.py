"""Carries out requests, each once: picks up a request, reports its progress, and records its result."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import structlog

from generations.jobs.table import SHARED, Event, Kind, Report, Request, report_of
from store.broken import Broken
from store.errors import StoreUnavailable
from store.reading.reader import Reader

REPORT_EVERY_S = 2.0
logger = structlog.get_logger()
OnProgress = Callable[[float, str], None]  # the share that is done, and the current step
Partitions = frozenset[int]


class NotPossible(Exception):
    """The request can't be fulfilled; the message says why and what to do."""


Work = Callable[[Request, Partitions, OnProgress], Awaitable[Report]]


class RequestedWork:
    """The requests that one process has picked up."""

    def __init__(self, reader: Reader, by: str, work: Mapping[Kind, Work], held: Callable[[], Partitions]) -> None:
        """Set up for the process that the audit trail calls ``by``; ``held`` returns the partitions it follows now."""
        self._reader, self._by, self._work, self._held = reader, by, work, held
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._ended: dict[UUID, Partitions] = {}  # the work whose end we have recorded

    def begin(self, request: Request, ours: Partitions) -> None:
        """Start the work for these partitions unless it is running or has ended.

        ``request`` may be older than our last report on it, so we remember which work has ended.
        """
        left = ours - self._ended.get(request.id, frozenset())
        if left and request.id not in self._running:
            self._running[request.id] = asyncio.create_task(self._do(request, left))

    def check(self) -> None:
        """Forget the work that has ended.

        Raises:
            Broken: work ended with a fault that must stop the process.
        """
        for request_id in [request_id for request_id, task in self._running.items() if task.done()]:
            self._running.pop(request_id).result()

    async def stop(self) -> None:
        """Cancel the work in progress; another process, or this one after a restart, picks it up again."""
        for task in self._running.values():
            task.cancel()
        if self._running:
            await asyncio.wait(self._running.values())

    async def _do(self, request: Request, ours: Partitions) -> None:
        try:
            await self._add(request, "taken", ours)
            try:
                report = await self._work[request.kind](request, ours, self._reporter(request, ours))
            except StoreUnavailable:
                raise
            except Exception as error:
                await self._failed(request, ours, error)
            else:
                await self._done(request, ours, report)
        except StoreUnavailable as error:
            logger.warning("store_unavailable", error=str(error))  # the next poll starts the work again

    async def _done(self, request: Request, ours: Partitions, report: Report) -> None:
        """Record the result. For shared work, leave out partitions that another process has taken over meanwhile."""
        if request.kind in SHARED:
            ours &= self._held()
        if ours:
            await self._end(request, "done", ours, report)
            logger.info("request_done", kind=request.kind, generation=request.generation, id=str(request.id))

    async def _failed(self, request: Request, ours: Partitions, error: Exception) -> None:
        """Record the reason first, so that no process picks up the request again only to fail."""
        expected = isinstance(error, NotPossible | Broken)
        text = str(error) if expected else f"{type(error).__name__}: {error}; the log of {self._by} has the details"
        if not expected:
            logger.exception("request_failed", kind=request.kind, id=str(request.id))
        await self._end(request, "failed", ours, Report(text=text))
        if isinstance(error, Broken):
            raise error

    async def _end(self, request: Request, event: Event, ours: Partitions, report: Report) -> None:
        await self._add(request, event, ours, report)
        self._ended[request.id] = self._ended.get(request.id, frozenset()) | ours

    def _reporter(self, request: Request, ours: Partitions) -> OnProgress:
        last, reports = float("-inf"), set[asyncio.Task[None]]()

        def report(share: float, text: str) -> None:
            nonlocal last
            if time.monotonic() - last >= REPORT_EVERY_S and not reports:
                last = time.monotonic()
                task = asyncio.ensure_future(self._try_to_report(request, ours, Report(share=share, text=text)))
                reports.add(task)
                task.add_done_callback(reports.discard)

        return report

    async def _try_to_report(self, request: Request, ours: Partitions, report: Report) -> None:
        try:
            await self._add(request, "progress", ours, report)
        except StoreUnavailable as error:
            logger.warning("store_unavailable", error=str(error))

    async def _add(self, request: Request, event: Event, ours: Partitions, report: Report | None = None) -> None:
        await self._reader.control("generations.jobs.request_event", report_of(request, event, self._by, ours, report))
