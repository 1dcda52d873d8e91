"""Implements `prices load` and `prices show` where no process uses the installation, or where its store is a server."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from prices.log import begin_prices, load
from prices.price_list import LoadedPrice, list_prices
from prices.table import history_of, is_counting
from runtime.operations.price_log import open_price_log
from runtime.services.run_folder import locked_folder
from runtime.settings.settings import BadSettings, Settings
from runtime.settings.store_url import store_address
from runtime.settings.tls import check_transport
from schemas.log.price import Price
from store.client_errors import classified
from store.connect import WRITE, Client, connect
from store.migrate import migrate


def load_prices(settings: Settings, wanted: Sequence[Price], *, new_generations_only: bool) -> list[LoadedPrice]:
    """Add prices that the installation does not have yet to its log, and then to its store; return them.

    Raises `TooEarly` if a price could apply to reports that are counted already, `BadSettings` if the installation has
    a log that the settings do not name, `Broken` if another process uses the data folder. After `StoreUnavailable` and
    `LogUnavailable`, run the same command again.
    """
    log = open_price_log(settings)
    with _control(settings) as client:
        begun = log.exists()
        if begun:
            begin_prices(client, list_prices(), log)  # or the history of a lost store would begin with this load
        elif is_counting(client):
            raise BadSettings(
                "log_url: prices are recorded in the log, but there is no log at this URL, although the store has a "
                "generation: give --log-url and Kafka's settings as for `ingest`"
            )
        return load(client, log if begun else None, wanted, new_generations_only=new_generations_only)


def price_history(settings: Settings) -> list[LoadedPrice]:
    """Return every price that was ever loaded. Raises as `load_prices` does."""
    with _control(settings) as client:
        return history_of(client)


@contextmanager
def _control(settings: Settings) -> Iterator[Client]:
    """Yield a client of the control database. An engine in the data folder must not be open in another process."""
    store = store_address(settings)
    check_transport(store)
    with locked_folder(settings.folder, needed=store.is_embedded), classified():
        migrate(store, store.control, "control")
        with closing(connect(WRITE, **store.at(store.control))) as client:
            yield client
