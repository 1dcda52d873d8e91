"""The service as `up` runs it, in this process: every route on a store that the real pipeline filled."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx
from litestar.routes import HTTPRoute

from edge.tokens import issue_token
from processors.marks.progress import Progress
from runtime.services.http_services import service
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.secrets import id_secrets, token_key
from runtime.settings.settings import Settings
from schemas import ids
from schemas.permissions import Role
from store.generations import Generation
from store.reading.reader import ClickHouseReader, Row, open_reader
from tests.support.builders import LogBuilder
from tests.support.clients.in_process import in_process
from tests.support.fakes.log import FakeEventLog
from tests.support.rigs.projection import new_pipeline, settle
from tests.support.rigs.store import Options, TestStore, new_address, new_store


class Operation(NamedTuple):
    """One operation of the service, as the app itself describes it."""

    name: str
    method: str
    path: str  # with {org_id}, {session_id} …
    parameters: frozenset[str]  # of the query


class NotingReader:
    """A reader that records the orgs of its questions (freshness is asked for once a second, for all orgs)."""

    def __init__(self, reader: ClickHouseReader) -> None:
        self._reader = reader
        self.asked: list[str] = []

    async def live(self) -> Generation:
        return await self._reader.live()

    async def query(self, generation: Generation, name: str, params: Mapping[str, object]) -> list[Row]:
        if "org_id" in params:
            self.asked.append(name)
        return await self._reader.query(generation, name, params)

    async def control(self, name: str, params: Mapping[str, object]) -> list[Row]:
        return await self._reader.control(name, params)


class WholeService:
    """Both route sets; ``log`` is projected, and writes go to a separate log."""

    def __init__(self, store: TestStore, folder: Path) -> None:
        settings = Settings(data=str(folder), dev_tokens=True)
        make_embedded_secrets(settings.secrets_folder)
        self.store, self.secrets = store, id_secrets(settings.secrets_folder)
        self.log = LogBuilder(partitions=1)
        self._reader = open_reader(store.address)
        self.reader = NotingReader(self._reader)
        self._token_key = token_key(settings.secrets_folder)
        self.written = FakeEventLog()
        self.app = service(settings, self.written, self.reader)

    def session_id(self, org: str, thread: int | None = None) -> UUID:
        """Return the id of a new session of ``org``, in a new thread unless one is given."""
        tag = ids.new_thread(None) if thread is None else thread
        return ids.mint(self.secrets, "session", org, tag, False, None)

    async def project(self) -> None:
        """Project everything in the log before returning."""
        pipeline = new_pipeline(self.store, self.log.records)
        progress = Progress(
            pipeline, self.store.warehouse(), pipeline._gaps._reader, lambda: time.time_ns() // 1_000_000
        )
        await progress.look()
        await pipeline.project(self.log.records)
        await pipeline.drain()
        await progress.look()
        await settle(pipeline)

    def operations(self) -> list[Operation]:
        """Return every operation except the public ones, from the app's own routes."""
        return [
            Operation(str(handler.operation_id), method, route.path_format, frozenset(_query_parameters(model)))
            for route in self.app.routes
            if isinstance(route, HTTPRoute)
            for method, (handler, model) in route.route_handler_map.items()
            if method != "OPTIONS" and not _is_public(route, handler)
        ]

    def public_paths(self) -> set[str]:
        """Return the operations that need no credential."""
        return {
            route.path
            for route in self.app.routes
            if isinstance(route, HTTPRoute)
            for handler, _ in route.route_handler_map.values()
            if _is_public(route, handler)
        }

    async def ask(self, method: str, path: str, *, role: Role, org: str, user: str, **request: Any) -> httpx.Response:
        """Send one request, with a valid token."""
        headers = {"Authorization": f"Bearer {issue_token(self._token_key, user, org, role, 600, time.time())}"}
        async with in_process(self.app, headers=headers) as client:
            return await client.request(method, path, **request)

    def close(self) -> None:
        self._reader.close()


def new_whole_service(engine: Options, folder: Path) -> Iterator[WholeService]:
    """Make the store, yield it, and drop it."""
    for store in new_store(new_address(engine), partitions=1):
        running = WholeService(store, folder)
        yield running
        running.close()


def _is_public(route: HTTPRoute, handler: Any) -> bool:
    return bool(handler.opt.get("public")) or route.path.startswith("/schema")


def _query_parameters(model: Any) -> set[str]:
    return {parameter.field_alias for parameter in model.expected_query_params}
