"""The load generator: prebuilt bodies over kept connections. It counts what was accepted and repeats what was refused
for a moment (503, 429, a lost connection), as it is."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from bench.http_client import Answer, Wire, connect
from bench.payloads import creations, rounds, sessions_for

ORG = "acme"
CONNECTIONS = 32
REPEATS_MAX = 200
PAUSE_S = 0.05
VISIBLE_S = 180.0


class Target(NamedTuple):
    """Where the load goes."""

    host: str
    port: int
    token: str


class Load(Struct):
    """What was sent: accepted events, seconds from the first request to the last answer, each answer's seconds."""

    accepted: int = 0
    repeated: int = 0
    seconds: float = 0.0
    latencies: list[float] = []
    ends: dict[int, int] = {}  # per partition: the last position that was answered
    sessions: list[str] = []

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.accepted / self.seconds

    @property
    def positions(self) -> str:
        """For X-Wait-For-Position."""
        return ",".join(f"{partition}:{offset}" for partition, offset in sorted(self.ends.items()))


class Refused(Exception):
    """An answer that no client should get here."""


def head(target: Target, method: str, path: str, length: int, extra: str = "") -> bytes:
    """The head of a request."""
    lines = [
        f"{method} /api/v1/{ORG}{path} HTTP/1.1",
        f"Host: {target.host}:{target.port}",
        f"Authorization: Bearer {target.token}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    ]
    return ("\r\n".join([*lines, *([extra] if extra else [])]) + "\r\n\r\n").encode()


class Generator:
    """Sends ``events`` events in batches of 100 to as many sessions as that takes."""

    def __init__(self, target: Target, told: Sequence[Sequence[bytes]], events: int) -> None:
        """``told``: the stories, see `bodies`."""
        self._target, self._told, self._batches = target, told, events // 100
        self._sessions = sessions_for(events)
        self.load = Load()
        self.on_answer: Callable[[Answer], None] = lambda _: None

    async def create(self) -> None:
        """Create the sessions; not part of what is measured."""
        bodies = creations(self._sessions)
        queue = iter(bodies)

        async def worker(wire: Wire) -> None:
            for body in queue:
                request = head(self._target, "POST", "/sessions", len(body))
                answer = await self._until_accepted(wire, request, body)
                self.load.sessions.append(msgspec.json.decode(answer.body)["data"]["id"])

        await self._on_wires(worker)

    async def run(self, rate: float | None = None, say: Callable[[str], None] = lambda _: None) -> Load:
        """Send everything, at ``rate`` events a second or as fast as it goes.

        With a rate, an answer's time counts from when its request was due.
        """
        requests = self._requests()
        begin = perf_counter()
        due = _schedule(begin, rate)

        async def worker(wire: Wire) -> None:
            for parts in requests:
                at = next(due)
                if at > (now := perf_counter()):
                    await asyncio.sleep(at - now)
                asked = at if rate else perf_counter()
                answer = await self._until_accepted(wire, *parts)
                self.load.latencies.append(perf_counter() - asked)
                self._count(answer)

        speaking = asyncio.ensure_future(self._speak(begin, say))
        try:
            await self._on_wires(worker)
        finally:
            speaking.cancel()
        self.load.seconds = perf_counter() - begin
        return self.load

    def _requests(self) -> Iterator[tuple[bytes, bytes]]:
        ids = self.load.sessions
        for session, story, place in rounds(self._sessions, self._batches):
            body = self._told[story][place]
            yield head(self._target, "POST", f"/observability/sessions/{ids[session]}/events", len(body)), body

    def _count(self, answer: Answer) -> None:
        data = msgspec.json.decode(answer.body)["data"]
        if data["rejected"]:
            raise Refused(f"rejected: {data['rejected'][:3]}")
        self.load.accepted += data["accepted"]
        self.on_answer(answer)

    async def _until_accepted(self, wire: Wire, *parts: bytes) -> Answer:
        for _ in range(REPEATS_MAX):
            answer = await wire.call(*parts)
            if 200 <= answer.status < 300:
                partition, _, offset = answer.position.partition(":")
                self.load.ends[int(partition)] = max(int(offset), self.load.ends.get(int(partition), 0))
                return answer
            if answer.status not in (429, 503):
                raise Refused(f"{answer.status} {answer.body[:300]!r}")
            self.load.repeated += 1
            await asyncio.sleep(PAUSE_S)
        raise Refused(f"refused {REPEATS_MAX} times: {answer.body[:300]!r}")

    async def _on_wires(self, worker: Callable[[Wire], Any]) -> None:
        wires = [await connect(self._target.host, self._target.port) for _ in range(CONNECTIONS)]
        try:
            async with asyncio.TaskGroup() as tasks:
                for wire in wires:
                    tasks.create_task(worker(wire))
        finally:
            for wire in wires:
                wire.close()

    async def _speak(self, begin: float, say: Callable[[str], None]) -> None:
        while True:
            await asyncio.sleep(0.5)
            rate = self.load.accepted / (perf_counter() - begin)
            say(f"{self.load.accepted:,} of {100 * self._batches:,} events, {rate:,.0f}/s")


def _schedule(begin: float, rate: float | None) -> Iterator[float]:
    number = 0
    while True:
        yield begin if rate is None else begin + number * 100 / rate
        number += 1


async def get(wire: Wire, target: Target, path: str, wait_for: str = "") -> Any:
    """A read; with ``wait_for`` it is asked again until those positions are visible.

    Raises:
        Refused: for any other answer, or after three minutes.
    """
    request = head(target, "GET", path, 0, f"X-Wait-For-Position: {wait_for}" if wait_for else "")
    deadline = perf_counter() + VISIBLE_S
    while True:
        answer = await wire.call(request)
        if answer.status == 200:
            return msgspec.json.decode(answer.body)
        if answer.status not in (429, 503) or perf_counter() > deadline:
            raise Refused(f"{answer.status} {answer.body[:300]!r}")
        await asyncio.sleep(0.01)


async def events_counted(wire: Wire, target: Target) -> int:
    """How many events the API reports, over all sessions."""
    total, page, pages = 0, 1, 1
    while page <= pages:
        reply = await get(wire, target, f"/sessions?per_page=100&page={page}")
        total += sum(session["counts"]["events"] for session in reply["data"])
        page, pages = page + 1, reply["meta"]["total_pages"]
    return total


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
