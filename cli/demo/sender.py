"""Sends the demo's sessions: several at once, but the requests of one session one after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from cli.demo.api import Api
from cli.demo.sessions import DemoSession

CONNECTIONS = 12


class Sender:
    """Sends sessions to one org; ``ids`` holds the session ids the installation gave, in the order of the list."""

    def __init__(self, api: Api, org: str, sessions: Sequence[DemoSession], sent: Callable[[int], None]) -> None:
        """``sent`` is told how many events were accepted, request by request."""
        self._api, self._org, self._sessions, self._sent = api, org, sessions, sent
        self.ids: list[str] = [""] * len(sessions)
        self.rejected = 0

    async def run(self) -> None:
        """Create all sessions, parents first, then send what happened in them, the longest first."""
        places = range(len(self._sessions))
        await self._each(self._create, [i for i in places if self._sessions[i].parent is None])
        await self._each(self._create, [i for i in places if self._sessions[i].parent is not None])
        await self._each(self._tell, sorted(places, key=lambda i: -self._sessions[i].events))

    async def _each(self, work: Callable[[int], Awaitable[None]], places: Sequence[int]) -> None:
        queue = iter(places)

        async def worker() -> None:
            for place in queue:
                await work(place)

        await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))

    async def _create(self, place: int) -> None:
        session = self._sessions[place]
        body = dict(session.create)
        if session.parent is not None:
            body["parent_id"] = self.ids[session.parent]
        path = f"/{self._org}/sessions"
        reply = await self._api.send("POST", path, session.user_id, msgspec.json.encode(body), session.key)
        self.ids[place] = reply["data"]["id"]

    async def _tell(self, place: int) -> None:
        session, id_ = self._sessions[place], self.ids[place]
        for batch in session.batches:
            path = f"/{self._org}/observability/sessions/{id_}/events"
            reply = await self._api.send("POST", path, session.user_id, batch.body)
            self.rejected += len(reply["data"]["rejected"])
            self._sent(reply["data"]["accepted"])
            if batch.report is not None:
                await self._api.send("PATCH", f"/{self._org}/sessions/{id_}", session.user_id, batch.report)
        if session.end is not None:
            await self._api.send("POST", f"/{self._org}/sessions/{id_}/end", session.user_id, session.end)
