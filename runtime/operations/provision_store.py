"""Creates what the services need but never create themselves: databases, tables and requested generations; loads
requested prices.

Running it again is safe, since each step looks first. It refuses a change that would break a promise, such as another
partition count.
"""

from contextlib import closing
from threading import Event

from generations.jobs.table import load_jobs
from generations.provisioned_jobs import create_or_drop, left_to_do, load_requested_prices, make_generation
from prices.log import PriceLog, begin_prices
from prices.price_list import PriceList
from store.address import StoreAddress
from store.client_errors import classified
from store.connect import WRITE, Client, connect
from store.errors import Refused
from store.generations import FIRST_GENERATION, add_generation_event, existing_generations, load_generations
from store.migrate import migrate

EMBEDDED_PARTITIONS = 1  # a log in a file has one partition


def provision_store(
    store: StoreAddress,
    partitions: int,
    prices: PriceList,
    log: PriceLog | None = None,
    stopping: Event | None = None,
) -> list[str]:
    """Bring the control database and all generations up to date; return one line for each change.

    An empty price history begins with the list ``prices``, then gets the prices in ``log``. Once ``stopping`` is set,
    nothing is waited for. Raises `Refused`, `StoreUnavailable` and, if the log is needed, `LogUnavailable`.
    """
    with classified():
        done = migrate(store, store.control, "control")
        with closing(connect(WRITE, **store.at(store.control))) as client:
            done += begin_prices(client, prices, log)
            if not any(known.is_live for known in load_generations(client)):
                return [*done, *_make_first(client, store, partitions)]
            for known in existing_generations(client):
                if known.partitions != partitions:
                    raise Refused(
                        f"generation {known.name} was made for {known.partitions} partitions, not {partitions}: "
                        "the number can't be changed"
                    )
                done += migrate(store, store.database(known.name), "generation", known.fold_version)
            for job in left_to_do(load_generations(client), load_jobs(client)):
                if job.kind == "prices":
                    done += load_requested_prices(client, log, job)
                else:
                    done += create_or_drop(client, store, job, partitions, stopping)
        return done


def _make_first(client: Client, store: StoreAddress, partitions: int) -> list[str]:
    """Create the first generation, or finish creating it: a process may have died between the two records."""
    if known := load_generations(client):
        done = migrate(store, store.database(FIRST_GENERATION), "generation", known[0].made.fold_version)
    else:
        done = make_generation(client, store, FIRST_GENERATION, partitions)
    first = load_generations(client)[0].made
    add_generation_event(client, first, "live")
    return [*done, f"generation {first.name}, live"]
