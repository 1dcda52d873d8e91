"""HTTP calls of a well-behaved client: what can be repeated is repeated as it is, with growing pauses."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

REPEATABLE = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
PAUSE_FIRST_S, PAUSE_MAX_S, GIVE_UP_S = 0.1, 3.0, 60.0


class CallFailed(Exception):
    """The installation refused a call, or did not answer for a minute."""


class Api:
    """One installation, called as any of some users."""

    def __init__(self, url: str, tokens: Mapping[str, str]) -> None:
        """``tokens`` by user; what is called without a user is called by the first one."""
        self.repeats = 0
        self.positions: dict[int, int] = {}  # per partition: the last one that was answered
        self._tokens, self._anybody = tokens, next(iter(tokens))
        limits = httpx.Limits(max_connections=32, max_keepalive_connections=32)
        self._client = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False, limits=limits)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(self, method: str, path: str, user: str, body: bytes, key: str | None = None) -> Any:
        """A write; its decoded body. The position it got is remembered in `positions`."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        reply = await self._call(method, path, user, headers, content=body)
        for text in reply.headers.get("X-Log-Position", "").split(","):
            partition, _, offset = text.partition(":")
            if offset:
                self.positions[int(partition)] = max(int(offset), self.positions.get(int(partition), 0))
        return msgspec.json.decode(reply.content)

    async def get(self, path: str, wait: bool = False, **params: Any) -> Any:
        """A read; its decoded body. With ``wait`` it sees everything that was sent."""
        text = ",".join(f"{partition}:{offset}" for partition, offset in self.positions.items())
        headers = {"X-Wait-For-Position": text} if wait and text else {}
        reply = await self._call("GET", path, self._anybody, headers, params=params)
        return msgspec.json.decode(reply.content)

    async def _call(self, method: str, path: str, user: str, headers: dict[str, str], **rest: Any) -> httpx.Response:
        headers["Authorization"] = f"Bearer {self._tokens.get(user) or self._tokens[self._anybody]}"
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + GIVE_UP_S, PAUSE_FIRST_S
        while True:
            reply: httpx.Response | None = None
            problem = ""
            try:
                reply = await self._client.request(method, f"/api/v1{path}", headers=headers, **rest)
            except httpx.TransportError as error:
                problem = f"{self._client.base_url} does not answer ({type(error).__name__} {error})"
            if reply is not None and reply.status_code not in REPEATABLE:
                return _checked(reply)
            if clock() > deadline:
                raise CallFailed(problem or (reply.text if reply is not None else ""))
            self.repeats += 1
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 (jitter)
            pause = min(pause * 2, PAUSE_MAX_S)


def _checked(reply: httpx.Response) -> httpx.Response:
    if reply.is_success:
        return reply
    raise CallFailed(
        f"{reply.request.method} {reply.request.url.path} answered {reply.status_code}: {reply.text[:500]}"
    )
