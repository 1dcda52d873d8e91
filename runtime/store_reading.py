"""The read side's way into the store that the settings name."""

import structlog

from processors.errors import Broken
from query_api.errors import StoreRefuses, StoreUnavailable
from query_api.reader import ClickHouseReader, open_probe, open_reader
from runtime.settings import Settings
from runtime.store_url import store_address

logger = structlog.get_logger()


def store_reader(settings: Settings) -> ClickHouseReader:
    """A reader; it connects when first asked."""
    store = store_address(settings)
    return open_reader(store.options, store.control)


def store_probe(settings: Settings) -> ClickHouseReader:
    """What asks for readiness, on a connection of its own; it connects when first asked."""
    store = store_address(settings)
    return open_probe(store.options, store.control)


async def check_reading(reader: ClickHouseReader) -> None:
    """Refuse at the start what the store would refuse of every question. A store that is away may come later.

    Raises:
        Broken: the store does not let us read; the message says what to change.
    """
    try:
        await reader.check()
    except StoreRefuses as error:
        raise Broken(str(error)) from error
    except StoreUnavailable as error:
        logger.warning("store_unavailable", error=str(error))
