"""Times the summary query on rollups and on `sessions FINAL`, in turn.

`python -m bench.query_without_rollups FOLDER SINCE` prints the seconds as JSON. It runs in its own process because an
embedded store belongs to one process at a time. Both queries must return the same row.
"""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import clickhouse_connect
import msgspec
from clickhouse_connect.driver.client import Client
from msgspec import Struct

from bench.load import ORG
from bench.query_data import SQL, Data, store_url
from query_api.reader import LIMITS
from query_api.statements import statement
from runtime.store_url import parse_store_url
from store.generations import FIRST_GENERATION

WARM_UP, MEASURED = 3, 21  # queries


class Compared(Struct, frozen=True):
    """Seconds of each query."""

    rollups: list[float]
    sessions: list[float]


def compare(folder: Path, data: Data) -> Compared:
    """Time both queries in another process. Raises `subprocess.CalledProcessError`."""
    command = [sys.executable, "-m", "bench.query_without_rollups", str(folder), data.since.isoformat()]
    out = subprocess.run(command, stdout=subprocess.PIPE, timeout=300, check=True).stdout
    return msgspec.json.decode(out, type=Compared)


def main(folder: Path, since: datetime) -> None:
    """Time both queries in turn, and print the seconds."""
    store = parse_store_url(store_url(folder))
    client = clickhouse_connect.get_client(**store.at(store.database(FIRST_GENERATION)))
    parameters = {"org_id": ORG, "since": since, "until": datetime.now(UTC) + timedelta(days=1)}
    without_rollups = (SQL / "summary_of_sessions.sql").read_text()
    compared = Compared([], [])
    for number in range(WARM_UP + MEASURED):
        fast, expected = _time_query(client, statement("query_api.analytics.summary"), parameters)
        slow, actual = _time_query(client, without_rollups, parameters)
        if expected != actual:
            raise RuntimeError(f"rollups give {expected}, sessions {actual}")
        if number >= WARM_UP:
            compared.rollups.append(fast)
            compared.sessions.append(slow)
    sys.stdout.buffer.write(msgspec.json.encode(compared))


def _time_query(client: Client, sql: str, parameters: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    begin = perf_counter()
    result = client.query(sql, parameters=parameters, settings=dict(LIMITS))
    return perf_counter() - begin, result.first_item


if __name__ == "__main__":
    main(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))
