"""Fills a store by SQL with made-up sessions: `python -m bench.query_data FOLDER DATA`, with `Data` as JSON.

It runs in its own process because an embedded store belongs to one process at a time. The projector's statement makes
the rollups. Progress is printed, a line a step.
"""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from bench.harness import Report
from bench.load import ORG
from bench.services import open_store
from cli.demo import sample_data
from prices.price_list import list_prices
from processors.warehouse import Warehouse
from runtime.operations.provision_store import EMBEDDED_PARTITIONS, provision_store
from runtime.services.projector import make_warehouse
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.secrets import id_secrets
from runtime.settings.store_url import parse_store_url
from schemas.ids import mint, new_thread
from schemas.words import split_words
from store.connect import Client
from store.generations import FIRST_GENERATION

SQL = Path(__file__).parent / "sql"
STEP = 250_000  # sessions an insert
HOURS = 240  # a refresh of rollups
MERGED_WITHIN_S = 60.0
RARE_WORDS = 2_000


class Data(Struct, frozen=True):
    """The size of the store: ``prompts`` a session, and ``events`` in session 0 alone.

    ``settled`` sessions are older than the log, so their rollups are not behind them.
    """

    sessions: int
    days: int
    users: int
    prompts: int = 0
    events: int = 0
    settled: bool = False

    @property
    def since(self) -> datetime:
        """Midnight of the first day in UTC; today is the last day."""
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=self.days - 1)


def store_url(folder: Path) -> str:
    """Return the URL of the store of `up` in this folder."""
    return f"chdb://{folder / 'store'}"


def fill_store(folder: Path, data: Data, report: Report) -> None:
    """Fill the store in another process. Raises `RuntimeError` with its output if it fails."""
    command = [sys.executable, "-m", "bench.query_data", str(folder), msgspec.json.encode(data).decode()]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        for line in child.stdout or ():
            lines.append(line)
            report(line.strip())
    if child.returncode != 0:
        raise RuntimeError("".join(lines[-20:]))


def main(folder: Path, data: Data) -> None:
    """Provision and fill the store in ``folder``."""
    store = parse_store_url(store_url(folder))
    provision_store(store, EMBEDDED_PARTITIONS, list_prices())
    client = open_store(store_url(folder))
    fill_tables(client, make_warehouse(store, FIRST_GENERATION), data, _mint_session_id(folder / "secrets"))
    _wait_for_merges(client)


def _mint_session_id(secrets: Path) -> UUID:
    """Return an id that `up` accepts: it verifies ids before it reads."""
    make_embedded_secrets(secrets)
    return mint(id_secrets(secrets), "session", ORG, new_thread(None), False, None)


def fill_tables(client: Client, warehouse: Warehouse, data: Data, session_zero: UUID) -> None:
    """Fill the tables of one generation, which is the client's current database."""
    _fill_sessions(client, data, session_zero)
    _fill_rollups(warehouse, data)
    for table in ("facts", "tasks") if data.events else ():
        _report(f"one session with {data.events:,} events")
        _insert(client, table, {"org_id": ORG, "session_id": session_zero, "since": data.since, "count": data.events})


def _fill_sessions(client: Client, data: Data, session_zero: UUID) -> None:
    fixed = {"org_id": ORG, "since": data.since, "words": search_words(), "session_zero": session_zero}
    fixed |= {name: getattr(data, name) for name in ("days", "users", "prompts", "settled")}
    for older in (True, False):
        for first in range(0, data.sessions, STEP):
            _report(f"{'older states of ' if older else ''}sessions, {first:,} of {data.sessions:,}")
            count = min(STEP, data.sessions - first)
            _insert(client, "sessions", {**fixed, "older": older, "first": first, "count": count})


def _fill_rollups(warehouse: Warehouse, data: Data) -> None:
    """Refresh the rollups of all days, as a projector does."""
    begin = int(data.since.timestamp())
    hours = [(ORG, begin + 3600 * hour) for hour in range(24 * data.days)]
    for first in range(0, len(hours), HOURS):
        _report(f"rollups, {first:,} of {len(hours):,} hours")
        warehouse.refresh_rollups(hours[first : first + HOURS])


def search_words() -> list[str]:
    """Return the words of prompts and titles, common ones first."""
    common = sorted({word for prompt in sample_data.PROMPTS for word in split_words(prompt)})
    return [*common, *(f"module{number}" for number in range(RARE_WORDS))]


def _insert(client: Client, table: str, parameters: dict[str, Any]) -> None:
    client.raw_query((SQL / f"{table}.sql").read_text(), parameters=parameters)


def _wait_for_merges(client: Client) -> None:
    """Wait until the merges that the inserts caused have ended, or give up."""
    give_up_at = time.monotonic() + MERGED_WITHIN_S
    while client.query("SELECT count() FROM system.merges").first_row[0] and time.monotonic() < give_up_at:
        _report("waiting for merges")
        time.sleep(0.2)


def _report(text: str) -> None:
    sys.stdout.write(f"filling: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=Data))
