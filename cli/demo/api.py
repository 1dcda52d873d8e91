"""Sends the demo's sessions and reads results: a well-behaved client that retries with backoff.

It retries after 429, 503 or a lost connection. It sends sessions concurrently, but the requests of each in order.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
import msgspec

from cli.client import trusted
from cli.demo.sessions import DemoSession

REPEATABLE = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
PAUSE_FIRST_S, PAUSE_MAX_S, GIVE_UP_S = 0.1, 3.0, 60.0
SESSIONS_AT_ONCE = 12


class CallFailed(Exception):
    """The installation refused a call, or was unavailable for a minute."""


class Api:
    """An HTTP client for one installation, with a token for each user."""

    def __init__(self, url: str, tokens: Mapping[str, str]) -> None:
        """Take ``tokens`` by user. The first token is also used for reads and for users without a token."""
        self.repeats = 0
        self.positions: dict[int, int] = {}  # by partition: the highest acknowledged offset
        self._tokens, self._default_user = tokens, next(iter(tokens))
        self._client = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False, verify=trusted(url))

    async def aclose(self) -> None:
        await self._client.aclose()

    async def send(self, method: str, path: str, user: str, body: bytes, key: str | None = None) -> Any:
        """Send a write, record its position in `positions`, and return the decoded body. Raises `CallFailed`."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        response = await self._call(method, path, user, headers, content=body)
        for text in filter(None, response.headers.get("X-Log-Position", "").split(",")):
            partition, offset = map(int, text.split(":"))
            self.positions[partition] = max(offset, self.positions.get(partition, 0))
        return msgspec.json.decode(response.content)

    async def get(self, path: str, wait: bool = False, **params: Any) -> Any:
        """Return the decoded body of a read; with ``wait`` it sees every write of this client. Raises `CallFailed`."""
        text = ",".join(f"{partition}:{offset}" for partition, offset in self.positions.items())
        headers = {"X-Wait-For-Position": text} if wait and text else {}
        response = await self._call("GET", path, self._default_user, headers, params=params)
        return msgspec.json.decode(response.content)

    async def _call(self, method: str, path: str, user: str, headers: dict[str, str], **rest: Any) -> httpx.Response:
        headers["Authorization"] = f"Bearer {self._tokens.get(user) or self._tokens[self._default_user]}"
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + GIVE_UP_S, PAUSE_FIRST_S
        while True:
            try:
                response = await self._client.request(method, f"/api/v1{path}", headers=headers, **rest)
                if response.is_success:
                    return response
                problem = f"{method} {response.request.url.path} returned {response.status_code}: {response.text[:500]}"
                if response.status_code not in REPEATABLE:
                    raise CallFailed(problem)
            except httpx.TransportError as error:
                problem = f"{self._client.base_url} does not respond ({type(error).__name__} {error})"
            if clock() > deadline:
                raise CallFailed(problem)
            self.repeats += 1
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 (jitter)
            pause = min(pause * 2, PAUSE_MAX_S)


class Sender:
    """Sends sessions to one org; ``ids`` are the session ids from the responses, in the order of ``sessions``."""

    def __init__(self, api: Api, org: str, sessions: Sequence[DemoSession], on_accepted: Callable[[int], None]) -> None:
        """Call ``on_accepted`` with the number of accepted events after each request."""
        self._api, self._org, self._sessions, self._on_accepted = api, org, sessions, on_accepted
        self._slots = asyncio.Semaphore(SESSIONS_AT_ONCE)
        self.ids: list[str] = [""] * len(sessions)
        self.rejected = 0

    async def run(self) -> None:
        """Send the parents, then their children; of each, the longest session first."""
        longest_first = sorted(enumerate(self._sessions), key=lambda numbered: -numbered[1].events)
        await asyncio.gather(*(self._send(i, session) for i, session in longest_first if session.parent is None))
        await asyncio.gather(*(self._send(i, session) for i, session in longest_first if session.parent is not None))

    async def _send(self, index: int, session: DemoSession) -> None:
        user, sessions = session.user_id, f"/{self._org}/sessions"
        async with self._slots:
            parent = {} if session.parent is None else {"parent_id": self.ids[session.parent]}
            body = msgspec.json.encode(session.create | parent)
            id_ = (await self._api.send("POST", sessions, user, body, session.key))["data"]["id"]
            self.ids[index] = id_
            for batch in session.batches:
                events = f"/{self._org}/observability/sessions/{id_}/events"
                recorded = (await self._api.send("POST", events, user, batch.body))["data"]
                self.rejected += len(recorded["rejected"])
                self._on_accepted(recorded["accepted"])
                if batch.report is not None:
                    await self._api.send("PATCH", f"{sessions}/{id_}", user, batch.report)
            if session.end is not None:
                await self._api.send("POST", f"{sessions}/{id_}/end", user, session.end)
