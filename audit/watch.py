"""The audit in the background: every minute over what began in the last hours, and once a night over everything.

It asks what `coverage` and `recount` ask. What it finds stands in the log and in `/metrics`; it mends nothing.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta

import structlog
from litestar import Litestar

from audit.coverage import GAPS_MAX, Coverage, coverage_of
from audit.questions import COVERAGE, FRESHNESS_BY_PARTITION, GapsUpTo
from audit.recount import Recount, Recounted
from audit.slices import Slice, days_asked
from query_api.queries import NoParams, P, Question, R
from query_api.reader import Reader, answer
from store.errors import StoreUnavailable

logger = structlog.get_logger()
HOURS = 3
NIGHTLY_AT_HOUR = 3  # in UTC
SHOWN_MAX = 5

Found = Callable[[str, Coverage, Recounted, float], None]  # scope (hours | all), what was found, seconds it took


class Audit:
    """Compares the live generation with itself, again and again."""

    def __init__(
        self, reader: Reader, every_s: float, on_found: Found, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """``on_found`` is told of every run; ``every_s`` is the pause between two, 0 for none at all."""
        self._reader, self._every_s, self._on_found, self._now = reader, every_s, on_found, now
        self._last_full: datetime | None = None

    async def run(self) -> None:
        """Audit until cancelled."""
        while self._every_s:
            await asyncio.sleep(self._every_s)
            try:
                await self.once()
            except StoreUnavailable as error:
                logger.warning("store_unavailable", error=str(error))
            except Exception:  # requests must not suffer for it; that no audit ends any more is seen in the metrics
                logger.exception("audit_failed")

    async def once(self) -> None:
        """Look at the last hours, or at everything if it is the first time tonight."""
        began, now = time.monotonic(), self._now()
        full = self._is_night(now)
        recount = Recount(self, None, days_asked(None, None))
        coverage = await self._coverage()
        recounted = await (recount.run() if full else recount.of_hours(_last_hours(now)))
        if full:
            self._last_full = now
        scope = "all" if full else "hours"
        self._tell(scope, coverage, recounted)
        self._on_found(scope, coverage, recounted, time.monotonic() - began)

    async def ask(self, question: Question[P, R], params: P) -> list[R]:
        """The rows that answer a question in the live generation."""
        return await answer(self._reader, await self._reader.live(), question, params)

    async def _coverage(self) -> Coverage:
        progress = await self.ask(FRESHNESS_BY_PARTITION, NoParams())
        return coverage_of(progress, await self.ask(COVERAGE, GapsUpTo(GAPS_MAX)))

    def _is_night(self, now: datetime) -> bool:
        """Whether the full audit of this night is still to come."""
        last = self._last_full
        return now.hour == NIGHTLY_AT_HOUR and (last is None or now - last > timedelta(hours=12))

    def _tell(self, scope: str, coverage: Coverage, recounted: Recounted) -> None:
        if coverage.complete and recounted.equal:
            logger.info("audit", scope=scope, positions=coverage.positions, sessions=recounted.compared.sessions)
            return
        some = [f"{d.table} {d.key}: {d.column} {d.stored} != {d.recounted}" for d in recounted.differences[:SHOWN_MAX]]
        many = len(recounted.differences)
        logger.error("audit_found", scope=scope, missing=coverage.missing, differences=many, some=some)


def _last_hours(now: datetime) -> Slice:
    """The hour that has begun, and those before it."""
    until = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return Slice(until - timedelta(hours=HOURS), until, 0, 0)


def auditing(audit: Audit) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """A lifespan during which the audit runs."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        running = asyncio.create_task(audit.run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.wait({running})

    return lifespan
