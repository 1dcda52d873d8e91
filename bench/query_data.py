"""Fills a store by SQL with sessions nobody had: `python -m bench.query_data FOLDER DATA`, with `Data` as JSON.

In a process of its own, because an embedded store belongs to one process at a time. Rollups are made by the statement
that the projector uses. What it is doing is printed, a line at a time.
"""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import clickhouse_connect
import msgspec
from clickhouse_connect.driver.client import Client
from msgspec import Struct

from bench.harness import Say
from bench.load import ORG
from cli.demo import sample_data
from kernel.words import words_of
from processors.warehouse import Warehouse
from runtime.projector import make_warehouse
from runtime.provision import provision_store
from runtime.single_process import PARTITIONS
from runtime.store_url import parse_store_url
from schemas.pricing.price_list import list_prices
from store.generations import FIRST_GENERATION

SQL = Path(__file__).parent / "sql"
STEP = 250_000  # sessions an insert
HOURS = 240  # a refresh of rollups
MERGED_WITHIN_S = 60.0
RARE_WORDS = 2_000


class Data(Struct, frozen=True):
    """What is in the store; ``prompts`` a session, and ``events`` of session 0 alone."""

    sessions: int
    days: int
    users: int
    prompts: int = 0
    events: int = 0

    @property
    def since(self) -> datetime:
        """Where the first day begins; today is the last one."""
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=self.days - 1)


def store_url(folder: Path) -> str:
    """The store of `up` in this folder."""
    return f"chdb://{folder / 'store'}"


def fill(folder: Path, data: Data, say: Say) -> None:
    """Fill the store in a process of its own. Raises `RuntimeError` with what it said when it fails."""
    command = [sys.executable, "-m", "bench.query_data", str(folder), msgspec.json.encode(data).decode()]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        for line in child.stdout or ():
            lines.append(line)
            say(line.strip())
    if child.returncode != 0:
        raise RuntimeError("".join(lines[-20:]))


def main(folder: Path, data: Data) -> None:
    """Fill the store in ``folder``."""
    store = parse_store_url(store_url(folder))
    provision_store(store, PARTITIONS, list_prices())
    client = clickhouse_connect.get_client(**store.at(store.database(FIRST_GENERATION)))
    fill_tables(client, make_warehouse(store, FIRST_GENERATION), data)
    _settle(client)


def fill_tables(client: Client, warehouse: Warehouse, data: Data) -> None:
    """Fill the tables of one generation, which is the client's current database."""
    _sessions(client, data)
    fill_rollups(warehouse, data)
    if data.events:
        _one_session(client, data)


def _sessions(client: Client, data: Data) -> None:
    fixed = {"org_id": ORG, "since": data.since, "words": vocabulary()}
    fixed |= {name: getattr(data, name) for name in ("days", "users", "prompts")}
    for older in (True, False):
        for first in range(0, data.sessions, STEP):
            _say(f"{'older states of ' if older else ''}sessions, {first:,} of {data.sessions:,}")
            count = min(STEP, data.sessions - first)
            _insert(client, "sessions", {**fixed, "older": older, "first": first, "count": count})


def fill_rollups(warehouse: Warehouse, data: Data) -> None:
    """Make the rollups of all its days, as a projector does."""
    begin = int(data.since.timestamp())
    hours = [(ORG, begin + 3600 * hour) for hour in range(24 * data.days)]
    for first in range(0, len(hours), HOURS):
        _say(f"rollups, {first:,} of {len(hours):,} hours")
        warehouse.refresh_rollups(hours[first : first + HOURS])


def _one_session(client: Client, data: Data) -> None:
    _say(f"one session with {data.events:,} events")
    session = {"org_id": ORG, "session_id": session_zero(client)}
    for table in ("facts", "tasks"):
        _insert(client, table, {**session, "since": data.since, "count": data.events})


def session_zero(client: Client) -> UUID:
    """The session with the lowest version."""
    (row,) = client.query("SELECT session_id FROM sessions FINAL ORDER BY version LIMIT 1").result_rows
    found: UUID = row[0]
    return found


def vocabulary() -> list[str]:
    """The words of prompts and titles, the usual ones first."""
    told = sorted({word for prompt in sample_data.PROMPTS for word in words_of(prompt)})
    return [*told, *(f"module{number}" for number in range(RARE_WORDS))]


def _insert(client: Client, table: str, parameters: dict[str, Any]) -> None:
    client.raw_query((SQL / f"{table}.sql").read_text(), parameters=parameters)


def _settle(client: Client) -> None:
    """Let the merges end that so many inserts at once set off."""
    give_up_at = time.monotonic() + MERGED_WITHIN_S
    while _merges(client) and time.monotonic() < give_up_at:
        _say("waiting for merges")
        time.sleep(0.2)


def _merges(client: Client) -> int:
    (row,) = client.query("SELECT count() FROM system.merges").result_rows
    return int(row[0])


def _say(text: str) -> None:
    sys.stdout.write(f"filling: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=Data))
