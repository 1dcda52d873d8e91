"""The background audit: every minute for the sessions that started in the last hours, every night for all sessions.

Every minute it checks the receipts above the marks of `processors.marks.dense_receipts`, and every night all receipts.
It checks missing receipts again every minute until they exist. It asks the questions of `coverage` and `recount`,
reports to the log and to `/metrics`, and repairs nothing.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from audit.coverage import Coverage, first_gaps, load_coverage, load_recent_coverage
from audit.recount import Recount, Recounted
from audit.slices import RecountSlice, days_asked
from store.errors import StoreUnavailable
from store.reading.reader import GenerationReader, Reader

logger = structlog.get_logger()
HOURS = 3
NIGHTLY_AT_HOUR = 3  # in UTC
SHOWN_MAX = 5
SCOPES = ("hours", "all")

InProgress = Callable[[str], AbstractContextManager[Any]]  # scope; entered while an audit runs
OnAudited = Callable[[str, Coverage, Recounted, float], None]  # scope (hours | all), the results, duration in seconds


class Audit:
    """Audits the live generation at intervals."""

    def __init__(
        self,
        reader: Reader,
        every_s: float,
        on_found: OnAudited,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        in_progress: InProgress = lambda _scope: nullcontext(),
    ) -> None:
        """Set up audits: ``on_found`` receives every result, ``every_s`` is the pause between two audits (0: none)."""
        self._reader, self._every_s, self._on_found, self._now = reader, every_s, on_found, now
        self._in_progress = in_progress
        self._last_full: datetime | None = None
        self._suspected: dict[int, int] = {}  # by partition: the first position missing in the last audit

    async def run(self) -> None:
        while self._every_s:
            await asyncio.sleep(self._every_s)
            try:
                await self.once()
            except StoreUnavailable as error:
                logger.warning("store_unavailable", error=str(error))
            except Exception:  # it must not make requests fail; the metrics show that audits no longer end
                logger.exception("audit_failed")

    async def once(self) -> None:
        """Audit the last hours, or everything if this is the first audit of the night."""
        now, last = self._now(), self._last_full
        full = now.hour == NIGHTLY_AT_HOUR and (last is None or now - last > timedelta(hours=12))
        scope = "all" if full else "hours"
        until = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)  # the end of the current hour
        hours = RecountSlice(until - timedelta(hours=HOURS), until, 0, 0)
        with self._in_progress(scope):
            began = time.monotonic()
            live = GenerationReader(self._reader, await self._reader.live())
            recount = Recount(live, None, days_asked(None, None), fold_version=live.generation.fold_version)
            coverage = await (load_coverage(live) if full else load_recent_coverage(live, self._suspected))
            self._suspected = first_gaps(coverage)
            recounted = await (recount.run() if full else recount.of_hours(hours))
            if full:
                self._last_full = now
            self._log(scope, coverage, recounted)
            self._on_found(scope, coverage, recounted, time.monotonic() - began)

    def _log(self, scope: str, coverage: Coverage, recounted: Recounted) -> None:
        if coverage.complete and recounted.equal:
            logger.info("audit", scope=scope, positions=coverage.positions, sessions=recounted.compared.sessions)
            return
        some = [f"{d.table} {d.key}: {d.column} {d.stored} != {d.recounted}" for d in recounted.differences[:SHOWN_MAX]]
        many = len(recounted.differences)
        logger.error("audit_found", scope=scope, missing=coverage.missing, differences=many, some=some)


class AuditMetrics:
    """The metrics of a process that audits. Alert on any missing position and on any difference."""

    def __init__(self, registry: CollectorRegistry) -> None:
        gauge, scope = partial(Gauge, registry=registry), ("scope",)
        self._runs = Counter("crewkit_audit_runs_total", "Audits that ended.", scope, registry=registry)
        self._missing = gauge("crewkit_audit_missing_positions", "Positions of the log without a receipt.")
        self._differences = gauge("crewkit_audit_differences", "Numbers that differ from a recount.", scope)
        self._at = gauge("crewkit_audit_last_run_timestamp_seconds", "When the last audit ended.", scope)
        self._seconds = gauge("crewkit_audit_duration_seconds", "How long the last audit took.", scope)
        self._running = gauge("crewkit_audit_in_progress", "1 while an audit of this scope runs.", scope)
        for name in SCOPES:  # from the start, so that an audit that never ran has a series too
            self._runs.labels(name)
            self._running.labels(name)

    def in_progress(self, scope: str) -> AbstractContextManager[Any]:
        return self._running.labels(scope).track_inprogress()

    def found(self, scope: str, coverage: Coverage, recounted: Recounted, seconds: float) -> None:
        self._runs.labels(scope).inc()
        self._missing.set(coverage.missing)
        self._differences.labels(scope).set(len(recounted.differences))
        self._at.labels(scope).set(time.time())
        self._seconds.labels(scope).set(seconds)
