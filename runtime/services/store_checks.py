"""Checks by the read side: that the store belongs to its installation and lets this process read."""

import asyncio

import structlog

from ingest.log.broken import stop_the_process
from runtime.settings.settings import Settings
from runtime.settings.store_url import store_address
from schemas.installation import OwnSecrets
from store.broken import Broken
from store.errors import StoreRefuses, StoreUnavailable
from store.installation_record import check_own_secrets
from store.reading.errors import ReadRefused
from store.reading.reader import ClickHouseReader

logger = structlog.get_logger()
COMPARE_EVERY_S = 1.0
COMPARE_WITHIN_S = 5.0


async def compare_store(settings: Settings, own: OwnSecrets) -> "asyncio.Task[None] | None":
    """Compare now, or return a task that compares once the store is reachable: the service may start before.

    Raises `Broken`: the store belongs to another installation, or not to any yet.
    """
    try:
        await _compare(settings, own)
    except StoreUnavailable as error:
        logger.warning("store_unavailable", error=str(error))
        return asyncio.create_task(_compare_later(settings, own))
    return None


async def _compare_later(settings: Settings, own: OwnSecrets) -> None:
    while True:
        await asyncio.sleep(COMPARE_EVERY_S)
        try:
            return await _compare(settings, own)
        except (StoreUnavailable, StoreRefuses):
            continue  # readers log a refusal, and go on once it has ended
        except Broken as error:
            stop_the_process(error)


async def _compare(settings: Settings, own: OwnSecrets) -> None:
    try:
        async with asyncio.timeout(COMPARE_WITHIN_S):
            await asyncio.to_thread(check_own_secrets, store_address(settings), own)
    except TimeoutError as error:
        raise StoreUnavailable(f"no answer within {COMPARE_WITHIN_S:.0f} s") from error


async def check_reading(reader: ClickHouseReader) -> None:
    """Raise `Broken` if the store refuses every question. An unreachable store is checked later."""
    try:
        await reader.check()
    except ReadRefused as error:
        raise Broken(str(error)) from error
    except StoreUnavailable as error:
        logger.warning("store_unavailable", error=str(error))
