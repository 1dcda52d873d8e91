"""Replicas: which server is used, what each statement waits for, and how tables are created."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from processors.warehouse import sql
from runtime.settings.settings import BadSettings
from runtime.settings.store_url import parse_store_url
from store.connect import PLAIN, READ, WRITE, connect
from store.migrate import migrations
from store.replicas import Host, Replicas, catch_up, catch_up_all, is_claim, replicated, tables_read, write_settings
from store.sql import read_sql
from tests.support import CHECKOUT
from tests.support.fakes.warehouse import SHAPES

HOSTS = [Host("ch-1", 8123), Host("ch-2", 8123), Host("ch-3", 8124)]


class Servers:
    """Servers, some of which are down or refuse."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.refusing: set[str] = set()
        self.asked: list[str] = []

    def connect(self, host: Host) -> str:
        self.asked.append(host.name)
        if host.name in self.away:
            raise OperationalError(f"{host.name} does not answer")
        if host.name in self.refusing:
            raise DatabaseError("Code: 516. DB::Exception: crewkit: Authentication failed")
        return host.name


class Noted:
    """A client that records the statements, and finds these tables."""

    def __init__(self, *tables: str) -> None:
        self.statements: list[str] = []
        self.result_rows: Sequence[Sequence[Any]] = [(table,) for table in tables]

    def command(self, statement: str) -> None:
        self.statements.append(statement)

    def query(self, *_: object) -> "Noted":
        return self


def test_the_first_that_answers_is_used_until_it_fails() -> None:
    """A server that comes back is not used before the next failure: each change costs a check of every table."""
    servers, replicas = Servers(), Replicas(HOSTS)
    servers.away = {"ch-1"}
    used = [replicas.connect(servers.connect)]
    servers.away = set()
    used.append(replicas.connect(servers.connect))
    servers.away = {"ch-2"}
    used.append(replicas.connect(servers.connect))

    assert used == ["ch-2", "ch-2", "ch-1"]
    assert servers.asked == ["ch-1", "ch-2", "ch-2", "ch-2", "ch-1"]
    assert replicas.changes == 2


def test_none_answers() -> None:
    """The error is that of the current server, and the next call tries again."""
    servers, replicas = Servers(), Replicas(HOSTS)
    servers.away = {"ch-1", "ch-2", "ch-3"}

    with pytest.raises(OperationalError, match="ch-1 does not answer"):
        replicas.connect(servers.connect)

    servers.away = {"ch-1", "ch-2"}
    assert replicas.connect(servers.connect) == "ch-3"


def test_a_refusal_is_no_reason_to_ask_another() -> None:
    """A wrong password is wrong on every server, and the sentence about it must appear."""
    servers, replicas = Servers(), Replicas(HOSTS)
    servers.refusing = {"ch-1"}

    with pytest.raises(DatabaseError):
        replicas.connect(servers.connect)

    assert servers.asked == ["ch-1"]


@pytest.mark.parametrize("kind", ["control", "generation"])
def test_every_table_replicates(kind: str) -> None:
    """Otherwise each server would have its own rows. Columns, keys and arguments stay; the hash is the source's."""
    for migration in migrations(kind):
        rendered = replicated(migration.text)
        engines = re.findall(r"^ENGINE = \w*MergeTree", rendered, re.MULTILINE)
        assert all(engine.startswith("ENGINE = Replicated") for engine in engines)
        assert rendered.replace("ENGINE = Replicated", "ENGINE = ") == migration.text


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("facts", ["erased_positions", "facts"]),
        ("session_facts", ["erased_positions", "facts"]),
        ("receipt_count", ["receipts"]),
        ("dense_mark", ["dense_receipts", "receipts"]),
        ("changed_buckets", ["amounts", "sessions"]),
        ("rollup_mark", ["rollup_progress"]),
        ("kept_state", ["session_states"]),
        ("parts", []),
    ],
)
def test_a_read_that_feeds_a_write_waits_for_its_tables(name: str, tables: list[str]) -> None:
    """If two workers share a bucket, the one that commits later sees the rows of both."""
    client: Any = Noted()
    catch_up(client, sql(name))

    assert tables_read(sql(name)) == tables
    assert client.statements == [f"SYSTEM SYNC REPLICA {table} LIGHTWEIGHT" for table in tables]


@pytest.mark.parametrize("name", [file.stem for file in (CHECKOUT / "processors" / "sql").glob("*.sql")])
def test_every_table_of_a_statement_is_recognised(name: str) -> None:
    """A name that isn't a table of ours, as in a WITH, would be an error of the store; a JOIN would be missed."""
    assert set(tables_read(sql(name))) <= set(SHAPES)
    assert sql(name).replace("ARRAY JOIN", "").count("JOIN") == 0


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("query_api.progress", True),
        ("audit.rollup_marks", True),
        ("query_api.sessions.list", False),
        ("query_api.analytics.summary", False),
    ],
)
def test_what_says_how_far_tables_are_is_a_claim(name: str, claims: bool) -> None:
    """After it a reader catches up, so that the next query sees no less."""
    package, _, file = name.rpartition(".")
    assert is_claim(read_sql(package, file)) == claims


def test_a_reader_waits_for_every_table_of_its_database() -> None:
    """Each table is copied separately."""
    client: Any = Noted("facts", "sessions")
    catch_up_all(client, "crewkit_g1")

    assert client.statements == [
        f"SYSTEM SYNC REPLICA crewkit_g1.{table} LIGHTWEIGHT" for table in ("facts", "sessions")
    ]


def test_writers_wait_for_a_majority(monkeypatch: pytest.MonkeyPatch) -> None:
    """They wait only if servers replicate each other: other servers would refuse to wait."""
    made: list[dict[str, Any]] = []
    monkeypatch.setattr("store.connect.clickhouse_connect.get_client", lambda **options: made.append(options))
    one, several = parse_store_url("clickhouse://u@a:1"), parse_store_url("clickhouse://u@a:1,b:2?replicated=true")
    for profile in (WRITE, READ, PLAIN):
        connect(profile, **one.at("d"))
        connect(profile, **several.at("d"))

    quorum = [(options["settings"] or {}).get("insert_quorum") for options in made]
    assert quorum == [None, 2, None, None, None, None]
    assert [(options["host"], options["port"], options["database"]) for options in made] == [("a", 1, "d")] * 6
    assert not any("replicas" in options for options in made)


@pytest.mark.parametrize(("hosts", "majority"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_a_majority_is_more_than_half(hosts: int, majority: int) -> None:
    """Two majorities share a server, so losing the other servers loses nothing that a majority had."""
    listed = Replicas([Host(f"ch-{number}", 8123) for number in range(hosts)])

    assert write_settings(listed)["insert_quorum"] == majority


def test_a_url_names_several_hosts() -> None:
    """Each has its port, or the protocol's default; the user is the same on all of them."""
    store = parse_store_url("clickhouse://u:p%2C@ch-1,ch-2:9000,[::1]/other?replicated=true&secure=true")

    assert store.replicas is not None
    assert store.replicas.hosts == (Host("ch-1", 8443), Host("ch-2", 9000), Host("::1", 8443))
    assert [address.options["host"] for address in store.each()] == ["ch-1", "ch-2", "::1"]
    assert {address.options["password"] for address in store.each()} == {"p,"}
    assert [address.replicas for address in store.each()] == [None] * 3
    assert store.control == "other"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("clickhouse://u@a,b", "several hosts must be replicas of each other: add replicated=true"),
        ("clickhouse://u@a,a?replicated=true", "a host appears twice"),
        ("clickhouse://u@a,?replicated=true", "a host has no name"),
        ("clickhouse://u@a,b:x?replicated=true", "the port of b is not a number"),
        ("clickhouse://u@a?replicated=1", "replicated must be true or false"),
    ],
)
def test_a_wrong_list_is_refused(url: str, sentence: str) -> None:
    """Nothing is guessed, and no part is silently ignored."""
    with pytest.raises(BadSettings, match=re.escape(sentence)):
        parse_store_url(url)
