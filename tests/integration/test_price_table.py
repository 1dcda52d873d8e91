"""The price history on the real engine: it only grows, projectors follow it, and a replay gives the same costs."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import clickhouse_connect
import msgspec
import pytest
from clickhouse_connect.driver.client import Client

from prices.log import load as load_into
from prices.price_list import NOTICE_MS, PriceList, in_force, list_prices, newest
from prices.shown import ShownPrice, newest_shown
from prices.table import TooEarly, history_of
from processors.fold.fold import FOLD_VERSION
from processors.pricing import COMPLETE_FOR_MS, Pricing
from processors.warehouse import ClickHouseWarehouse
from runtime.operations.provision_store import provision_store
from runtime.services.projector import make_warehouse
from schemas.log.position import LogRecord
from schemas.log.price import Price
from schemas.permissions import OPERATOR_ORG
from store.reading.reader import open_reader
from tests.support.builders import LogBuilder, created, reported, session_id, usage
from tests.support.rigs.projection import new_pipeline, tables
from tests.support.rigs.query_store import QueryApi
from tests.support.rigs.store import Options, TestStore, new_address, new_store

MODEL = "claude-new-1"
MINUTE_MS = 60_000
PARTITIONS = 1


@pytest.fixture
def store(engine: Options) -> Iterator[TestStore]:
    """Provision a store of one partition."""
    yield from new_store(new_address(engine), PARTITIONS)


@pytest.fixture
def control(store: TestStore) -> Iterator[Client]:
    """Return a client of its control database."""
    client = clickhouse_connect.get_client(**store.address.at(store.address.control))
    yield client
    client.close()


def price(from_ms: int, usd: int = 1, model: str = MODEL) -> Price:
    """Return a price of that many dollars per million tokens of any kind."""
    return Price(model, from_ms, *[usd * 10**9] * 5)


def load(control: Client, *prices: Price, new_generations_only: bool = False) -> list[Price]:
    return [row.price for row in load_into(control, None, prices, new_generations_only=new_generations_only)]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@contextmanager
def another_generation(store: TestStore, control: Client) -> Iterator[ClickHouseWarehouse]:
    """Make a generation like the first one of `provision`, without tables, which these tests do not read."""
    prices = PriceList(newest(history_of(control)))
    control.command(
        "INSERT INTO generations (name, event, fold_version, prices_sha256, partitions)"
        f" VALUES ('g2', 'created', {FOLD_VERSION}, '{prices.sha256}', {PARTITIONS})"
    )
    control.command(f"CREATE DATABASE {store.address.database('g2')}")
    yield make_warehouse(store.address, "g2")
    control.command(f"DROP DATABASE {store.address.database('g2')}")


class Reports:
    """A log of sessions with a million tokens each, reported at given times, and their costs as they were projected."""

    def __init__(self, store: TestStore) -> None:
        self.store, self.log = store, LogBuilder(PARTITIONS)
        self.pipeline = new_pipeline(store, self.log.records)

    def project(self, **received: int) -> dict[str, tuple[float, str]]:
        """Project one more session for each name, received at the given time; return all costs in dollars."""
        begun = len(self.log.records)
        for name, at in received.items():
            session = session_id(name)
            self.log.add(
                created(session, title=name, received_at=at),
                reported(session, usage(MODEL, input_tokens=1_000_000), received_at=at),
            )
        asyncio.run(self._run(self.log.records[begun:]))
        return self.costs()

    def replay(self) -> None:
        """Project everything again, with a new projector, into empty tables."""
        self.store.empty()
        self.pipeline = new_pipeline(self.store, self.log.records)
        asyncio.run(self._run(self.log.records))

    def costs(self) -> dict[str, tuple[float, str]]:
        rows = self.store.rows("SELECT title, cost_nano, models.cost_source AS source FROM {db}.sessions FINAL")
        return {row["title"]: (row["cost_nano"] / 10**9, *row["source"]) for row in rows}

    async def _run(self, records: list[LogRecord]) -> None:
        await self.pipeline.project(records)
        await self.pipeline.drain()


def test_a_price_of_the_future_holds_from_its_moment_on_and_a_replay_gives_the_same(
    store: TestStore, control: Client
) -> None:
    """Old sessions keep their costs, new ones get the new price, in the same generation."""
    reports = Reports(store)
    assert reports.project(before=now_ms()) == {"before": (0, "unknown")}
    begins = now_ms() + NOTICE_MS + MINUTE_MS

    assert load(control, price(begins, 3)) == [price(begins, 3)]
    found = reports.project(still=begins - 1, then=begins)  # by the same projector, which kept running

    assert found == {"before": (0, "unknown"), "still": (0, "unknown"), "then": (3, "priced")}
    projected = tables(store)
    reports.replay()
    assert tables(store) == projected


def test_a_projector_reads_the_list_again_in_time(store: TestStore, control: Client) -> None:
    """A list is valid for half an hour after it is read; prices loaded meanwhile begin later."""
    pricing = Pricing(store.warehouse())
    first = pricing.complete_until(now_ms())
    load(control, price(now_ms() + NOTICE_MS + MINUTE_MS))

    assert pricing.complete_until(now_ms() + COMPLETE_FOR_MS - MINUTE_MS) is first
    assert len(pricing.complete_until(now_ms() + COMPLETE_FOR_MS + MINUTE_MS).prices) == len(first.prices) + 1


def test_a_price_of_the_past_is_refused_and_the_message_says_what_to_do(store: TestStore, control: Client) -> None:
    """Nothing of the file is loaded, not even its valid prices."""
    good, early = price(now_ms() + NOTICE_MS + MINUTE_MS), price(now_ms() + NOTICE_MS - MINUTE_MS, model="early")

    with pytest.raises(TooEarly, match=r"early from 20.*Start new prices after 20.*--new-generations-only"):
        load(control, good, early)

    assert PriceList(row.price for row in history_of(control)).sha256 == list_prices().sha256


def test_a_price_of_the_past_can_be_kept_for_new_generations(store: TestStore, control: Client) -> None:
    """The existing generation does not use it; a later one does, and can be projected."""
    reports = Reports(store)
    reports.project(before=now_ms())
    load(control, price(0, 7), new_generations_only=True)
    assert reports.project(later=now_ms())["later"] == (0, "unknown")

    with another_generation(store, control) as warehouse:
        seen = Pricing(warehouse).complete_until(now_ms())

    assert seen.price_of(MODEL, now_ms()) == price(0, 7)
    projected = tables(store)
    reports.replay()
    assert tables(store) == projected


def test_what_is_known_is_not_loaded_again(store: TestStore, control: Client) -> None:
    """A file is stored as a whole once; its known past prices are accepted."""
    new = price(now_ms() + 2 * NOTICE_MS)
    assert load(control, *list_prices().prices, new) == [new]

    assert load(control, *list_prices().prices, new) == []


async def test_an_operator_sees_every_price(store: TestStore, control: Client) -> None:
    """The list of the installation comes first, then each load, also one that was replaced; no other role sees them."""
    begins = now_ms() + 2 * NOTICE_MS
    load(control, price(begins, 1))
    load(control, price(begins, 2))
    reader = open_reader(store.address)
    api = QueryApi(reader)

    found = await api.get("prices", org=OPERATOR_ORG, user="olga", role="operator")
    refused = await api.get("prices", org=OPERATOR_ORG, role="owner")

    reader.close()
    *first, replaced, last = found.json()["data"]
    assert {row["loaded_at"] for row in first} == {None}
    assert [(row["model"], row["input"]) for row in (replaced, last)] == [(MODEL, 1.0), (MODEL, 2.0)]
    assert replaced["loaded_at"] < last["loaded_at"]
    assert set(newest_shown(msgspec.convert([*first, replaced, last], list[ShownPrice]))) == {
        *list_prices().prices,
        price(begins, 2),
    }
    assert refused.status_code == 401


def test_a_price_that_has_not_begun_can_be_replaced(store: TestStore, control: Client) -> None:
    """The last one loaded is valid."""
    begins = now_ms() + 2 * NOTICE_MS
    load(control, price(begins, 1))
    load(control, price(begins, 2))

    assert Pricing(store.warehouse()).complete_until(now_ms()).price_of(MODEL, begins) == price(begins, 2)


def test_an_installation_can_begin_with_a_list_of_its_own(store: TestStore, control: Client) -> None:
    """A list loaded before the first start may have any time; the built-in list is then left out."""
    for table in ("prices", "generations"):
        control.command(f"TRUNCATE TABLE {table}")
    load(control, price(0, 5))

    provision_store(store.address, PARTITIONS, list_prices())

    assert in_force(history_of(control), now_ms() * 1000).prices == (price(0, 5),)
    assert Pricing(store.warehouse()).complete_until(0).price_of(MODEL, 0) == price(0, 5)


def test_provisioning_again_leaves_the_prices_alone(store: TestStore, control: Client) -> None:
    """A later version's list would change existing costs."""
    before = history_of(control)

    provision_store(store.address, PARTITIONS, PriceList([price(0)]))

    assert history_of(control) == before
