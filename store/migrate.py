"""Numbered DDL files: apply them to a database, and check that a database has them all.

Applying the latest again is safe, and so is applying all of them to empty tables. A file that was edited after it ran
is refused, as is a database with newer migrations.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cache
from importlib import resources
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from store.address import StoreAddress
from store.client_errors import STORE_ERRORS, classified, verdict_of_error
from store.codes import Verdict
from store.connect import PLAIN, WRITE, check_version, connect
from store.errors import Refused
from store.generations import load_generations
from store.known_tables import FoundColumn, first_difference, known_tables
from store.replicas import replicated

_COLUMNS_SQL = "SELECT table, name, type, default_kind FROM system.columns WHERE database = {database:String}"
_KEYS_SQL = "SELECT name, sorting_key FROM system.tables WHERE database = {database:String}"
_RECORD_SQL = """
INSERT INTO migrations (number, name, sha256)
SELECT row.1, row.2, row.3 FROM (SELECT arrayJoin({rows:Array(Tuple(UInt32, String, String))}) AS row)
"""
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
# SHA-256 of earlier texts, by file name. Only comments have changed since.
_OTHER_COMMENTS = {"0004_requests.sql": {"863f45890c874e3c9121dbab70bd5d0c0a915a4d055dd54c0121a6110a515667"}}
_BEFORE = re.compile(r"\.before_(\d+)\.sql$")


class Migration(NamedTuple):
    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """The digest of the text, so that a later edit is detected."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations(kind: str, fold_version: int | None = None) -> list[Migration]:
    """Return the numbered files of ``control`` or ``generation``, in order.

    ``NNNN_name.before_F.sql`` replaces ``NNNN_name.sql`` in a generation that a ``fold_version`` below F made.
    """
    found: dict[int, Migration] = {}
    for migration in _files(kind):
        before = _BEFORE.search(migration.name)
        if before is None or (fold_version is not None and fold_version < int(before[1])):
            found.setdefault(migration.number, migration)
    return list(found.values())


@cache
def _files(kind: str) -> tuple[Migration, ...]:
    """Return all numbered files in order, one that replaces another before it."""
    folder = resources.files("schemas.store") / "ddl" / kind
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple(Migration(int(name[:4]), name, (folder / name).read_text()) for name in names)


def migrate(store: StoreAddress, database: str, kind: str, fold_version: int | None = None) -> list[str]:
    """Create a database if it is missing and apply pending migrations; return a line for each one applied.

    ``fold_version`` made the generation; without it, this code is making it.
    A minority of the replicas may be away; a line reports each of them.
    Raises `Refused` if the store is too old, or the database does not fit this code.
    """
    away = _create_databases(store, database)
    render = replicated if store.replicas else str
    with closing(connect(WRITE, **store.at(database))) as client:
        client.command(render(_MIGRATIONS_TABLE))
        applied = _applied(client)
        pending = list(_pending(database, kind, applied, fold_version))
        # The tables of a new database are empty, so all its files may be applied again: one insert records them.
        groups = [[migration] for migration in pending] if applied else [pending]
        for group in groups:
            _apply(client, group, render)
        return [*away, *(f"{database}: {migration.name}" for migration in pending)]


def _create_databases(store: StoreAddress, database: str) -> list[str]:
    """Create the database on each server; return a line for each one that is away.

    The other servers still create the tables, in Keeper. The absent server copies them from there once it has the
    database. If fewer than a majority answer, raises the error of the first absent server.
    """
    lines, errors = [], list[Exception]()
    for server in store.each():
        try:
            _create_on(server, database, is_replicated=bool(store.replicas))
        except STORE_ERRORS as error:
            if store.replicas is None or verdict_of_error(error) is not Verdict.PASSES:
                raise
            errors.append(error)
            what = f"{server.options['host']}:{server.options['port']} does not answer, and may lack the database"
            lines.append(f"{database}: {what}: run `provision` again when it is back")
    if store.replicas and len(store.replicas.hosts) - len(errors) < store.replicas.majority:
        raise errors[0]
    return lines


def _create_on(server: StoreAddress, database: str, *, is_replicated: bool) -> None:
    with closing(connect(PLAIN, **server.at("default"))) as bootstrap:
        check_version(bootstrap, Refused)
        if is_replicated:
            _check_macros(bootstrap, server.options["host"])
        bootstrap.command(_create_database(database, is_replicated=is_replicated))


def _create_database(database: str, *, is_replicated: bool) -> str:
    """Return the statement. A Replicated database applies later DDL on every server."""
    statement = f"CREATE DATABASE IF NOT EXISTS `{database}`"
    if not is_replicated:
        return statement
    return f"{statement} ENGINE = Replicated('/clickhouse/databases/{database}', '{{shard}}', '{{replica}}')"


def _check_macros(client: Client, host: str) -> None:
    found = {name for (name,) in client.query("SELECT macro FROM system.macros").result_rows}
    if missing := {"shard", "replica"} - found:
        raise Refused(
            f"{host} has no macro {min(missing)}: each replica needs `shard` and `replica` in the "
            "section `macros` of its configuration"
        )


def check_migrated(store: StoreAddress, generation: str) -> None:
    """Check that the store is new enough and has all tables and columns that this code uses. More are accepted.

    Raises `Refused` if the tables are older, were made by a different file, or are newer and lack something, and if the
    generation was dropped. Raises `StoreUnavailable` if the store is away.
    """
    with classified(), closing(connect(PLAIN, **store.at(store.control))) as client:
        check_version(client, Refused)
        _check_migrated(client, store.control, "control")
        if any(known.name == generation and known.is_dropped for known in load_generations(client)):
            raise Refused(f"generation {generation} was dropped: stop its projectors, or name another one")
    database = store.database(generation)
    with classified(), closing(connect(PLAIN, **store.at(database))) as client:
        _check_migrated(client, database, "generation")


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
    """Return the first difference that is not an addition, or None."""
    found: dict[str, list[FoundColumn]] = {}
    asked = {"database": database}
    for table, *column in client.query(_COLUMNS_SQL, parameters=asked).result_rows:
        found.setdefault(table, []).append(FoundColumn(*column))
    keys = dict(client.query(_KEYS_SQL, parameters=asked).result_rows)
    return first_difference(known_tables(migration.text for migration in known), found, keys)


def _applied(client: Client) -> dict[int, str]:
    return dict(client.query("SELECT number, sha256 FROM migrations").result_rows)


def _pending(database: str, kind: str, applied: dict[int, str], fold_version: int | None = None) -> Iterator[Migration]:
    known = {migration.number: migration for migration in migrations(kind, fold_version)}
    fit = {
        (migration.number, sha256)
        for migration in _files(kind)
        for sha256 in (migration.sha256, *_OTHER_COMMENTS.get(migration.name, ()))
    }
    if beyond := set(applied) - set(known):
        raise Refused(f"{database} has migration {max(beyond)}, newer than this code: run the version that made it")
    for number, migration in sorted(known.items()):
        if number not in applied:
            yield migration
        elif (number, applied[number]) not in fit:
            raise Refused(f"migration {migration.name} was changed after it ran on {database}: add a new one instead")


def _apply(client: Client, group: Sequence[Migration], render: Callable[[str], str]) -> None:
    """Run these files, then record them."""
    for migration in group:
        for statement in migration.text.split(";\n"):
            if statement.strip():
                client.command(render(statement))
    rows = [(migration.number, migration.name, migration.sha256) for migration in group]
    client.command(_RECORD_SQL, parameters={"rows": rows})
