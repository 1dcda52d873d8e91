"""Follows every generation in one process, for the embedded default, where one process owns log and store.

A generation that another fold version built is not followed, because its old and new numbers would not match. If it is
live, readers see it unchanged until another generation is filled and live.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence

import msgspec
import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from generations.jobs.table import Job
from generations.projector_jobs import ProjectorJobs
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from ingest.log.tiered import copies_of
from processors.flow.observer import Observer
from processors.fold.fold import FOLD_VERSION
from processors.projector import Projector
from processors.runners.local_loop import run_local
from runtime.services.projector import check_start, make_projector
from runtime.settings.settings import Settings
from store.generations import Generation, KnownGeneration
from store.reading.reader import Reader

DRAIN_S = 8.0
logger = structlog.get_logger()


class Follower:
    """A projector of one generation, and its jobs."""

    def __init__(
        self, settings: Settings, log: SqliteEventLog, reader: Reader, generation: Generation, *observers: Observer
    ) -> None:
        self._log, self._batch_records = log, settings.batch_records
        self.generation = generation
        self.registry = CollectorRegistry()
        own = msgspec.structs.replace(settings, generation=generation.name)
        self.projector: Projector = make_projector(
            own, log, generation.partitions, self.registry, *observers, rewrite_log=log.rewrite
        )
        by = f"projector of {generation.name} in `up`"
        copies = copies_of(log, generation.partitions, log.path)
        self.jobs = ProjectorJobs(self.projector, reader, generation, by, copies)
        self.projector.metrics.follow_erasures(lambda: self.jobs.certifier.seen)
        self._projecting: asyncio.Future[list[None]] | None = None

    async def start(self) -> None:
        """Check that log and tables match, then start. Raises `Broken` if they do not."""
        await check_start(self.projector.warehouse, self._log, self.generation.partitions)
        self.projector.watchdog.start()
        projecting = run_local(self.projector.pipeline, self.projector.warehouse, self._log, self._batch_records)
        background = [*self.projector.background(), self.jobs.certifier.run]
        self._projecting = asyncio.gather(projecting, *[run() for run in background])

    def check(self) -> None:
        """Raise the error that ended the projection, if any."""
        if self._projecting is not None and self._projecting.done():
            self._projecting.result()

    async def stop(self) -> None:
        """Let the write in progress finish and end all threads; the rest is projected after the next start."""
        self.projector.watchdog.stop()
        await self.jobs.stop()
        if self._projecting is None:
            return
        self.check()
        self._projecting.cancel()
        await asyncio.wait({self._projecting})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.projector.pipeline.drain(), DRAIN_S)
        self.projector.pipeline.calls.close()


class Followers:
    """A `Subscriber`: starts and stops followers as generations come and go. ``observers`` get their reports."""

    def __init__(self, settings: Settings, log: SqliteEventLog, reader: Reader, *observers: Observer) -> None:
        self._settings, self._log, self._reader, self._observers = settings, log, reader, observers
        self._followers: dict[str, Follower] = {}
        self._left_out: set[str] = set()
        self._live = ""

    async def see(self, generations: Sequence[KnownGeneration], jobs: Sequence[Job]) -> None:
        """Follow every existing generation of this fold version. Raises `Broken` if a projection ends or fails."""
        existing = [known for known in generations if not known.is_dropped]
        self._live = next((known.name for known in existing if known.is_live), "")
        wanted = {known.name: known.made for known in existing if known.made.fold_version == FOLD_VERSION}
        self._note_left_out(known for known in existing if known.name not in wanted)
        for name in self._followers.keys() - wanted.keys():
            await self._followers.pop(name).stop()
        for name in [name for name in wanted if name not in self._followers]:
            follower = Follower(self._settings, self._log, self._reader, wanted[name], *self._observers)
            await follower.start()
            self._followers[name] = follower
        for follower in self._followers.values():
            follower.check()
            await follower.jobs.see(generations, jobs)

    async def stop(self) -> None:
        for follower in self._followers.values():
            await follower.stop()

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of the live generation's projector, for a registry."""
        live = self._followers.get(self._live)
        return live.registry.collect() if live else ()

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that a registry does not collect during registration."""
        return ()

    def _note_left_out(self, left_out: Iterable[KnownGeneration]) -> None:
        for known in left_out:
            if known.name not in self._left_out:
                self._left_out.add(known.name)
                logger.warning(
                    "generation_not_followed",
                    generation=known.name,
                    live=known.is_live,
                    why=f"fold version {known.made.fold_version} built it, but this code has {FOLD_VERSION}: fill a "
                    "new generation with `replay --to`, prove it, and switch to it",
                )
