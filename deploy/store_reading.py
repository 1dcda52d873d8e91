"""The read side's way into the store that the settings name."""

from deploy.settings import Settings
from deploy.store_url import parse_store_url
from query_api.reader import ClickHouseReader, open_probe, open_reader


def store_reader(settings: Settings) -> ClickHouseReader:
    """A reader; it connects when first asked."""
    store = parse_store_url(settings.store)
    return open_reader(store.options, store.control)


def store_probe(settings: Settings) -> ClickHouseReader:
    """What asks for readiness, on a connection of its own; it connects when first asked."""
    store = parse_store_url(settings.store)
    return open_probe(store.options, store.control)
