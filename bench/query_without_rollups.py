"""The question of the summary asked of rollups and of `sessions FINAL`, in turn: `python -m bench.query_without_rollups
FOLDER SINCE` prints the seconds as JSON.

In a process of its own, because an embedded store belongs to one process at a time. Both must answer the same.
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

WARM, ASKED = 3, 21


class Compared(Struct, frozen=True):
    """Seconds of each answer."""

    rollups: list[float]
    sessions: list[float]


def compare(folder: Path, data: Data) -> Compared:
    """Ask in a process of its own. Raises `subprocess.CalledProcessError`."""
    command = [sys.executable, "-m", "bench.query_without_rollups", str(folder), data.since.isoformat()]
    out = subprocess.run(command, stdout=subprocess.PIPE, timeout=300, check=True).stdout
    return msgspec.json.decode(out, type=Compared)


def main(folder: Path, since: datetime) -> None:
    """Ask both in turn, and print how long each took."""
    store = parse_store_url(store_url(folder))
    client = clickhouse_connect.get_client(**store.at(store.database(FIRST_GENERATION)))
    asked = {"org_id": ORG, "since": since, "until": datetime.now(UTC) + timedelta(days=1)}
    without = (SQL / "summary_of_sessions.sql").read_text()
    compared = Compared([], [])
    for number in range(WARM + ASKED):
        fast, one = _answer(client, statement("summary"), asked)
        slow, other = _answer(client, without, asked)
        if one != other:
            raise RuntimeError(f"rollups say {one}, sessions {other}")
        if number >= WARM:
            compared.rollups.append(fast)
            compared.sessions.append(slow)
    sys.stdout.buffer.write(msgspec.json.encode(compared))


def _answer(client: Client, sql: str, parameters: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    begin = perf_counter()
    found = client.query(sql, parameters=parameters, settings=dict(LIMITS))
    return perf_counter() - begin, found.first_item


if __name__ == "__main__":
    main(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))
