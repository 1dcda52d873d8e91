"""Implements `prices load` and `prices show`: read or extend the price history of an installation."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from clickhouse_connect.driver.client import Client

from deploy.devstack.stack import stack_store_url
from runtime.run_folder import locked_folder
from runtime.settings import Settings
from runtime.store_url import parse_store_url, store_address
from runtime.tls import check_transport
from schemas.pricing.price_file import Price
from schemas.pricing.price_list import LoadedPrice
from store.connect import WRITE, connect
from store.errors import classified
from store.migrate import migrate
from store.prices import Loaded, extend_history, history_of


def load_prices(settings: Settings, wanted: Sequence[Price], *, new_generations_only: bool) -> Loaded:
    """Add the prices that the installation does not have yet.

    Raises:
        TooEarly: a price could concern reports that are counted already.
        Broken: another process uses the data folder.
        StoreUnavailable: the store is away.
    """
    with _control(settings) as client:
        return extend_history(client, wanted, new_generations_only=new_generations_only)


def price_history(settings: Settings) -> list[LoadedPrice]:
    """Return every price that was ever loaded; raise as `load_prices` does."""
    with _control(settings) as client:
        return history_of(client)


@contextmanager
def _control(settings: Settings) -> Iterator[Client]:
    """Yield a client of the control database. An engine in the data folder must not be open in another process."""
    stack_url = None if settings.store_url else stack_store_url(settings.folder)
    store = parse_store_url(stack_url) if stack_url else store_address(settings)
    check_transport(store)
    with locked_folder(settings.folder, needed=store.is_embedded), classified():
        migrate(store, store.control, "control")
        with closing(connect(WRITE, **store.at(store.control))) as client:
            yield client
