"""Loaded prices in the log: each load is a record, and a lost price history is restored from the records."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import clickhouse_connect
import msgspec
import pytest
from clickhouse_connect.driver.client import Client
from msgspec import structs

from generations.jobs.table import JobOptions, add_job_event, load_jobs, new_job
from ingest.log.kafka import KafkaEventLog, KafkaTopic
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from prices.log import PriceLog
from prices.price_file import format_prices
from prices.price_list import LoadedPrice, PriceList, began_with, in_force, list_prices, newest
from prices.shown import shown
from prices.table import history_of
from runtime.operations import load_prices as loading
from runtime.operations.kafka_price_log import KafkaPriceLog
from runtime.operations.price_log import KEY, ServedPriceLog, SqlitePriceLog
from runtime.operations.provision_store import provision_store
from runtime.settings.settings import BadSettings, Settings
from schemas.log.price import Price
from schemas.log.records import Actor, PricesLoaded
from schemas.log.topics import partition_of
from store.errors import StoreUnavailable
from tests.support.builders import LogBuilder, created, prices_loaded, session_id
from tests.support.rigs.store import Options, TestStore, new_address, new_store

PARTITIONS = 1
FILE = '[[price]]\nmodel = "{model}"\nfrom = {since}\ninput = 1\noutput = 2\n'


@pytest.fixture
def store(engine: Options) -> Iterator[TestStore]:
    """Provision a store without a log."""
    yield from new_store(new_address(engine), PARTITIONS)


@pytest.fixture
def control(store: TestStore) -> Iterator[Client]:
    """Return a client of its control database."""
    client = clickhouse_connect.get_client(**store.address.at(store.address.control))
    yield client
    client.close()


@pytest.fixture
def settings(store: TestStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings for that store and for a new log in a file."""
    monkeypatch.setattr(loading, "store_address", lambda _settings: store.address)
    SqlitePriceLog(tmp_path / "log.sqlite").append([])
    return Settings(data=str(tmp_path))


def price(from_ms: int, model: str = "mine") -> Price:
    return Price(model, from_ms, *[10**9] * 5)


def in_two_hours() -> int:
    return (time.time_ns() // 10**9 + 7_200) * 1_000


def load(settings: Settings, *prices: Price, new_generations_only: bool = False) -> Any:
    return loading.load_prices(settings, prices, new_generations_only=new_generations_only)


def log_of(settings: Settings) -> SqlitePriceLog:
    return SqlitePriceLog(settings.folder / "log.sqlite")


def forget_prices(store: TestStore, client: Client) -> None:
    """Lose the tables of the control database, and the generation."""
    for table in ("prices", "generations"):
        client.command(f"TRUNCATE TABLE {table}")


def test_a_load_is_in_the_log_and_in_the_store_with_one_time(settings: Settings, control: Client) -> None:
    """The record has the prices, the time of the rows and the flag; a load of known prices appends nothing."""
    new, past = price(in_two_hours()), price(0, "past")

    load(settings, new)
    load(settings, new)
    load(settings, new, past, new_generations_only=True)

    loads = log_of(settings).loads()
    rows = [row for row in history_of(control) if row.loaded_us]
    assert [(record.prices, record.new_generations_only) for record in loads] == [((new,), False), ((past,), True)]
    assert rows == [LoadedPrice(record.prices[0], record.loaded_us) for record in loads]
    assert not any(record.begins_history for record in loads)


def test_a_lost_history_comes_back_from_the_log(settings: Settings, store: TestStore, control: Client) -> None:
    """The version's list comes first, then each load with its time; a second run changes nothing."""
    load(settings, price(in_two_hours()))
    load(settings, *(price(in_two_hours(), f"model-{n}") for n in range(900)))  # several records
    before = history_of(control)
    forget_prices(store, control)

    done = provision_store(store.address, PARTITIONS, list_prices(), log_of(settings))
    provision_store(store.address, PARTITIONS, list_prices(), log_of(settings))

    assert "prices: 901 read back from the log" in done
    assert set(history_of(control)) == set(before)
    assert len(log_of(settings).loads()) == 4


def test_a_load_into_a_lost_store_brings_the_history_back_first(
    settings: Settings, store: TestStore, control: Client
) -> None:
    """Otherwise the history would begin with the new prices, and the others would stay lost."""
    load(settings, price(in_two_hours()))
    before = history_of(control)
    forget_prices(store, control)

    load(settings, price(in_two_hours(), "later"))

    assert [row for row in history_of(control) if row.price.model != "later"] == before
    assert [record.begins_history for record in log_of(settings).loads()] == [False, False]


def test_prices_from_before_the_first_start_go_into_the_new_log(
    store: TestStore, control: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation that began with its own list has no other, before and after its store was lost."""
    monkeypatch.setattr(loading, "store_address", lambda _settings: store.address)
    forget_prices(store, control)
    settings = Settings(data=str(tmp_path))
    load(settings, price(0))
    assert not log_of(settings).exists()

    provision_store(store.address, PARTITIONS, list_prices(), log_of(settings))
    before = history_of(control)
    forget_prices(store, control)
    provision_store(store.address, PARTITIONS, list_prices(), log_of(settings))

    assert [row.price for row in before] == [price(0)]
    assert history_of(control) == before
    assert [record.begins_history for record in log_of(settings).loads()] == [True]


@pytest.mark.parametrize("is_loaded", [False, True])
def test_a_version_with_another_list_changes_no_price_of_an_installation(
    settings: Settings, store: TestStore, control: Client, is_loaded: bool
) -> None:
    """The version records the installation's initial list in the log, and a lost store is restored with that list."""
    if is_loaded:
        load(settings, structs.replace(list_prices().prices[0], from_ms=in_two_hours()), price(in_two_hours()))
    newer = PriceList([price(0, "newer")])
    before, made_us = history_of(control), time.time_ns() // 1_000

    done = provision_store(store.address, PARTITIONS, newer, log_of(settings))
    again = provision_store(store.address, PARTITIONS, newer, log_of(settings))
    upgraded = history_of(control)
    forget_prices(store, control)
    provision_store(store.address, PARTITIONS, newer, log_of(settings))

    assert ["the log now has the one that" in line for line in done] == [True]
    assert again == []
    for history in (upgraded, history_of(control)):
        assert began_with(history, made_us).sha256 == began_with(before, made_us).sha256
        assert in_force(history, made_us).sha256 == in_force(before, made_us).sha256
        assert set(newest(history)) == set(newest(before))
    assert [record.begins_history for record in log_of(settings).loads()] == [False] * is_loaded + [True]
    assert all(record.received_at >= made_us // 1_000 for record in log_of(settings).loads() if record.begins_history)


def test_a_list_recorded_twice_adds_nothing(
    settings: Settings, store: TestStore, control: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies between the log and the store records the list again."""
    newer, before = PriceList([price(0, "newer")]), history_of(control)

    def gone(*_rest: Any) -> None:
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr("prices.log.add_prices", gone)
        with pytest.raises(StoreUnavailable):
            provision_store(store.address, PARTITIONS, newer, log_of(settings))
    provision_store(store.address, PARTITIONS, newer, log_of(settings))
    forget_prices(store, control)
    provision_store(store.address, PARTITIONS, newer, log_of(settings))

    assert len(log_of(settings).loads()) == 2
    assert sorted(row.price.model for row in history_of(control)) == sorted(row.price.model for row in before)


def test_a_job_loads_prices_as_the_command_does(settings: Settings, store: TestStore, control: Client) -> None:
    """The record names the operator who requested it; a second `provision` loads nothing."""
    new = price(in_two_hours())

    assert do_job(settings, store, control, new) == (["prices: 1 loaded"], "done")
    again = provision_store(store.address, PARTITIONS, list_prices(), log_of(settings))

    (record,) = log_of(settings).loads()
    assert (record.prices, record.actor) == ((new,), Actor("olga", "operator"))
    assert history_of(control)[-1] == LoadedPrice(new, record.loaded_us)
    added = msgspec.to_builtins(shown(LoadedPrice(new, record.loaded_us)))
    assert [step.report.result for step in load_jobs(control)[0].done] == [{"added": [added]}]
    assert again == []


def test_a_job_with_a_past_price_fails_unless_it_is_for_new_generations(
    settings: Settings, store: TestStore, control: Client
) -> None:
    """Nothing is loaded, and the reason says what to do."""
    before = history_of(control)

    _, state = do_job(settings, store, control, price(in_two_hours()), price(0, "past"))

    failed = load_jobs(control)[0].failed
    assert state == "failed"
    assert failed is not None
    assert "past from 1970-01-01: reports of that time may be counted already" in failed.report.text
    assert (history_of(control), log_of(settings).loads()) == (before, [])
    assert do_job(settings, store, control, price(0, "past"), new_generations_only=True)[1] == "done"
    assert [record.new_generations_only for record in log_of(settings).loads()] == [True]


def test_a_job_whose_process_dies_between_log_and_store_is_done_by_the_next(
    settings: Settings, store: TestStore, control: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has the prices twice, the history once."""
    new = price(in_two_hours())

    def gone(*_rest: Any) -> None:
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr("prices.log.add_prices", gone)
        with pytest.raises(StoreUnavailable):
            do_job(settings, store, control, new)
    provision_store(store.address, PARTITIONS, list_prices(), log_of(settings))

    assert load_jobs(control)[0].state(PARTITIONS) == "done"
    assert [record.prices for record in log_of(settings).loads()] == [(new,), (new,)]
    assert [row.price for row in history_of(control)].count(new) == 1


async def test_a_process_that_serves_the_log_appends_prices_to_it(tmp_path: Path) -> None:
    """Offsets stay dense among the records of clients."""
    path = tmp_path / "log.sqlite"
    log = SqliteEventLog(path)
    await log.start()
    served = ServedPriceLog(path, log)
    try:
        await log.append(b"session", b"{}")
        await asyncio.to_thread(served.append, [prices_loaded(price(n)) for n in range(2)])
        position = await log.append(b"session", b"{}")
    finally:
        await log.stop()

    assert position.offset == 3
    assert [record.prices for record in await asyncio.to_thread(served.loads)] == [(price(0),), (price(1),)]


def do_job(
    settings: Settings, store: TestStore, control: Client, *prices: Price, new_generations_only: bool = False
) -> tuple[list[str], str]:
    """Request a load as olga, and provision; return what that did, and the state of the job."""
    options = JobOptions(prices=format_prices(prices), new_generations_only=new_generations_only)
    add_job_event(control, new_job("prices", "", "olga", options))
    done = provision_store(store.address, PARTITIONS, list_prices(), log_of(settings))
    return done, load_jobs(control)[-1].state(PARTITIONS)


def test_a_store_that_goes_away_in_the_middle_is_no_silent_loss(
    settings: Settings, control: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says to run the command again, which then adds the prices."""

    def gone(*_rest: Any) -> None:
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr("prices.log.add_prices", gone)
        with pytest.raises(StoreUnavailable, match=r"no answer; the prices are in the log.*run the same command again"):
            load(settings, price(in_two_hours()))
    loaded = load(settings, price(in_two_hours() + 1_000))

    assert len(loaded) == 1
    assert len(log_of(settings).loads()) == 2


def test_an_installation_whose_log_is_not_named_is_refused(
    store: TestStore, control: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store with a generation has a log: prices outside the log would be lost with the store."""
    monkeypatch.setattr(loading, "store_address", lambda _settings: store.address)
    before = history_of(control)

    with pytest.raises(BadSettings, match=r"log_url: .*give --log-url"):
        load(Settings(data=str(tmp_path)), price(in_two_hours()))

    assert history_of(control) == before


def test_what_is_no_load_under_the_key_of_prices_is_no_price(tmp_path: Path) -> None:
    """Invalid records, prices of another org and session records bring no price, and stop nothing."""
    log = SqlitePriceLog(tmp_path / "log.sqlite")
    good = LogBuilder(1).add(prices_loaded(price(0)))[0].value
    bad = [b"garbage", b"", LogBuilder(1).add(prices_loaded(price(0), org_id="acme"))[0].value]
    log.append([])
    with sqlite3.connect(tmp_path / "log.sqlite") as file:
        for offset, value in enumerate([*bad, good]):
            file.execute("INSERT INTO records VALUES (?, ?, ?, 0)", (offset, KEY, value))
    file.close()

    loads = log.loads()

    assert [record.prices for record in loads] == [(price(0),)]
    assert not log.is_empty()


@pytest.mark.kafka
async def test_kafka_holds_loads_among_other_records(
    kafka: str, fresh_topic: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are found in their partition, in order, and nothing else is."""
    topic = KafkaTopic(kafka, await fresh_topic(partitions=4), 4)

    async def found(_self: Any, configured: KafkaTopic) -> KafkaTopic:
        return configured

    monkeypatch.setattr("runtime.operations.kafka_price_log.InstalledTopic.__call__", found)
    monkeypatch.setattr("runtime.operations.kafka_price_log.InstalledTopic.record", SimpleNamespace(secrets=""))
    log: PriceLog = KafkaPriceLog(Settings(), topic)
    loads: Sequence[PricesLoaded] = [prices_loaded(price(n), loaded_us=n) for n in range(3)]

    empty = await asyncio.to_thread(log.is_empty), await asyncio.to_thread(log.loads)
    for load_ in loads:
        await asyncio.to_thread(log.append, [load_])
        await _append_others(topic)

    assert empty == (True, ())
    assert await asyncio.to_thread(log.loads) == loads
    assert not await asyncio.to_thread(log.is_empty)


async def _append_others(topic: KafkaTopic) -> None:
    """Append records of sessions, some of them to the partition of prices."""
    log = KafkaEventLog(topic)
    await log.start()
    try:
        keys = [session_id(n).bytes for n in range(8)]
        assert partition_of(KEY, 4) in {partition_of(key, 4) for key in keys}
        for n, key in enumerate(keys):
            await log.append(key, LogBuilder(4).add(created(session_id(n)))[0].value or b"")
    finally:
        await log.stop()


def test_the_command_works_on_a_folder_of_up(tmp_path: Path) -> None:
    """The command line loads into the log of a folder, and reads it back if the folder of the store is gone."""
    file = tmp_path / "prices.toml"
    file.write_text(FILE.format(model="mine", since="2025-01-01"))
    SqlitePriceLog(tmp_path / "up" / "log.sqlite").append([])
    command = [sys.executable, "-P", "-m", "cli", "prices", "load", str(file), "--data", str(tmp_path / "up")]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    shutil.rmtree(tmp_path / "up" / "store")
    again = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "prices: 1 loaded, 0 known already"), done.stderr
    assert (again.returncode, again.stdout) == (0, "prices: 0 loaded, 1 known already\n"), again.stderr
    assert len(SqlitePriceLog(tmp_path / "up" / "log.sqlite").loads()) == 1
