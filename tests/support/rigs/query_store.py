"""A store with the tables of one generation, and the read side in front of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from time import time
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import clickhouse_connect
import httpx
import msgspec
from clickhouse_connect.driver.client import Client

from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from edge.tokens import issue_token
from processors.warehouse import rollups_of
from query_api.freshness import Freshness
from runtime.services.composition import ReadSide, compose
from schemas.ids import IdSecrets, mint, new_thread, thread_id, thread_of
from schemas.permissions import Role
from schemas.store.rows import (
    DAY_S,
    QUARTER_S,
    AmountsRow,
    ModelAmounts,
    ModelTotals,
    SessionRow,
    ToolAmountsOf,
    ToolTotals,
)
from schemas.words import search_text
from store.connect import WRITE, connect
from store.migrate import migrations
from store.reading import reader as reader_module
from store.reading.reader import ClickHouseReader, Reader
from tests.support.builders import NO_SESSION
from tests.support.clients.in_process import in_process
from tests.support.rigs.store import Options

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
NOON = 1_768_910_400_000  # 2026-01-20T12:00:00Z, "now" of the tests
SECRETS = IdSecrets((b"first key of tests",), b"seed key of the tests")
_JWT_KEY = b"a secret of at least 32 bytes, for tests"


def session(org_id: str = "acme", **changes: Any) -> SessionRow:
    """Return a session that started an hour ago and is still active; ``changes`` override its fields."""
    session_id = changes.get("session_id") or mint(SECRETS, "session", org_id, new_thread(None), False, None)
    started_at = changes.get("started_at", NOON - HOUR_MS)
    models = changes.get("models", [])
    derived: dict[str, Any] = {
        "org_id": org_id,
        "session_id": session_id,
        "thread_id": thread_id(org_id, thread_of(session_id)),
        "started_hour": started_at // HOUR_MS * 3600,
        "started_at": started_at,
        **{name: sum(getattr(model, name) for model in models) for name in (*_TOKENS, "cost_nano")},
    }
    row = SessionRow(**{**NO_SESSION, "version": 1, "user_id": "alice", **derived, **changes})
    return row if "search_text" in changes else msgspec.structs.replace(row, search_text=_search_text(row))


def _search_text(row: SessionRow) -> str:
    """Return the words of a row as a projector would write them."""
    if row.sensitive:
        return ""
    named = (row.summary, row.title, row.repo, row.agent_name, row.branch, row.component, row.project_id, row.model)
    return search_text(filter(None, [*named, *(totals.model for totals in row.models), *row.first_prompts]))


def model(name: str, tokens: Sequence[int] = (0, 0, 0, 0, 0), cost_nano: int = 0) -> ModelTotals:
    """Return running totals of one model: input, output, cache read, cache creation (and the part for an hour)."""
    return ModelTotals._make((name, *tokens, cost_nano, "priced"))


_TOKENS = ModelTotals._fields[1:6]
_WORK = ("lines_added", "lines_removed", "commits", "pull_requests", "active_ms")


def amounts_of(row: SessionRow, at: int | None = None) -> AmountsRow:
    """Return a row with all that a session did, which happened at a time (ms), or as it started."""
    tools = [ToolAmountsOf(*tool) for tool in row.tools]
    if not tools and (row.tool_calls or row.tool_errors):
        tools = [ToolAmountsOf("Bash", row.tool_calls, row.tool_errors, 0)]
    return AmountsRow(
        org_id=row.org_id,
        bucket=(row.started_at if at is None else at) // 1000 // QUARTER_S * QUARTER_S,
        session_id=row.session_id,
        version=row.version,
        log_partition=row.log_partition,
        project_id=row.project_id,
        repo=row.repo,
        agent_name=row.agent_name,
        user_id=row.user_id,
        models=[ModelAmounts(*totals[:-1]) for totals in row.models],
        tools=tools,
        **{name: getattr(row, name) for name in ("prompts", "api_requests", "api_errors", *_WORK)},
    )


class QueryStore:
    """Separate databases in one engine; rows are stored as a projector would write them."""

    def __init__(self, engine: Options) -> None:
        self._engine = engine
        self.base = f"q_{uuid4().hex[:8]}"
        self._databases: list[str] = []
        self._written: set[str] = set()  # tables, with their databases
        self.client = connect(WRITE, **engine, tz_mode="aware")
        self._provision(self.base, "control")
        self.add_generation("g1")
        self.switch("g1")
        self.reader = ClickHouseReader(self.connect, self.base)

    def connect(self) -> Client:
        return clickhouse_connect.get_client(**self._engine, tz_mode="aware")

    @contextmanager
    def limited(self, **limits: object) -> Iterator[None]:
        """Apply these limits to queries inside the block; a reader adapts its limits once, when it first connects."""
        with patch.object(reader_module, "LIMITS", {**reader_module.LIMITS, **limits}):
            self.reader._allowed = None
            try:
                yield
            finally:
                self.reader._allowed = None

    def add_generation(self, name: str, partitions: int = 1) -> None:
        self._provision(f"{self.base}_{name}", "generation")
        self._insert(self.base, "generations", {"name": name, "event": "created", "partitions": partitions})

    def switch(self, name: str) -> None:
        self._insert(self.base, "generations", {"name": name, "event": "live"})

    def put(self, *rows: SessionRow, generation: str = "g1") -> None:
        """Store sessions, all whose amounts happened as they started, and refresh all rollups."""
        self.put_alone(*rows, generation=generation)
        self.put_amounts(*map(amounts_of, rows), generation=generation)
        self.refresh(generation)

    def put_alone(self, *rows: SessionRow, generation: str = "g1") -> None:
        """Store sessions without refreshing the rollups."""
        self._insert(f"{self.base}_{generation}", "sessions", *(_as_json(row) for row in rows))

    def put_amounts(self, *rows: AmountsRow, generation: str = "g1") -> None:
        """Store what happened in sessions without refreshing the rollups."""
        self._insert(f"{self.base}_{generation}", "amounts", *(_as_json(row) for row in rows))

    def put_receipts(self, *rows: Mapping[str, Any], generation: str = "g1") -> None:
        """Store receipts; other columns have their defaults."""
        self._insert(f"{self.base}_{generation}", "receipts", *rows)

    def refresh(self, generation: str = "g1") -> None:
        self.client.database = f"{self.base}_{generation}"
        self._written |= {f"{self.client.database}.rollups"}
        started = "SELECT org_id, toStartOfFifteenMinutes(started_at) AS bucket FROM sessions"
        both = f"{started} UNION ALL SELECT org_id, bucket FROM amounts"
        found = self.client.query(f"SELECT DISTINCT org_id, toUnixTimestamp(bucket) FROM ({both})").result_rows
        starts = [(org, datetime.fromtimestamp(at, UTC)) for org, at in found]
        hours = sorted({(org, at.replace(minute=0)) for org, at in starts})
        quarters = {"seconds": QUARTER_S, "buckets": starts, "hours": hours}
        self.client.raw_query(rollups_of("quarters"), parameters=quarters)
        days = sorted({(org, at.replace(hour=0, minute=0)) for org, at in starts})
        self.client.raw_query(rollups_of("days"), parameters={"seconds": DAY_S, "buckets": days})

    def progress(
        self, partition: int, projected: int, log_end: int, complete_through: int, generation: str = "g1"
    ) -> None:
        row = dict(zip(("log_partition", "projected", "log_end"), (partition, projected, log_end), strict=True))
        self._insert(f"{self.base}_{generation}", "progress", {**row, "complete_through": _text(complete_through)})

    def rolled_up(self, partition: int, offset: int, complete_through: int, generation: str = "g1") -> None:
        """Store the rollups' mark."""
        row = {"log_partition": partition, "rolled_up": offset, "complete_through": _text(complete_through)}
        self._insert(f"{self.base}_{generation}", "rollup_progress", row)

    def reset(self) -> None:
        """Return to one generation, with everything up to noon projected, nothing stored, and a new reader.

        Many tests store nothing, so only tables with new rows are emptied.
        """
        self.client.database = self.base
        for database in self._databases[2:]:
            self.client.command(f"DROP DATABASE {database} SYNC")
        del self._databases[2:]
        if self._written:
            for table in {*self._written, f"{self.base}.generations", f"{self.base}_g1.progress"}:
                if table.partition(".")[0] in self._databases:
                    self.client.command(f"TRUNCATE TABLE {table}")
            self._insert(self.base, "generations", {"name": "g1", "event": "created", "partitions": 1})
            self.switch("g1")
            self.progress(0, 10, 10, NOON)
            self._written.clear()
        self.reader.close()
        self.reader = ClickHouseReader(self.connect, self.base)

    def close(self) -> None:
        self.reader.close()
        self.client.database = "default"
        for database in self._databases:
            self.client.command(f"DROP DATABASE {database} SYNC")
        self.client.close()

    def _provision(self, database: str, kind: str) -> None:
        self.client.command(f"CREATE DATABASE {database}")
        self._databases.append(database)
        self.client.database = database
        for migration in migrations(kind):
            for statement in filter(str.strip, migration.text.split(";\n")):
                self.client.command(statement)

    def _insert(self, database: str, table: str, *rows: Mapping[str, Any]) -> None:
        self.client.database = database
        block = b"\n".join(msgspec.json.encode(row) for row in rows)
        self._written.add(f"{database}.{table}")
        self.client.raw_insert(f"{database}.{table}", insert_block=block, fmt="JSONEachRow")


class QueryApi:
    """The read side over HTTP, for clients with any role. Its clock is noon on 2026-01-20.

    It caches no answers unless asked to: tests store rows without moving an offset.
    """

    def __init__(self, reader: Reader, now_ms: int = NOON, wait_s: float = 10.0, answer_bytes_max: int = 0) -> None:
        freshness = Freshness(reader, wait_s)
        read = ReadSide(reader, SECRETS, lambda: now_ms / 1000, freshness, answer_bytes_max=answer_bytes_max)
        self.app = compose(TokenVerifier([shared_secret(_JWT_KEY)]), read=read)

    async def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        org: str = "acme",
        user: str = "owner",
        role: Role = "owner",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """GET ``/api/v1/<org>/<path>``; parameters that are None are omitted."""
        token = issue_token(_JWT_KEY, user, org, role, 3600, time())
        given = {name: value for name, value in (params or {}).items() if value is not None}
        async with in_process(self.app) as client:
            return await client.get(
                f"/api/v1/{org}/{path}", params=given, headers={"Authorization": f"Bearer {token}", **(headers or {})}
            )


def _as_json(row: SessionRow | AmountsRow) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.structs.asdict(row)
    for name in ("started_at", "last_event_at", "ended_at"):
        if values.get(name) is not None:
            values[name] = _text(values[name])
    for name in ("models", "measured", "agents"):
        if name in values:
            values[name] = [totals._asdict() for totals in values[name]]
    values["tools"] = [ToolTotals(*tool)._asdict() for tool in row.tools]
    return {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}


def _text(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%d %H:%M:%S}.{ms % 1000:03d}"
