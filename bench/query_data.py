"""Fill a store by SQL with made-up sessions; the projector's own statement makes the rollups."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import Struct

from bench.api import Target, connect, get
from bench.population import ORG
from bench.question import Report
from bench.services import in_own_process, open_store
from cli.demo import sample_data
from prices.price_list import list_prices
from processors.warehouse import Warehouse
from runtime.operations.provision_store import EMBEDDED_PARTITIONS, provision_store
from runtime.services.projector import make_warehouse
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.secrets import id_secrets
from runtime.settings.store_url import parse_store_url
from schemas.ids import mint, new_thread
from schemas.store.rows import DAY_S, QUARTER_S
from schemas.words import split_words
from store.connect import Client
from store.generations import FIRST_GENERATION

SQL = Path(__file__).parent / "sql"
STEP = 250_000  # sessions per insert
HOURS = 240  # per insert of amounts, and refresh of rollups
MERGED_WITHIN_S = 60.0
RARE_WORDS = 2_000


class Data(Struct, frozen=True):
    """The size of the store: ``prompts`` in each session, and ``events``, all of them in session 0."""

    sessions: int
    days: int
    users: int
    prompts: int = 0
    events: int = 0

    @property
    def since(self) -> datetime:
        """Midnight of the first day in UTC; today is the last day."""
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=self.days - 1)


def fill_store(folder: Path, data: Data, report: Report) -> None:
    """Provision and fill the store of an `up` that will run in ``folder``."""
    report(f"filling a store with {data.sessions:,} sessions")
    in_own_process(_fill_store, folder, data)


def _fill_store(folder: Path, data: Data) -> None:
    store_url = f"chdb://{folder / 'store'}"
    store = parse_store_url(store_url)
    provision_store(store, EMBEDDED_PARTITIONS, list_prices())
    client = open_store(store_url)
    make_embedded_secrets(folder / "secrets")  # `up` verifies ids before it reads
    session_zero = mint(id_secrets(folder / "secrets"), "session", ORG, new_thread(None), False, None)
    fill_tables(client, make_warehouse(store, FIRST_GENERATION), data, session_zero)
    give_up_at = time.monotonic() + MERGED_WITHIN_S
    while client.query("SELECT count() FROM system.merges").first_row[0] and time.monotonic() < give_up_at:
        time.sleep(0.2)  # the inserts caused merges


def fill_tables(client: Client, warehouse: Warehouse, data: Data, session_zero: UUID) -> None:
    """Fill the tables of one generation, which is the client's current database."""
    fixed = {"org_id": ORG, "since": data.since, "words": search_words(), "session_zero": session_zero}
    fixed |= {name: getattr(data, name) for name in ("days", "users", "prompts")}
    for older in (True, False):
        for first in range(0, data.sessions, STEP):
            count = min(STEP, data.sessions - first)
            _insert(client, "sessions", {**fixed, "older": older, "first": first, "count": count})
    begin = int(data.since.timestamp())
    for since in range(begin, begin + DAY_S * data.days, 3600 * HOURS):
        until = since + 3600 * HOURS
        _insert(
            client,
            "amounts",
            {"since": datetime.fromtimestamp(since, UTC), "until": datetime.fromtimestamp(until, UTC)},
        )
        # Those of the hours before may reach into the first one.
        warehouse.refresh_rollups([(ORG, start) for start in range(since - 3600, until + 3600, QUARTER_S)])
    for table in ("facts", "tasks") if data.events else ():
        _insert(client, table, {"org_id": ORG, "session_id": session_zero, "since": data.since, "count": data.events})


async def find_long_session(target: Target) -> str:
    """Return the id of the session that has all the events."""
    connection = await connect(target)
    (session,) = (await get(connection, target, "/sessions?external_id=ext-0"))["data"]
    connection.close()
    return str(session["id"])


def search_words() -> list[str]:
    """Return the words of prompts and titles, common ones first."""
    common = sorted({word for prompt in sample_data.PROMPTS for word in split_words(prompt)})
    return [*common, *(f"module{number}" for number in range(RARE_WORDS))]


def _insert(client: Client, table: str, parameters: dict[str, Any]) -> None:
    client.raw_query((SQL / f"{table}.sql").read_text(), parameters=parameters)
