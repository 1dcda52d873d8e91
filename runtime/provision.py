"""Make what the services need and never make themselves: the databases, their tables, the first generation.

Safe to run again: every step looks first. It refuses what would break a promise (another partition count, tables newer
than this code, a migration that was edited after it ran).
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from importlib import resources
from typing import NamedTuple

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from processors.fold.fold import FOLD_VERSION
from processors.warehouse import classify, connect
from runtime.price_table import begin_history, history_of
from runtime.store_url import StoreAddress
from schemas.pricing.price_list import PriceList, newest
from store.known_tables import FoundColumn, first_difference, known_tables
from store.version import VERSION_SQL, why_too_old

FIRST_GENERATION = "g1"


class Refused(Exception):
    """What is there does not fit this code; the message says what to do."""


class Migration(NamedTuple):
    """One numbered DDL file."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Of the text, so that an edit after the fact is seen."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def provision_store(store: StoreAddress, partitions: int, prices: PriceList) -> list[str]:
    """Bring the control database and the first generation up to date; the names of what was done.

    ``prices`` is the list to begin with, where none was loaded before.

    Raises:
        Refused: when what is there does not fit.
        StoreUnavailable: when the store is away.
    """
    try:
        return _provision(store, partitions, prices)
    except (ClickHouseError, OSError) as error:
        raise classify(error) from error


def _provision(store: StoreAddress, partitions: int, prices: PriceList) -> list[str]:
    done = migrate_control(store)
    client = connect(**store.at(store.control))
    try:
        if not history_of(client):
            begin_history(client, prices.prices)
        found = client.query("SELECT name, partitions FROM generations WHERE event = 'created' ORDER BY at").result_rows
        if not found:
            done += _migrate(store, store.database(FIRST_GENERATION), "generation")
            _begin_first(client, store, partitions)
            return [*done, f"generation {FIRST_GENERATION}, live"]
    finally:
        client.close()
    for name, known in found:
        if known != partitions:
            raise Refused(f"generation {name} was made for {known} partitions, not {partitions}: the count is frozen")
        done += _migrate(store, store.database(name), "generation")
    return done


def migrate_control(store: StoreAddress) -> list[str]:
    """Bring the control database up to date; the names of what was done.

    Raises:
        Refused: when what is there does not fit.
    """
    return _migrate(store, store.control, "control")


def check_migrated(store: StoreAddress, generation: str) -> None:
    """The store must be new enough, and have all that this code writes and reads; a newer version may have added to it.

    Raises:
        Refused: they are older, made by another file, or newer and lack something.
        StoreUnavailable: when the store is away.
    """
    for database, kind in ((store.control, "control"), (store.database(generation), "generation")):
        try:
            with closing(clickhouse_connect.get_client(**store.at(database))) as client:
                _check_version(client)
                _check_migrated(client, database, kind)
        except (ClickHouseError, OSError) as error:
            raise classify(error) from error


def _check_migrated(client: Client, database: str, kind: str) -> None:
    applied, known = _applied(client), migrations(kind)
    ours = {migration.number for migration in known}
    of_ours = {number: sha256 for number, sha256 in applied.items() if number in ours}
    if missing := next(_pending(database, kind, of_ours), None):
        raise Refused(f"{database} lacks migration {missing.name}: run `crewkit-sessions provision` first")
    beyond = max(applied.keys() - ours, default=None)
    if beyond is not None and (difference := _difference(client, database, known)):
        raise Refused(
            f"{database} has migration {beyond}, newer than this code, and {difference}: run the version that made it"
        )


def _difference(client: Client, database: str, known: Sequence[Migration]) -> str | None:
    """What tables lack that only were to be added to; None if nothing."""
    found: dict[str, list[FoundColumn]] = {}
    asked = {"database": database}
    for table, *column in client.query(_COLUMNS_SQL, parameters=asked).result_rows:
        found.setdefault(table, []).append(FoundColumn(*column))
    keys = dict(client.query(_KEYS_SQL, parameters=asked).result_rows)
    return first_difference(known_tables(migration.text for migration in known), found, keys)


def _check_version(client: Client) -> None:
    ((version, compatibility),) = client.query(VERSION_SQL).result_rows
    if why := why_too_old(version, compatibility):
        raise Refused(why)


def _applied(client: Client) -> dict[int, str]:
    return dict(client.query("SELECT number, sha256 FROM migrations").result_rows)


def _begin_first(client: Client, store: StoreAddress, partitions: int) -> None:
    database = store.database(FIRST_GENERATION)
    client.command(
        "INSERT INTO {database:Identifier}.progress (log_partition, projected, log_end, complete_through)"
        " SELECT number, 0, 0, 0 FROM numbers({partitions:UInt16})",
        parameters={"database": database, "partitions": partitions},
    )
    prices = PriceList(newest(history_of(client)))
    for event in ("created", "live"):
        client.command(
            "INSERT INTO generations (name, event, fold_version, prices_sha256, partitions)"
            " SELECT {name:String}, {event:String}, {fold:UInt32}, {prices:String}, {partitions:UInt16}",
            parameters={
                "name": FIRST_GENERATION,
                "event": event,
                "fold": FOLD_VERSION,
                "prices": prices.sha256,
                "partitions": partitions,
            },
        )


def _migrate(store: StoreAddress, database: str, kind: str) -> list[str]:
    with closing(clickhouse_connect.get_client(**store.at("default"))) as bootstrap:
        _check_version(bootstrap)
        bootstrap.command("CREATE DATABASE IF NOT EXISTS {name:Identifier}", parameters={"name": database})
    client = connect(**store.at(database))
    try:
        client.command(_MIGRATIONS_TABLE)
        return [_apply(client, database, migration) for migration in _pending(database, kind, _applied(client))]
    finally:
        client.close()


def _pending(database: str, kind: str, applied: dict[int, str]) -> Iterator[Migration]:
    known = {migration.number: migration for migration in migrations(kind)}
    if beyond := set(applied) - set(known):
        raise Refused(f"{database} has migration {max(beyond)}, newer than this code: run the version that made it")
    for number, migration in sorted(known.items()):
        if number not in applied:
            yield migration
        elif applied[number] != migration.sha256:
            raise Refused(f"migration {migration.name} was changed after it ran on {database}: add a new one instead")


def _apply(client: Client, database: str, migration: Migration) -> str:
    for statement in migration.text.split(";\n"):
        if statement.strip():
            client.command(statement)
    client.command(
        "INSERT INTO migrations (number, name, sha256) SELECT {number:UInt32}, {name:String}, {sha:String}",
        parameters={"number": migration.number, "name": migration.name, "sha": migration.sha256},
    )
    return f"{database}: {migration.name}"


def migrations(kind: str) -> list[Migration]:
    """The numbered files of ``control`` or ``generation``, in order."""
    folder = resources.files("schemas.store") / "ddl" / kind
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [Migration(int(name[:4]), name, (folder / name).read_text()) for name in names]


_COLUMNS_SQL = "SELECT table, name, type, default_kind FROM system.columns WHERE database = {database:String}"
_KEYS_SQL = "SELECT name, sorting_key FROM system.tables WHERE database = {database:String}"
_MIGRATIONS_TABLE = """
CREATE TABLE IF NOT EXISTS migrations
(
    number     UInt32,
    name       String,
    sha256     String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY number
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""
