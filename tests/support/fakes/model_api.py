"""A model API on loopback: unmodified agents run on it without a network, and it records its answers."""

import json
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Protocol

TOKENS_MAX = 50_000
Json = dict[str, Any]


class Used(NamedTuple):
    """The tokens of a request: input excludes cache, and 1-hour writes are part of the cache writes."""

    input: int
    output: int
    cache_read: int = 0
    cache_creation: int = 0
    cache_creation_1h: int = 0

    @classmethod
    def drawn(cls, number: int) -> "Used":
        """Return numbers that no other request has."""
        chance = random.Random(number)
        given, answered, read, created = (chance.randrange(3, TOKENS_MAX) for _ in range(4))
        return cls(given, answered, read, created, created // 3)


class Answered(NamedTuple):
    """One answered request."""

    model: str
    used: Used


class Ledger:
    """All answered requests of an API."""

    def __init__(self) -> None:
        self.requests: list[Json] = []
        self.answers: list[Answered] = []
        self._lock = threading.Lock()

    def enter(self, request: Json, model: str) -> tuple[int, Used]:
        """Note a request; return its number, from 1, and its usage."""
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
            used = Used.drawn(number)
            self.answers.append(Answered(model, used))
            return number, used

    def total(self) -> Used:
        """Return the total usage."""
        used = [answer.used for answer in self.answers]
        return Used(*(sum(column) for column in zip(*used, strict=True))) if used else Used(0, 0)


class Scripted(Ledger):
    """An API that answers with ``turns``, in order, and then always with ``last``."""

    def __init__(self, turns: Sequence[Any], last: Any) -> None:
        super().__init__()
        self._turns, self._last = iter(turns), last
        self._turn = threading.Lock()

    def take(self, request: Json, model: str, aside: Any = None) -> tuple[Any, int, Used]:
        """Note a request; return its turn, or ``aside`` if it isn't part of the script, its number, and its usage."""
        with self._turn:
            turn = next(self._turns, self._last) if aside is None else aside
            return turn, *self.enter(request, model)


class Reply(NamedTuple):
    """A body and its type."""

    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


class Endpoint(Protocol):
    """Answers requests of one kind."""

    def reply(self, path: str, request: Json) -> Reply:
        """Answer a POST."""
        ...


def streamed(events: list[Json], *, named: bool = True) -> Reply:
    """Return server-sent events."""
    lines = [(f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n" for event in events]
    return Reply("".join(lines).encode(), "text/event-stream")


@contextmanager
def served(endpoint: Endpoint) -> Iterator[str]:
    """Serve an endpoint on loopback; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            try:
                request = json.loads(body or b"{}")
            except ValueError:  # telemetry to the agent's vendor
                request = {}
            self._send(endpoint.reply(self.path, request if isinstance(request, dict) else {}))

        def do_GET(self) -> None:
            self._send(Reply(b"{}"))

        def _send(self, reply: Reply) -> None:
            self.send_response(200)
            for name, value in {**reply.headers, "content-type": reply.content_type}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # an agent that is killed hangs up
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
