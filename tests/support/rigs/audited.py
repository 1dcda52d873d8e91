"""The routes of the audit over a store that the real pipeline filled, and a log to fill it with."""

import time
from typing import Any

import clickhouse_connect
import httpx

from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from edge.tokens import issue_token
from processors.marks.progress import Progress
from runtime.services.composition import ReadSide, compose
from schemas.log.position import LogRecord
from schemas.permissions import OPERATOR_ORG, Role
from store.reading.reader import ClickHouseReader
from tests.support.builders import (
    HOUR_MS,
    MINUTE_MS,
    ORG,
    SECRETS,
    T0,
    LogBuilder,
    changed,
    created,
    ended,
    hook,
    recorded,
    reported,
    usage,
)
from tests.support.builders import session_id as named
from tests.support.clients.in_process import in_process
from tests.support.rigs.projection import new_pipeline, settle
from tests.support.rigs.store import TestStore

KEY = b"a secret of at least 32 bytes, for tests"
OTHER = "globex"
TYPES = (
    *("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied", "UserPromptSubmit", "PreCompact"),
    *("TaskCreated", "TaskCompleted", "SubagentStart", "Stop", "BrandNewEvent"),
)


def worked_on(seed: int = 1, sessions: int = 10) -> LogBuilder:
    """Return a log of two orgs over two days: all kinds of facts, resent batches, changed dimensions, bad records."""
    log = LogBuilder(seed=seed)
    for n in range(sessions):
        org = (ORG, OTHER)[n % 2]
        session = named(n, org)
        log.add(created(session, org_id=org, agent_name=f"agent{n % 3}", started_at=T0 - n * 5 * HOUR_MS))
        for _ in range(3):
            batch = recorded(session, *some_events(log), org_id=org)
            log.add(batch, batch)
        log.add(reported(session, usage(input_tokens=n, cost_nano=10**9 + n), usage("other"), org_id=org))
        log.add(changed(session, org_id=org, project_id="moved")) if n % 3 else log.add(ended(session, org_id=org))
    log.add_bytes(b"not a record")
    return log


def some_events(log: LogBuilder) -> list[Any]:
    """Draw hook events from a few ids, so that ids repeat."""
    draw = log.random
    return [
        hook(
            draw.choice(TYPES),
            at=T0 + draw.randrange(60) * MINUTE_MS,
            event_id=log.uuid(),
            tool_name="Bash",
            **{name: draw.choice(("", "a", "b", "c")) for name in ("tool_use_id", "task_id", "agent_id")},
        )
        for _ in range(8)
    ]


class Operations:
    """The routes under test over a store, and the projector that fills it."""

    def __init__(self, store: TestStore) -> None:
        self.store = store
        self.reader = ClickHouseReader(self._client, store.address.control)
        verifier = TokenVerifier([shared_secret(KEY)])
        self.app = compose(verifier, read=ReadSide(self.reader, SECRETS))

    async def project(self, records: list[LogRecord]) -> None:
        """Project these records and report the position."""
        pipeline = new_pipeline(self.store, records)
        progress = Progress(pipeline, self.store.warehouse(), pipeline._gaps._reader, lambda: T0)
        await progress.look()
        await pipeline.project(records)
        await pipeline.drain()
        await progress.look()
        await settle(pipeline)

    async def get(self, path: str, org: str = OPERATOR_ORG, role: Role = "operator", **params: str) -> httpx.Response:
        """GET ``/api/v1/<path>``."""
        async with in_process(self.app, headers=token(org, role)) as client:
            return await client.get(f"/api/v1/{path}", params=params)

    async def data(self, path: str, org: str = OPERATOR_ORG, role: Role = "operator", **params: str) -> Any:
        """Return the ``data`` of a success."""
        reply = await self.get(path, org, role, **params)
        assert reply.status_code == 200, reply.text
        return reply.json()["data"]

    def alter(self, statement: str) -> None:
        """Make the tables wrong on purpose."""
        self.store.client.command(statement.replace("{db}", self.store.database))

    def one(self, sql: str) -> Any:
        """Return the first column of the first row."""
        return next(iter(self.store.rows(sql)[0].values()))

    def _client(self) -> Any:
        return clickhouse_connect.get_client(**self.store.address.at("default"), tz_mode="aware")


def token(org: str, role: Role) -> dict[str, str]:
    """Return the header of a caller."""
    return {"Authorization": f"Bearer {issue_token(KEY, 'alice', org, role, 600, time.time())}"}


def named_columns(found: Any) -> set[tuple[str, str]]:
    """Return (table, column) of the differences."""
    return {(difference["table"], difference["column"]) for difference in found["differences"]}
