"""Every statement that the product sends to a store, for each process, as one function for each of its users.

The functions run in separate processes (see `personas.py`) with the options of a client, one after the other on the
same folder. They return the same on every engine.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from unittest.mock import patch
from uuid import UUID

import clickhouse_connect
import msgspec
from clickhouse_connect.driver.exceptions import ClickHouseError
from litestar.testing import AsyncTestClient
from structlog.testing import capture_logs

from audit import repair
from audit.coverage import COVERAGE_GAPS, Coverage, Gaps
from audit.recount import Recounted
from audit.watch import NIGHTLY_AT_HOUR, Audit
from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from edge.tokens import issue_token
from generations import provisioned_jobs
from generations.control import Control
from generations.jobs import table as jobs
from generations.jobs.table import Kind
from generations.projector_jobs import ProjectorJobs
from generations.prove import ranges
from generations.prove.prove import Prove
from generations.prove.ranges import NEXT_SESSION, NEXT_START, AfterSession, AfterStart
from generations.situation import load_latest
from prices.log import load
from prices.price_list import list_prices
from processors import warehouse as warehouse_module
from processors.fold.fold import FOLD_VERSION
from processors.fold.state import thaw
from processors.marks.progress import Progress
from processors.projections import states
from processors.projector import Projector
from processors.runners.startup_checks import check_generation
from processors.sweeping import Sweeper
from processors.warehouse import ClickHouseWarehouse
from query_api.erasure.certificate import INSTALLATION
from query_api.erasure.checks import LAST_CHECKS
from query_api.erasure.one import RECORDS, RecordsOf
from query_api.erasure.progress import CERTIFIED_AT, PLACES, STEPS, OfErasure, Positions
from query_api.sessions import threads
from runtime.operations import provision_store as provision
from runtime.services.composition import ReadSide, compose
from runtime.services.projector import make_warehouse
from schemas.log.position import LogRecord, Position
from schemas.log.records import NO_ID
from schemas.log.topics import partition_of, record_key
from schemas.permissions import OPERATOR_ORG, Role
from schemas.times import instant
from store.address import StoreAddress
from store.connect import WRITE, connect
from store.generations import FIRST_GENERATION, Generation
from store.migrate import check_migrated
from store.reading.question import NoParams
from store.reading.reader import ClickHouseReader, answer, answer_from_control, open_reader
from tests.support.builders import (
    MINUTE_MS,
    ORG,
    SECRETS,
    T0,
    LogBuilder,
    changed,
    compaction_requested,
    created,
    ended,
    hook,
    positions_erased,
    recorded,
    records_erased,
    reported,
    usage,
)
from tests.support.builders import session_id as named
from tests.support.grafana import ALL, Values, clickhouse_text, dashboard, queries, variables
from tests.support.questions import sql_files
from tests.support.rigs.projection import ListedLog, new_pipeline, settle

PARTITIONS = 2
OTHER = "globex"
KEY = b"a secret of at least 32 bytes, for tests"
POISON = b"not a record"
NOW_MS = T0 + MINUTE_MS * 60
OF_THE_CONTROL_DATABASE = ("operator/jobs", "operator/generations", "operator/generations/g2/proof")
SECOND, DROPPED, OTHERWISE = "g2", "g3", "g_other"
REQUESTED: tuple[tuple[Kind, str], ...] = (
    *(("repair", FIRST_GENERATION), ("pause", SECOND), ("resume", SECOND), ("prove", SECOND)),
    *(("switch", SECOND), ("switch", FIRST_GENERATION), ("check_erasures", FIRST_GENERATION)),
)
ASKED_OF_THE_STORE = frozenset(("store.generations", "generations.jobs.add_event", "store.receipt_gaps"))
CHANGING = frozenset("request_id age_seconds stored_at projected_at loaded_at from".split())  # depends on the clock
OF_REQUESTS = frozenset(
    "id by at made_at requested_at finished_at facts text results progress waits_for".split()
)  # depend on the clock or on merges


def the_log(seed: int = 5, poison: bytes = POISON) -> list[LogRecord]:
    """Build a log: two orgs, three days, all kinds of facts, conversations of which one is live, a dead letter."""
    log = LogBuilder(PARTITIONS, seed=seed)
    run = log.uuid()
    for n in range(6):
        org = (ORG, OTHER)[n % 2]
        session, start = named(n, org), T0 - n * 11 * 60 * MINUTE_MS
        log.add(created(session, org_id=org, agent_name=f"agent{n % 3}", started_at=start, run_id=run, repo="a/b"))
        batch = recorded(session, *_work(start), org_id=org)
        log.add(batch, batch)
        log.add(reported(session, usage(input_tokens=n + 1, cost_nano=10**9 + n), org_id=org))
        log.add(changed(session, org_id=org, project_id="moved", title="mend the login"))
        log.add(compaction_requested(session, org_id=org), ended(session, org_id=org))
    session, at = named(6, ORG), NOW_MS - 5 * MINUTE_MS
    failed: dict[str, Any] = {
        "tool_name": "Read",
        "tool_use_id": "t9",
        "error": "  \nExit code 1\nFile /a/b.py has 7 lines, 5f1c9f4a2d\n",
    }
    log.add(created(session, org_id=ORG, started_at=at), recorded(session, *_work(at)[:3], org_id=ORG))
    log.add(recorded(session, hook("PostToolUseFailure", at, **failed), hook("Stop", at), org_id=ORG))
    log.add_bytes(poison)
    return log.records


def _work(at: int) -> list[Any]:
    used: dict[str, Any] = {"tool_name": "Bash", "tool_use_id": "t1", "tool_input": {"command": "make test"}}
    return [
        hook("UserPromptSubmit", at, prompt="mend the login of the reviewer"),
        hook("PreToolUse", at + MINUTE_MS, **used),
        hook("PostToolUse", at + 2 * MINUTE_MS, **used),
        hook("SubagentStart", at + 3 * MINUTE_MS, agent_id="a1", agent_type="helper"),
        hook("TaskCreated", at + 4 * MINUTE_MS, task_id="1"),
        hook("Stop", at + 5 * MINUTE_MS, last_assistant_message="it works again"),
    ]


def make(options: dict[str, Any]) -> list[str]:
    """Do what `provision` does: create, create and drop on request, load prices; return the result of the last run."""
    store = StoreAddress(options)
    provisioned_jobs.STOPS_WITHIN_S = 0.0  # it has no running projector
    provision.provision_store(store, PARTITIONS, list_prices())
    client = connect(WRITE, **store.at(store.control))
    for kind, name in (("replay", SECOND), ("replay", DROPPED), ("drop", DROPPED), ("replay", OTHERWISE)):
        jobs.add_job_event(client, jobs.new_job(kind, name, "tests"))  # type: ignore[arg-type]  # a kind
        provision.provision_store(store, PARTITIONS, list_prices())
    jobs.add_job_event(client, jobs.report_of(jobs.load_jobs(client)[-1], "done", "tests"))
    dearer = msgspec.structs.replace(list_prices().prices[0], from_ms=(int(time.time()) + 86_400) * 1000)
    load(client, None, [dearer], new_generations_only=False)
    client.close()
    return provision.provision_store(store, PARTITIONS, list_prices())


def project(options: dict[str, Any]) -> list[str]:
    """Do what projectors do: checks, the log, gaps, repairs, jobs; return the SQL files of a warehouse."""
    used: set[str] = set()
    whole = warehouse_module.sql

    def sql(name: str) -> str:
        used.add(name)
        return whole(name)

    warehouse_module.sql = sql
    asyncio.run(_project(StoreAddress(options)))
    return sorted(used)


def project_first(options: dict[str, Any]) -> None:
    """Do what a projector of the first generation does: checks, the log with a gap, repairs, an erasure, a sweep."""
    asyncio.run(_project_first(StoreAddress(options)))


async def _project_first(store: StoreAddress) -> None:
    first = _projector(store, FIRST_GENERATION)
    await _project_with_a_gap(first)
    await _repair(first)
    await settle(first.pipeline)
    await first.progress.look()
    _erase(first.warehouse)


async def _project(store: StoreAddress) -> None:
    first, second = _projector(store, FIRST_GENERATION), _projector(store, SECOND)
    await _project_with_a_gap(first)
    await _repair(first)
    await second.pipeline.project(the_log())
    for projector in (first, second):
        await settle(projector.pipeline)
        await projector.progress.look()
    await _do_requested(store, {FIRST_GENERATION: first, SECOND: second})
    await _project_otherwise(store)


def _projector(store: StoreAddress, generation: str) -> Projector:
    warehouse = make_warehouse(store, generation)
    check_generation(warehouse, PARTITIONS)
    check_migrated(store, generation)
    pipeline = new_pipeline(_Store(store), the_log(), warehouse=warehouse)  # type: ignore[arg-type]
    pipeline.assign(range(PARTITIONS))
    progress = Progress(pipeline, warehouse, ListedLog(the_log(), PARTITIONS), lambda: NOW_MS)
    sweeper = Sweeper(warehouse, pipeline.written)
    return Projector(pipeline, progress, warehouse, None, None, None, sweeper)  # type: ignore[arg-type]  # nothing watches it


async def _project_with_a_gap(projector: Projector) -> None:
    """Project the first half of each partition, then its last record: the gap between them is filled."""
    log = the_log()
    ends = [sum(record.partition == partition for record in log) for partition in range(PARTITIONS)]
    with patch.object(states, "FACTS_MIN", 2):  # also for short sessions
        await projector.pipeline.project([record for record in log if record.offset < ends[record.partition] // 2])
        await projector.pipeline.project([record for record in log if record.offset == ends[record.partition] - 1])
    await settle(projector.pipeline)


async def _repair(projector: Projector) -> None:
    for org, session in ((ORG, named(0, ORG)), (OTHER, named(1, OTHER))):
        partition = partition_of(record_key(session), PARTITIONS)
        last = projector.warehouse.last_receipt(partition)
        assert last is not None
        assert projector.warehouse.holes(partition, 0, last.offset + 2) == [(last.offset + 1, last.offset + 2)]
        projector.warehouse.forget_dense_mark(partition)
        assert (org, session) in projector.warehouse.kept_sessions(partition)
        state = projector.warehouse.kept_state(partition, (org, session), last.offset + 1)
        assert state is not None
        assert projector.warehouse.facts([(org, session)], last.offset + 1)[0].session_id == thaw(state).session_id
        await projector.pipeline.project_again(partition, [(org, session)])
    assert {"facts", "receipts"} <= projector.warehouse.parts().keys()
    repair._compute_again(projector.warehouse, [(ORG, T0 // 3_600_000 * 3_600)], [])


async def _do_requested(store: StoreAddress, projectors: Mapping[str, Projector]) -> None:
    """Let projectors of both generations do one request of each kind, and finally switch back."""
    reader, refused = open_reader(store), list[Exception]()
    failed = reader._failed

    def note(error: Exception, right: str) -> Exception:
        refused.append(failed(error, right))
        return refused[-1]

    reader._failed = note  # type: ignore[method-assign]  # what the store refuses is waited out, so the test notes it
    works = [
        ProjectorJobs(made, reader, Generation(name, PARTITIONS, FOLD_VERSION), name, [])
        for name, made in projectors.items()
    ]
    control = Control(reader, *works)
    try:
        await _until_done(reader, control, refused)
        for kind, name in REQUESTED:
            await reader.control("generations.jobs.add_event", jobs.new_job(kind, name, "tests"))
            await _until_done(reader, control, refused)
    finally:
        for work in works:
            await work.stop()
        reader.close()


async def _until_done(reader: ClickHouseReader, control: Control, refused: Sequence[Exception]) -> None:
    """Check until no job is open. Raises the error of the store, or the reason why a job failed."""
    while any(job.is_open(PARTITIONS) for job in await load_latest(reader)):
        await control.look()
        await asyncio.sleep(0.01)
        if refused:
            raise refused[0]
    failed = {job.failed.report.text for job in await load_latest(reader) if job.failed}
    assert failed == {f"{DROPPED} was dropped"}, failed


async def _project_otherwise(store: StoreAddress) -> None:
    """Fill a generation so that every table differs, and receipts claim facts that are missing."""
    log = the_log(seed=6, poison=b"no record either")
    pipeline = new_pipeline(_Store(store), log, warehouse=make_warehouse(store, OTHERWISE))  # type: ignore[arg-type]
    await pipeline.project(log)
    await settle(pipeline)
    _erase(make_warehouse(store, OTHERWISE))
    with closing(connect(WRITE, **store.at(store.database(OTHERWISE)))) as client:
        for lost in (
            "facts WHERE event_type = 'Stop'",
            "tasks WHERE kind = 'tool'",
            "analyses WHERE org_id != ''",
            "amounts WHERE org_id != ''",
        ):
            client.command(f"DELETE FROM {lost}")


def _erase(warehouse: ClickHouseWarehouse) -> None:
    """Erase an org and a session that are not there, and sweep, without waiting for the store's old parts."""
    for erasure in (records_erased(0, partitions=PARTITIONS), records_erased(0, named(0), partitions=PARTITIONS)):
        warehouse.erase(0, 1_000, msgspec.structs.replace(erasure, org_id="nobody"))
    assert warehouse.unswept().seconds > 0
    positions = positions_erased(0, 999, org_id="nobody", partitions=PARTITIONS)
    warehouse.erase_positions(0, 1_000, positions)
    assert warehouse.erased_positions(0) == []
    assert warehouse.starts([("nobody", named(0))], 1_000) == []
    warehouse.hide_older(0, 1_000, [("nobody", named(0))])
    assert warehouse.delete_erased() == 0
    for name in ("facts", "tasks"):
        warehouse._delete_positions(name, [("nobody", named(0), 999)])
    warehouse._command_in_parts("delete_empty_tasks", "sessions", [("nobody", str(named(0)))], offset=999)
    warehouse.delete_empty_tasks()
    for name in ("delete_erased", "delete_erased_replaced"):
        table = "sessions" if name.endswith("replaced") else "facts"
        warehouse._command_in_parts(name, "sessions", [("nobody", str(named(0)))], table=table)
    warehouse.apply_deletes()
    while warehouse.unfinished():
        time.sleep(0.01)
    assert warehouse.old_parts()
    warehouse.parts_with_deleted()
    assert warehouse.erased_below() == {}
    warehouse.note_swept({0: 1_001})
    assert warehouse.unswept() == (0, False)
    assert warehouse.uncertified_s([]) > warehouse.uncertified_s([1_001]) == 0
    assert warehouse.swept().below == {0: 1_001}
    assert warehouse.first_erasures(0) == {("nobody", NO_ID): 1_000, ("nobody", named(0)): 1_000}


class _Store:
    """The parts of `TestStore` that a pipeline needs, for existing tables."""

    partitions = PARTITIONS

    def __init__(self, address: StoreAddress) -> None:
        self.address = address


def asked_by_the_read_side() -> set[str]:
    """Return the names of all questions, including those of a proof."""
    return set(sql_files()) | ASKED_OF_THE_STORE | {"query_api.sessions.list_2_terms"}  # of a search in events


def ask(options: dict[str, Any]) -> dict[str, Any]:
    """Do what `query-api` does: its check, each route, the audit. Return responses by question, and the SQL files."""
    return asyncio.run(_ask(options))


async def _ask(options: Mapping[str, Any]) -> dict[str, Any]:
    reader = open_reader(StoreAddress(dict(options)))
    used: set[str] = set()
    whole = reader._run

    async def run(database: str, name: str, *rest: Any) -> Any:
        used.add(name)
        return await whole(database, name, *rest)

    reader._run = run  # type: ignore[method-assign, assignment]  # it notes which files are used
    try:
        await reader.check()
        await reader.control("generations.jobs.add_event", jobs.new_job("repair", FIRST_GENERATION, "tests"))
        answers, audit, proof = await _answers(reader), await _audit(reader), await _proof(reader)
        gaps = await answer(reader, Generation(FIRST_GENERATION, PARTITIONS), COVERAGE_GAPS, Gaps(0, 0, 1_000, 10))
        await _next_keys(reader)
        await _erasure(reader)
        lasting = {"answers": answers, "audit": audit, "proof": proof, "gaps": msgspec.to_builtins(gaps)}
        return {**lasting, "used": sorted(used)}
    finally:
        reader.close()


async def _next_keys(reader: ClickHouseReader) -> None:
    """Ask where the next range of a table begins: the proof's tables may be too short for that."""
    live = Generation(FIRST_GENERATION, PARTITIONS)
    assert await answer(reader, live, NEXT_SESSION, AfterSession("tasks", ORG, ranges.FIRST_ID, 2))
    for table, start in (("sessions", "started_hour"), ("amounts", "bucket")):
        assert await answer(reader, live, NEXT_START, AfterStart(table, start, ORG, ranges.FIRST_HOUR, 2))


async def _erasure(reader: ClickHouseReader) -> None:
    """Ask about an erasure that is not there, and about a check that is."""
    live, of, at = Generation(FIRST_GENERATION, PARTITIONS), (ORG, named(0)), Positions([(0, 0)])
    assert await answer(reader, live, PLACES, OfErasure(*of)) == []
    assert await answer(reader, live, STEPS, at)
    assert await answer(reader, live, RECORDS, RecordsOf(*of, is_org=True))
    assert await answer_from_control(reader, CERTIFIED_AT, at) == []
    await answer_from_control(reader, INSTALLATION, NoParams())
    assert await answer_from_control(reader, LAST_CHECKS, NoParams())


async def _answers(reader: ClickHouseReader) -> dict[str, Any]:
    app = compose(TokenVerifier([shared_secret(KEY)]), read=ReadSide(reader, SECRETS, lambda: NOW_MS / 1000))
    with patch.object(threads, "ROWS_EACH", 3):  # each org has as many rows; else no candidates
        async with AsyncTestClient(app) as client:
            return await _ask_all(client)


async def _ask_all(client: AsyncTestClient[Any]) -> dict[str, Any]:
    found = {}
    for org, role, path in _questions():
        token = issue_token(KEY, "alice", org, role, 600, time.time())
        reply = await client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}"})
        changing = CHANGING | OF_REQUESTS if path in OF_THE_CONTROL_DATABASE else CHANGING
        found[path] = [reply.status_code, _lasting(reply.json(), changing)]
    return found


async def _proof(reader: ClickHouseReader) -> dict[str, Any]:
    """Prove a generation in which every table differs, in many ranges, as for large tables."""
    live, other = (
        Generation(FIRST_GENERATION, PARTITIONS, FOLD_VERSION),
        Generation(OTHERWISE, PARTITIONS, FOLD_VERSION),
    )
    with patch.object(ranges, "ROWS_PER_RANGE", 20):
        proof = await Prove(reader, other, live, lambda *_: None, pause=partial(asyncio.sleep, 0)).run()
    # Ranges count unmerged versions, and the differences depend on the ranges: merges decide on their order.
    return {**msgspec.to_builtins(proof), "differences": sorted(map(_as_text, proof.differences))}


def _as_text(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


async def _audit(reader: ClickHouseReader) -> list[Any]:
    found: list[Any] = []

    def see(scope: str, coverage: Coverage, recounted: Recounted, _seconds: float) -> None:
        found.append([scope, coverage.complete, recounted.equal])

    for hour in (12, NIGHTLY_AT_HOUR):
        await Audit(reader, 60, see, partial(_today_at, hour)).once()
    return found


def _today_at(hour: int) -> datetime:
    return datetime.now(UTC).replace(hour=hour)


def _questions() -> Iterator[tuple[str, Role, str]]:
    for n, org in enumerate((ORG, OTHER)):
        session = f"{org}/sessions/{named(n, org)}"
        for part in (
            *("", "/events", "/events?event_type=Stop", "/hierarchy?include=tools", "/compactions", "/analysis"),
            *(f"/spend?by={part}" for part in ("turn", "model", "agent", "tool", "bucket")),
        ):
            yield org, "admin", session + part
        yield org, "admin", f"{session}?as_of={_first_position(named(n, org))}"
        for part in (
            *("", "?sort=-cost_usd&repo=a/b", "/search?q=login", "/filters", '/search?q=login+"a+b"&events=true'),
            *(f"?started_before={instant(T0 + 1)}", "/threads", "/threads?per_page=1"),
            *(f"?spent_after={instant(T0)}&sort=-cost_usd", f"/threads?spent_after={instant(T0)}"),
            f"/search?q=login&spent_before={instant(NOW_MS)}&sort=-tokens&model=claude-sonnet-4-5",
            *("/analytics/summary", "/analytics/summary?agent_name=agent0", "/analytics/timeseries"),
            *("/analytics/timeseries?agent_name=agent0", "/analytics/timeseries?interval=week&metric=cost"),
            *("/analytics/timeseries?metric=commits", "/analytics/timeseries?metric=commits&agent_name=agent0"),
            *("/analytics/timeseries?metric=cost&by=model", "/analytics/timeseries?by=agent_name"),
            *("/analytics/by-agent", "/analytics/by-tool", "/analytics/by-tool?agent_name=agent0"),
            *("/analytics/cost-breakdown", "/analytics/by-user", "/analytics/team-overview"),
            *("/analytics/tool-errors", "/live"),
        ):
            yield org, "admin", f"{org}/sessions{part}"
        yield org, "admin", f"{org}/prices"
        yield org, "admin", f"{org}/ops/receipts/0:1"
        yield org, "agent", f"{org}/ops/receipts/0:1"
        yield org, "admin", f"{org}/ops/recount"
        yield org, "admin", f"{org}/erasures"
        yield org, "admin", f"{org}/erasures/preview?user_id=alice"
        yield org, "admin", f"{org}/erasures/positions?user_id=alice"
    (poison,) = [f"{record.partition}:{record.offset}" for record in the_log() if record.value == POISON]
    for part in ("freshness", "coverage", "clients", "recount", "dead-letters", f"dead-letters/{poison}"):
        yield OPERATOR_ORG, "operator", f"operator/{part}"
    for path in OF_THE_CONTROL_DATABASE:
        yield OPERATOR_ORG, "operator", path


def _first_position(session: UUID) -> Position:
    first = next(record for record in the_log() if record.key == record_key(session))
    return Position(first.partition, first.offset)


def _lasting(value: Any, changing: frozenset[str]) -> Any:
    """Return a value without the parts that depend on the clock."""
    if isinstance(value, dict):
        return {name: _lasting(inner, changing) for name, inner in value.items() if name not in changing}
    return [_lasting(inner, changing) for inner in value] if isinstance(value, list) else value


def request(options: dict[str, Any], kind: str) -> dict[str, Any]:
    """Request a job over HTTP, and list the jobs; return the responses and the log."""
    with capture_logs() as logged:
        return asyncio.run(_request(options, kind)) | {"logged": logged}


async def _request(options: Mapping[str, Any], kind: str) -> dict[str, Any]:
    reader = open_reader(StoreAddress(dict(options)))
    app = compose(TokenVerifier([shared_secret(KEY)]), read=ReadSide(reader, SECRETS, lambda: NOW_MS / 1000))
    token = issue_token(KEY, "alice", OPERATOR_ORG, "operator", 600, time.time())
    path, headers = "/api/v1/operator/jobs", {"Authorization": f"Bearer {token}"}
    try:
        async with AsyncTestClient(app) as client:
            replies = [
                await client.post(path, headers=headers, json={"kind": kind, "generation": SECOND}),
                await client.get(path, headers=headers),
            ]
            return {"replies": [[reply.status_code, reply.json()] for reply in replies]}
    finally:
        reader.close()


def version(options: dict[str, Any]) -> str:
    """Return the version of the engine."""
    with closing(connect(WRITE, **options)) as client:
        return str(client.server_version)


def read_flat(options: dict[str, Any]) -> dict[str, list[str]]:
    """Query the store as a BI tool does; return the orgs that it sees, by view."""
    views = ("rollup_hourly_flat", "rollup_daily_flat", "rollups_flat", "rollups")
    with closing(connect_as_a_tool(options)) as client:
        found = {view: client.query(f"SELECT DISTINCT org_id FROM crewkit_g1.{view} ORDER BY 1") for view in views}
        return {view: [org for (org,) in orgs.result_rows] for view, orgs in found.items()}


def read_dashboard(options: dict[str, Any]) -> list[str]:
    """Run every query of the team dashboard as Grafana does; return the orgs that can be chosen."""
    board, now = dashboard("teams"), datetime.now(UTC)
    everything = {"agent": ALL, "project": ALL, "user": ALL}
    values: Values = {"control": "crewkit", "database": "crewkit_g1", "org": "acme", **everything}
    with closing(connect_as_a_tool(options)) as client:

        def asked(text: str) -> list[str]:
            whole = clickhouse_text(text, values, now - timedelta(days=1), now)
            return [row[0] for row in client.query(whole).result_rows]

        found = {name: asked(one["query"]) for name, one in variables(board).items() if one["type"] == "query"}
        assert found["database"] == ["crewkit_g1"]
        for query in queries(board):
            asked(query.text)
        return found["org"]


def run(options: dict[str, Any], statements: list[str]) -> list[str]:
    """Return the result of each statement: "done", or the text of its error."""
    with closing(connect_as_a_tool(options)) as client:
        return [_come_to(client, statement) for statement in statements]


def _come_to(client: Any, statement: str) -> str:
    try:
        client.query(statement)
    except ClickHouseError as error:
        return str(error)
    return "done"


def connect_as_a_tool(options: Mapping[str, Any]) -> Any:
    """Return a client without the settings of a projector."""
    return clickhouse_connect.get_client(**options)
