"""Carries out jobs, each once: picks up a job, reports its progress, and records its result."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import structlog

from generations.jobs.rules import refusal_now
from generations.jobs.table import SHARED, Event, Job, Kind, Report, report_of
from generations.situation import Situation, load_situation
from store.broken import Broken
from store.errors import StoreUnavailable
from store.reading.reader import Reader

REPORT_EVERY_S = 2.0
logger = structlog.get_logger()
OnProgress = Callable[[float, str], None]  # the share that is done, and the current step
Partitions = frozenset[int]
Work = Callable[[Job, Partitions, OnProgress], Awaitable[Report]]


class NotPossible(Exception):
    """The job can't be done; the message says why and what to do."""


async def check_again(reader: Reader, job: Job) -> Situation:
    """Return the current situation. Raises `NotPossible` if it has changed so that the job no longer makes sense."""
    situation = await load_situation(reader)
    if why := refusal_now(job.kind, job.generation, job.options, situation):
        raise NotPossible(why)
    return situation


class JobRunner:
    """The jobs that one process has picked up."""

    def __init__(self, reader: Reader, by: str, work: Mapping[Kind, Work], held: Callable[[], Partitions]) -> None:
        """Set up for the process that the audit trail calls ``by``; ``held`` returns the partitions it follows now."""
        self._reader, self._by, self._work, self._held = reader, by, work, held
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._ended: dict[UUID, Partitions] = {}  # the work whose end we have recorded

    def begin(self, job: Job, ours: Partitions) -> None:
        """Start the work for these partitions unless it is running or has ended."""
        left = ours - self._ended.get(job.id, frozenset())  # ``job`` may be older than our last report on it
        if left and job.id not in self._running:
            self._running[job.id] = asyncio.create_task(self._do(job, left))

    def check(self) -> None:
        """Forget the work that has ended. Raises `Broken` if it ended with a fault that must stop the process."""
        for job_id in [job_id for job_id, task in self._running.items() if task.done()]:
            self._running.pop(job_id).result()

    async def stop(self) -> None:
        """Cancel the work in progress; another process, or this one after a restart, picks it up again."""
        for task in self._running.values():
            task.cancel()
        if self._running:
            await asyncio.wait(self._running.values())

    async def _do(self, job: Job, ours: Partitions) -> None:
        try:
            await self._add(job, "taken", ours)
            try:
                report = await self._work[job.kind](job, ours, self._reporter(job, ours))
            except StoreUnavailable:
                raise
            except Exception as error:
                await self._failed(job, ours, error)
            else:
                await self._done(job, ours, report)
        except StoreUnavailable as error:
            logger.warning("store_unavailable", error=str(error))  # the next poll starts the work again

    async def _done(self, job: Job, ours: Partitions, report: Report) -> None:
        """Record the result. For shared work, leave out partitions that another process has taken over meanwhile."""
        if job.kind in SHARED:
            ours &= self._held()
        if ours:
            await self._end(job, "done", ours, report)
            logger.info("job_done", kind=job.kind, generation=job.generation, id=str(job.id))

    async def _failed(self, job: Job, ours: Partitions, error: Exception) -> None:
        """Record the reason first, so that no process picks up the job again only to fail."""
        expected = isinstance(error, NotPossible | Broken)
        text = str(error) if expected else f"{type(error).__name__}: {error}; the log of {self._by} has the details"
        if not expected:
            logger.exception("job_failed", kind=job.kind, id=str(job.id))
        await self._end(job, "failed", ours, Report(text=text))
        if isinstance(error, Broken):
            raise error

    async def _end(self, job: Job, event: Event, ours: Partitions, report: Report) -> None:
        await self._add(job, event, ours, report)
        self._ended[job.id] = self._ended.get(job.id, frozenset()) | ours

    def _reporter(self, job: Job, ours: Partitions) -> OnProgress:
        last, reports = float("-inf"), set[asyncio.Task[None]]()

        def report(share: float, text: str) -> None:
            nonlocal last
            if time.monotonic() - last >= REPORT_EVERY_S and not reports:
                last = time.monotonic()
                task = asyncio.ensure_future(self._try_to_report(job, ours, Report(share=share, text=text)))
                reports.add(task)
                task.add_done_callback(reports.discard)

        return report

    async def _try_to_report(self, job: Job, ours: Partitions, report: Report) -> None:
        try:
            await self._add(job, "progress", ours, report)
        except StoreUnavailable as error:
            logger.warning("store_unavailable", error=str(error))

    async def _add(self, job: Job, event: Event, ours: Partitions, report: Report | None = None) -> None:
        await self._reader.control("generations.jobs.add_event", report_of(job, event, self._by, ours, report))
