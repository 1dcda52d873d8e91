"""How much does the store take from a client that only inserts facts? No projector can be faster than that.

Blocks of RowBinary, as the projector makes them, into the product's table, merges included.
"""

import time

from bench.facts_layout import make_blocks
from bench.harness import BenchQuestion, Figure, Report
from bench.rounds import Turn, figures_of, in_turns
from bench.services import in_own_process, temporary_folder
from prices.price_list import list_prices
from runtime.operations.provision_store import provision_store
from runtime.services.projector import make_warehouse
from runtime.settings.store_url import parse_store_url
from store.generations import FIRST_GENERATION

NAME = "store_limit"


def _insert(folder: str) -> Turn:
    """Insert all blocks into a new store; making them is not measured."""
    store = parse_store_url(f"chdb://{folder}/store")
    provision_store(store, 1, list_prices())
    warehouse = make_warehouse(store, FIRST_GENERATION)
    rows, wall, cpu = 0, 0.0, 0.0
    for count, block in make_blocks():
        begun, used = time.perf_counter(), time.process_time()
        warehouse.insert("facts", block)
        wall, cpu, rows = wall + time.perf_counter() - begun, cpu + time.process_time() - used, rows + count
    return Turn(rows / wall, cpu / rows * 1e6)


def _in_new_folder() -> Turn:
    with temporary_folder() as folder:
        return in_own_process(_insert, str(folder))


def _measure(report: Report) -> list[Figure]:
    """Measure rounds, each with a new store."""
    return figures_of(NAME, in_turns({NAME: _in_new_folder}, report)[NAME])


QUESTIONS = (BenchQuestion(NAME, "raw inserts of RowBinary blocks into `facts`", _measure),)
