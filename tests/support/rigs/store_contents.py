"""The rows of a generation as readers see them, by table: `python -m tests.support.rigs.store_contents URL GENERATION`.

Columns that say when something was done are left out. It runs in a separate process, since a process can open only
one embedded store.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import clickhouse_connect

from runtime.settings.store_url import parse_store_url
from tests.support.rigs.forked import PYTHON, run
from tests.support.rigs.store import TABLES, seen

CONTROL = "crewkit"
# Columns that depend on the number of partitions, and the time of the write.
POSITIONS = ("log_partition", "log_offset", "log_index", "place", "version", "stored_at")


def contents(url: str, generation: str = "g1") -> dict[str, list[str]]:
    """Return the sorted rows of each table of a generation, read in another process."""
    done = run([*PYTHON, "tests.support.rigs.store_contents", url, generation])
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def without_positions(rows: Iterable[str]) -> list[str]:
    """Return rows without their `POSITIONS`, sorted."""
    kept = ({name: value for name, value in json.loads(row).items() if name not in POSITIONS} for row in rows)
    return sorted(json.dumps(row, sort_keys=True) for row in kept)


def of_folder(data: Path) -> str:
    """Return the URL of the store of the `up` in a data folder."""
    return f"chdb://{data / 'store'}"


def _read(url: str, generation: str) -> dict[str, list[str]]:
    client = clickhouse_connect.get_client(**parse_store_url(url).options)
    prices = {"prices": _rows(client, f"SELECT * FROM {CONTROL}.prices")}
    return prices | {table: _rows(client, seen(table, f"{CONTROL}_{generation}")) for table in TABLES}


def _rows(client: object, sql: str) -> list[str]:
    raw: bytes = client.raw_query(sql, fmt="JSONEachRow")  # type: ignore[attr-defined]  # its types are not known
    return sorted(raw.decode().splitlines())


if __name__ == "__main__":
    print(json.dumps(_read(*sys.argv[1:])))
