"""Sends the demo's sessions: several concurrently, but the requests of one session in order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from cli.demo.api import Api
from cli.demo.sessions import DemoSession

CONNECTIONS = 12


class Sender:
    """Sends sessions to one org; ``ids`` are the session ids in the responses, in the order of ``sessions``."""

    def __init__(self, api: Api, org: str, sessions: Sequence[DemoSession], on_accepted: Callable[[int], None]) -> None:
        """``on_accepted`` receives the number of accepted events, once a request."""
        self._api, self._org, self._sessions, self._on_accepted = api, org, sessions, on_accepted
        self.ids: list[str] = [""] * len(sessions)
        self.rejected = 0

    async def run(self) -> None:
        """Create all sessions, parents first, then send their events, the longest session first."""
        indexes = range(len(self._sessions))
        await self._each(self._create, [i for i in indexes if self._sessions[i].parent is None])
        await self._each(self._create, [i for i in indexes if self._sessions[i].parent is not None])
        await self._each(self._send_events, sorted(indexes, key=lambda i: -self._sessions[i].events))

    async def _each(self, work: Callable[[int], Awaitable[None]], indexes: Sequence[int]) -> None:
        queue = iter(indexes)

        async def worker() -> None:
            for index in queue:
                await work(index)

        await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))

    async def _create(self, index: int) -> None:
        session = self._sessions[index]
        body = dict(session.create)
        if session.parent is not None:
            body["parent_id"] = self.ids[session.parent]
        path = f"/{self._org}/sessions"
        response = await self._api.send("POST", path, session.user_id, msgspec.json.encode(body), session.key)
        self.ids[index] = response["data"]["id"]

    async def _send_events(self, index: int) -> None:
        session, id_ = self._sessions[index], self.ids[index]
        for batch in session.batches:
            path = f"/{self._org}/observability/sessions/{id_}/events"
            response = await self._api.send("POST", path, session.user_id, batch.body)
            self.rejected += len(response["data"]["rejected"])
            self._on_accepted(response["data"]["accepted"])
            if batch.report is not None:
                await self._api.send("PATCH", f"/{self._org}/sessions/{id_}", session.user_id, batch.report)
        if session.end is not None:
            await self._api.send("POST", f"/{self._org}/sessions/{id_}/end", session.user_id, session.end)
