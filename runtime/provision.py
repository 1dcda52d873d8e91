"""Create what the services need and never create themselves: the databases, their tables, the first generation.

Running it again is safe: each step looks first. It refuses what would break a promise, such as another partition count.
"""

from collections.abc import Sequence
from contextlib import closing

from processors.fold.fold import FOLD_VERSION
from schemas.pricing.price_list import PriceList, newest
from store.address import StoreAddress
from store.connect import WRITE, connect
from store.errors import Refused, classified
from store.generations import FIRST_GENERATION, Generation, create_generation, created_generations
from store.migrate import migrate
from store.price_log import PriceLog, begin_prices
from store.prices import history_of

EMBEDDED_PARTITIONS = 1  # of the log in a file


def provision_store(store: StoreAddress, partitions: int, prices: PriceList, log: PriceLog | None = None) -> list[str]:
    """Bring the control database and all generations up to date; return a line for each thing that was done.

    ``prices`` is the list that an empty price history begins with; the prices that ``log`` holds follow.

    Raises:
        Refused: what is there does not fit.
        StoreUnavailable: the store is away.
        LogUnavailable: the log is away, and it is needed.
    """
    with classified():
        done = migrate(store, store.control, "control")
        with closing(connect(WRITE, **store.at(store.control))) as client:
            done += begin_prices(client, prices, log)
            generations = created_generations(client)
            if not generations:
                done += migrate(store, store.database(FIRST_GENERATION), "generation")
                made_with = PriceList(newest(history_of(client))).sha256
                create_generation(client, store, Generation(FIRST_GENERATION, partitions, FOLD_VERSION, made_with))
                return [*done, f"generation {FIRST_GENERATION}, live"]
        return done + _migrate_all(store, generations, partitions)


def _migrate_all(store: StoreAddress, generations: Sequence[Generation], partitions: int) -> list[str]:
    done: list[str] = []
    for known in generations:
        if known.partitions != partitions:
            raise Refused(
                f"generation {known.name} was made for {known.partitions} partitions, not {partitions}: "
                "the count is frozen"
            )
        done += migrate(store, store.database(known.name), "generation")
    return done
