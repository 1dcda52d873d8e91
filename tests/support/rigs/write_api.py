"""The ingest service on a fake log, and a client that uses it as a user would."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import msgspec

from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from edge.tokens import issue_token
from ingest.dependencies import Clock
from ingest.privacy.policy import KEEP_ALL_BUT_SECRETS, Privacy
from runtime.services.composition import WriteSide, compose
from schemas.ids import IdSecrets, mint, new_thread
from schemas.log.codec import decode
from schemas.log.records import AnyRecord
from schemas.permissions import Role
from tests.support.clients.in_process import in_process
from tests.support.fakes.log import FakeEventLog

KEY = b"a test key of at least 32 bytes, yes"
SECRETS = IdSecrets((b"the id key of tests",), b"the seed key of tests")
NOW_MS = 1_768_905_000_000  # 2026-01-20T10:30:00Z
EVENT = {"event_type": "PostToolUse", "timestamp": "2026-01-20T10:30:00Z", "data": {"tool_name": "Bash"}}


class WriteApi:
    """One user's client of the service; ``log`` has the durable records."""

    def __init__(self, client: httpx.AsyncClient, log: FakeEventLog) -> None:
        self.client = client
        self.log = log

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        role: Role = "member",
        org: str = "acme",
        user: str = "alice",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a request with a valid token; ``path`` begins after the org, ``raw`` replaces the JSON of ``body``."""
        given = {"authorization": f"Bearer {token(role, org, user)}", "content-type": "application/json"}
        content = json.dumps(body).encode() if raw is None else raw
        return await self.client.request(
            method, f"/api/v1/acme{path}", content=content, headers={**given, **(headers or {})}
        )

    async def create(self, **body: Any) -> dict[str, Any]:
        """Create a session; return it as the response shows it."""
        reply = await self.send("POST", "/sessions", body)
        assert reply.status_code == 201, reply.text
        created: dict[str, Any] = reply.json()["data"]
        return created

    async def records(self) -> list[AnyRecord]:
        """Return all records of the log, in order of partition and offset."""
        ends = await self.log.ends()
        return [
            decode(record, self.log.partitions)
            for partition, end in enumerate(ends)
            for record in await self.log.read(partition, 0, end, 1 << 30)
        ]


def token(role: Role = "member", org: str = "acme", user: str = "alice") -> str:
    """Return a token that is valid at `NOW_MS`, for an hour."""
    return issue_token(KEY, user, org, role, 3600, NOW_MS / 1000)


def a_session(org: str = "acme", sensitive: bool = False) -> UUID:
    """Return the id of a session, as a create would return it."""
    return mint(SECRETS, "session", org, new_thread(None), sensitive, None)


@asynccontextmanager
async def write_api(
    privacy: Privacy = KEEP_ALL_BUT_SECRETS, clock: Clock = lambda: NOW_MS, partitions: int = 1
) -> AsyncIterator[WriteApi]:
    """Return the service at `NOW_MS`, or at another time; tokens are valid at any time."""
    log = FakeEventLog(partitions)
    verifier = TokenVerifier([shared_secret(KEY)], lambda: NOW_MS / 1000)
    app = compose(verifier, WriteSide(log, SECRETS, clock, privacy))
    async with in_process(app) as client:
        yield WriteApi(client, log)


def events_path(session_id: UUID | str) -> str:
    """Return the path to which events of a session are sent."""
    return f"/observability/sessions/{session_id}/events"


def data_of(record: Any) -> list[bytes]:
    """Return the payloads of an events record, as bytes."""
    return [bytes(event.data) for event in msgspec.structs.asdict(record)["events"]]
