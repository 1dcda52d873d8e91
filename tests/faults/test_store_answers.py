"""Error codes that a ClickHouse cluster returns: each code of the table at some statement, and an error at each.

A code only decides the verdict, which `tests/unit/test_store_errors.py` compares for all of them.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from audit.recount import Recount, Recounted
from audit.slices import days_asked
from processors.flow import availability
from processors.warehouse import ClickHouseWarehouse
from schemas.log.position import LogRecord
from store.connect import WRITE, connect
from store.errors import StoreRefuses
from store.reading.question import P, Question, R
from store.reading.reader import ClickHouseReader, answer, open_reader
from tests.support.builders import (
    LogBuilder,
    changed,
    compaction_requested,
    created,
    ended,
    hook,
    recorded,
    reported,
    usage,
)
from tests.support.builders import session_id as named
from tests.support.fakes.store_refusals import PASSES, REFUSED, refusal_text
from tests.support.rigs.projection import ListedLog, new_pipeline, settle, tables
from tests.support.rigs.projector_rig import ProjectorRig
from tests.support.rigs.projector_rig import ended as end_of
from tests.support.rigs.query_store import QueryApi
from tests.support.rigs.store import Options, TestStore, new_address, new_store
from tests.support.waiting import eventually

STATEMENTS = frozenset({"query", "raw_query", "command", "raw_insert", "query_row_block_stream"})
NO_STATEMENTS = frozenset({"close", "database"})


class RefusingStore:
    """Fails each statement with the next code at the first try, and runs it at the second; the third try fails again.

    Every second failure is misleading: the statement took effect, as with code 319, or if the server stops in between.
    """

    def __init__(self, codes: Sequence[int], connect: Callable[[], Client]) -> None:
        self._codes, self._connect = codes, connect
        self.refused = 0
        self._tries: Counter[str] = Counter()

    def client(self) -> Any:
        """Return a client of the store."""
        return _RefusingClient(self, self._connect())

    def answer(self, statement: str, call: Callable[[], Any]) -> Any:
        """Return the result of one try of a statement, or raise."""
        self._tries[statement] += 1
        if self._tries[statement] % 2 == 0:
            return call()
        code = self._codes[self.refused % len(self._codes)]
        self.refused += 1
        if self.refused % 2 == 0:
            call()
        raise DatabaseError(refusal_text(code), code=code)


class _RefusingClient:
    def __init__(self, store: RefusingStore, client: Client) -> None:
        self.__dict__.update(_store=store, _client=client)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in NO_STATEMENTS:
            return found
        assert name in STATEMENTS, f"{name} would never be refused: say whether it is a statement"

        def call(*given: Any, **named: Any) -> Any:
            return self._store.answer(f"{name} {given} {named}", lambda: found(*given, **named))

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._client, name, value)


def batched(codes: list[int], size: int = 15) -> list[list[int]]:
    """Return the codes in lists that a pass over the log can go through, one for each statement."""
    return [codes[at : at + size] for at in range(0, len(codes), size)]


PARTITIONS = 2
Tables = dict[str, list[tuple[object, ...]]]


def the_log() -> list[LogRecord]:
    """Build a log with facts of every kind, two sessions, and a dead letter."""
    log = LogBuilder(PARTITIONS, seed=26)
    for n in range(4):
        session = named(n)
        log.add(created(session, agent_name=f"agent{n}"))
        log.add(recorded(session, hook("UserPromptSubmit", prompt="mend it"), hook("Stop")))
        log.add(reported(session, usage(input_tokens=n, cost_nano=10**9 + n)), changed(session, project_id="moved"))
        log.add(compaction_requested(session), ended(session))
    log.add_bytes(b"not a record")
    return log.records


@pytest.fixture(scope="module")
def two(engine: Options) -> Iterator[TestStore]:
    """Return a store that each test empties."""
    yield from new_store(new_address(engine), PARTITIONS)


@pytest.fixture(scope="module")
def clean(two: TestStore) -> Tables:
    """Return the tables of one clean pass; each position has its receipt, and sessions and rollups equal a recount."""
    two.empty()
    asyncio.run(_project(two, two.warehouse(), the_log()))
    made = tables(two)
    assert len(made["receipts"]) == len(the_log())
    recounted = asyncio.run(_recount(two))
    assert (recounted.equal, recounted.compared.sessions) == (True, 4)
    return made


async def _recount(store: TestStore) -> Recounted:
    reader = open_reader(store.address)
    generation = await reader.live()

    class Asks:
        async def ask(self, question: Question[P, R], params: P) -> list[R]:
            return await answer(reader, generation, question, params)

    try:
        return await Recount(Asks(), None, days_asked(None, None)).run()
    finally:
        reader.close()


@pytest.fixture(autouse=True)
def _retries_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(availability, "RETRY_FIRST_S", 0.001)


async def _project(store: TestStore, warehouse: ClickHouseWarehouse, log: list[LogRecord]) -> None:
    pipeline = new_pipeline(store, log, warehouse=warehouse)
    await pipeline.project(log)
    await settle(pipeline)


def refusing(two: TestStore, *codes: int) -> tuple[ClickHouseWarehouse, RefusingStore]:
    store = RefusingStore(codes, lambda: connect(WRITE, **two.address.at(two.database)))
    return ClickHouseWarehouse(store.client, two.address.control, "g1"), store


@pytest.mark.fault(row=26)
@pytest.mark.parametrize("codes", batched(PASSES), ids=str)
async def test_a_projector_waits_for_each_code_of_an_unavailable_store(
    two: TestStore, clean: Tables, codes: list[int]
) -> None:
    """Each statement fails once with one of the codes, before or after its effect; the tables equal a clean pass."""
    two.empty()
    warehouse, store = refusing(two, *codes)

    await _project(two, warehouse, the_log())

    assert store.refused >= len(codes)
    assert tables(two) == clean


@pytest.mark.fault(row=26)
@pytest.mark.parametrize("code", REFUSED)
async def test_a_projector_stops_where_waiting_would_not_help(two: TestStore, code: int) -> None:
    """The projector raises the sentence that ends the process with exit code 1; no record gets a receipt."""
    two.empty()
    warehouse, _ = refusing(two, code)

    with pytest.raises(StoreRefuses):
        await _project(two, warehouse, the_log())

    assert two.rows("SELECT count() AS n FROM {db}.receipts") == [{"n": 0}]


@pytest.mark.fault(row=26)
@pytest.mark.parametrize("codes", batched(PASSES), ids=str)
async def test_a_read_is_503_and_then_200(two: TestStore, clean: Tables, codes: list[int]) -> None:
    """The same request succeeds when sent again: none of these codes breaks the reader's state."""
    store = RefusingStore(codes, lambda: clickhouse_connect.get_client(**two.address.at("default"), tz_mode="aware"))
    reader = ClickHouseReader(store.client, two.address.control)
    api = QueryApi(reader)
    try:
        replies = [await api.get("sessions/analytics/summary") for _ in range(4 * len(codes))]
    finally:
        reader.close()

    away = [reply for reply in replies if reply.status_code == 503]
    assert len(away) >= len(codes)
    assert {reply.json()["code"] for reply in away} == {"store_unavailable"}
    assert all(reply.headers["Retry-After"] == "1" for reply in away)
    assert {reply.status_code for reply in replies} == {200, 503}


@pytest.mark.fault(row=26)
async def test_a_store_that_comes_back_with_an_older_replica_is_filled_up(two: TestStore, clean: Tables) -> None:
    """The latest rows are missing; the next assignment finds the gaps and projects them again from the log."""
    two.empty()
    log = the_log()
    warehouse = two.warehouse()
    pipeline = new_pipeline(two, log, warehouse=warehouse)
    await pipeline.project(log[: 2 * len(log) // 3])
    await settle(pipeline)
    two.empty()
    await _project(two, warehouse, log[: len(log) // 3])  # the state of the older replica

    pipeline.assign(range(PARTITIONS))
    for partition, end in enumerate(await ListedLog(log, PARTITIONS).ends()):
        await pipeline.take_over(partition, end)
    await settle(pipeline)

    assert tables(two) == clean


@pytest.mark.kafka
@pytest.mark.fault(row=26)
async def test_a_worker_waits_or_ends_as_the_code_says(kafka: str, tmp_path: Path) -> None:
    """At startup and during its work; refused records are projected once the store accepts them."""
    rig, log = ProjectorRig(kafka, tmp_path), the_log()
    rig.start_store()
    try:
        for code in (164, 452, 497, 516):
            rig.refusals.everything(code)
            done = rig.finish("processors", "--instance", "0")
            assert done.returncode == 1, done.stderr
            assert done.stderr.splitlines()[-1].startswith("Error: the "), done.stderr
            assert rig.password not in done.stderr
            rig.refusals.end()
        worker, said = rig.worker(), tmp_path / "processors.log"
        await rig.send(log[:10])
        rig.await_projected(10)

        rig.refusals.everything(999)
        await rig.send(log[10:20])
        eventually(lambda: "store_unavailable" in said.read_text(), within_s=60)
        rig.refusals.end()
        rig.await_projected(20)
        rig.refusals.everything(497)
        await rig.send(log[20:])

        assert end_of(worker) == 1
        rig.refusals.end()
        rig.worker()
        rig.await_projected(len(log))
    finally:
        rig.end()
