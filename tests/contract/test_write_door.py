"""A door in front of the hot write routes answers and stores the same as the routes behind it."""

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

import cramjam
import pytest

from edge.authentication import TokenVerifier
from edge.door import Door
from edge.keys import shared_secret
from edge.outermost import App
from edge.rate_limits import RateLimits, RequestCounter
from ingest import dependencies
from ingest.privacy.policy import KEEP_ALL_BUT_SECRETS
from runtime.services.composition import WriteSide, compose
from schemas.http.requests import BODY_BYTES_MAX
from tests.fuzz.attack_setup import ATTACKERS, KEYS, AttackSetup
from tests.fuzz.families import case_of
from tests.support.clients.recorded import RECORDINGS, batches_of, singles_of
from tests.support.fakes.log import FakeEventLog
from tests.support.rigs.write_api import EVENT, KEY, NOW_MS, SECRETS, a_session, events_path, token

SESSION = a_session()
EVENTS = f"/api/v1/acme{events_path(SESSION)}"
CASES = 400  # of each family


class Sent(NamedTuple):
    """A request, as a server passes it on."""

    method: str
    path: str
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes = b""
    query: bytes = b""
    pieces: int = 1  # in which the body arrives


class Answered(NamedTuple):
    """A response, its headers sorted."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Side:
    """One of two services that differ only in whether they have a door."""

    def __init__(self, *, with_door: bool, limit: int = 0) -> None:
        self.log = FakeEventLog(4)
        verifier = TokenVerifier([shared_secret(KEY), shared_secret(KEYS["token.key"])], lambda: NOW_MS / 1000)
        write = WriteSide(self.log, SECRETS, lambda: NOW_MS, KEEP_ALL_BUT_SECRETS)
        limits = RateLimits(RequestCounter(lambda: 0.0), limit, limit, lambda: NOW_MS / 1000)
        self.app: App = compose(verifier, write, limits=limits, with_door=with_door)

    async def send(self, sent: Sent) -> Answered:
        """Send a request; return the response."""
        size = max(1, -(-len(sent.body) // sent.pieces))
        pieces = [sent.body[at : at + size] for at in range(0, len(sent.body), size)]
        messages: Iterator[Any] = iter(
            [
                *({"type": "http.request", "body": piece, "more_body": True} for piece in pieces),
                {"type": "http.request", "body": b"", "more_body": False},
                {"type": "http.disconnect"},
            ]
        )
        answer: list[Any] = []

        async def receive() -> Any:
            return next(messages)

        async def send(message: Any) -> None:
            answer.append(message)

        scope: Any = {
            "type": "http",
            "http_version": "1.1",
            "scheme": "http",
            "asgi": {"version": "3.0"},
            "root_path": "",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
            "method": sent.method,
            "path": unquote(sent.path),
            "raw_path": sent.path.encode(),
            "query_string": sent.query,
            "headers": list(sent.headers),
        }
        await self.app(scope, receive, send)
        body = b"".join(message.get("body", b"") for message in answer[1:])
        return Answered(answer[0]["status"], sorted(answer[0]["headers"]), body)

    async def records(self) -> list[tuple[bytes | None, bytes | None]]:
        """Return the keys and the values of all records, by partition."""
        found = []
        for partition, end in enumerate(await self.log.ends()):
            found += await self.log.read(partition, 0, end, 1 << 40)
        return [(record.key, record.value) for record in found]


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Note for each request that reaches a door whether it answered."""
    noted: list[bool] = []
    answer = Door.answer

    async def noting(self: Door, *arguments: Any) -> bool:
        noted.append(await answer(self, *arguments))
        return noted[-1]

    monkeypatch.setattr(Door, "answer", noting)
    return noted


async def compare(requests: Sequence[Sent], monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[Answered]:
    """Send the same requests to both services; return the answers."""
    answers = []
    stored = []
    for with_door in (False, True):
        ids = random.Random(7)
        monkeypatch.setattr(dependencies, "random_id", lambda ids=ids: dependencies.UUID(int=ids.getrandbits(128)))
        side = Side(with_door=with_door, **options)
        async with side.app.lifespan():
            answers.append([await side.send(one) for one in requests])
        stored.append(await side.records())
    for request, plain, through_door in zip(requests, *answers, strict=True):
        assert through_door == plain, request
    assert stored[1] == stored[0]
    return answers[1]


def headers(body: bytes, *more: tuple[bytes, bytes], role: Any = "member", **changed: bytes | None) -> list[Any]:
    """Return the headers of an ordinary client; ``changed`` replaces some, or removes them."""
    usual: dict[bytes, bytes | None] = {
        b"host": b"127.0.0.1:8080",
        b"user-agent": b"tests",
        b"authorization": f"Bearer {token(role)}".encode(),
        b"content-type": b"application/json",
        b"content-length": b"%d" % len(body),
        b"x-request-id": b"one-of-the-tests",
    }
    usual |= {name.replace("_", "-").encode(): value for name, value in changed.items()}
    return [*((name, value) for name, value in usual.items() if value is not None), *more]


def post(body: bytes, path: str = EVENTS, *more: tuple[bytes, bytes], pieces: int = 1, **changed: Any) -> Sent:
    return Sent("POST", path, headers(body, *more, **changed), body, pieces=pieces)


def batch(*events: Any) -> bytes:
    return json.dumps({"events": list(events)}).encode()


ONE = batch(EVENT)
SECRET = {**EVENT, "data": {"command": "export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzzzKEY"}}
ORDINARY = (
    post(ONE),
    post(batch(*[EVENT] * 150)),
    post(batch(EVENT, SECRET)),
    post(batch(EVENT, {"event_type": "no"}, {**EVENT, "timestamp": "1970-01-01T00:00:00Z"})),
    post(batch({**EVENT, "data": {"text": "\ud83d"}})),
    post(ONE, pieces=7),
    post(gzip.compress(ONE), content_encoding=b"gzip"),
    post(bytes(cramjam.zstd.compress(ONE)), content_encoding=b"zstd"),
    post(ONE, content_type=b"application/json; charset=utf-8"),
    post(ONE, EVENTS, (b"idempotency-key", b"once")),
    post(ONE, role="agent"),
)
REFUSED = (
    post(b""),
    post(b"{"),
    post(b"[]"),
    post(b'"\xff"'),
    post(b"[" * 100_000),
    post(batch()),
    post(batch(*[EVENT] * 5_001)),
    post(batch({"event_type": "no"})),
    post(ONE + b"x" * BODY_BYTES_MAX, pieces=40),
    post(batch({**EVENT, "data": {"text": "x" * 1_100_000}})),
    post(ONE, content_encoding=b"gzip"),
    post(ONE, content_encoding=b"br"),
    post(ONE, content_type=b"text/plain"),
    post(ONE, content_type=None),
    post(ONE, EVENTS, (b"idempotency-key", b"x" * 256)),
    post(ONE, f"/api/v1/acme{events_path('00000000-0000-4000-8000-000000000000')}"),
    post(ONE, f"/api/v1/acme{events_path('x')}"),
    post(ONE, "/api/v1/acme/hooks/unknown-agent"),
)
LEFT_TO_LITESTAR = (
    post(ONE, authorization=None),
    post(ONE, authorization=b"Basic eDp5"),
    post(ONE, authorization=b"Bearer x.y.z"),
    post(ONE, EVENTS, (b"authorization", f"Bearer {token()}".encode())),
    post(ONE, role="viewer"),
    post(ONE, f"/api/v1/globex{events_path(SESSION)}"),
    post(ONE, host=b"not a host"),
    post(ONE, EVENTS, (b"origin", b"https://app.example.com")),
    Sent("POST", EVENTS, headers(ONE), ONE, query=b"x=1"),
    Sent("PUT", EVENTS, headers(ONE), ONE),
    Sent("GET", EVENTS, headers(b"")),
    Sent("OPTIONS", EVENTS, headers(b"")),
    Sent("POST", f"{EVENTS}/", headers(ONE), ONE),
    Sent("POST", EVENTS.replace("events", "%65vents"), headers(ONE), ONE),
)


@pytest.mark.parametrize("requests", [ORDINARY, REFUSED], ids=["ordinary", "refused"])
async def test_ordinary_requests_are_answered_by_the_door(
    requests: Sequence[Sent], monkeypatch: pytest.MonkeyPatch, answered: list[bool]
) -> None:
    """Whatever the body, the response and the records are those of the route."""
    answers = await compare(requests, monkeypatch)

    assert answered == [True] * len(requests)
    assert {answer.status // 100 for answer in answers} == ({2} if requests is ORDINARY else {4})


async def test_other_requests_are_left_to_litestar(monkeypatch: pytest.MonkeyPatch, answered: list[bool]) -> None:
    """Nothing of them is read or counted before."""
    await compare(LEFT_TO_LITESTAR, monkeypatch, limit=1_000)

    assert answered == [False] * len(LEFT_TO_LITESTAR)


async def test_a_limit_counts_each_request_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The headers state what is left, and nothing is left for both alike."""
    requests = [*ORDINARY[:3], *LEFT_TO_LITESTAR, *REFUSED[:3], *ORDINARY]

    answers = await compare(requests, monkeypatch, limit=9)

    assert {429, 202} <= {answer.status for answer in answers}


async def test_an_unavailable_log_is_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients may send the same request again."""
    monkeypatch.setattr(FakeEventLog, "unavailable", True, raising=False)
    monkeypatch.setattr(FakeEventLog, "__init__", lambda self, partitions: None)
    monkeypatch.setattr(Side, "records", _nothing)

    answers = await compare(ORDINARY, monkeypatch)

    assert {answer.status for answer in answers} == {503}
    assert {(b"retry-after", b"1")} <= set(answers[0].headers)


async def _nothing(_side: Side) -> list[Any]:
    return []


@pytest.mark.parametrize("name", list(RECORDINGS))
async def test_recorded_agents_get_the_same(name: str, monkeypatch: pytest.MonkeyPatch, answered: list[bool]) -> None:
    """Hooks of a real run, as single payloads and as batches."""
    recording = RECORDINGS[name]
    path = f"/api/v1/acme/hooks/{recording.client}"
    bodies: list[Any] = [*singles_of(recording), *batches_of(recording, NOW_MS - 7_200_000, 20)]

    await compare([post(json.dumps(body).encode(), path) for body in bodies], monkeypatch)

    assert all(answered)


@pytest.mark.parametrize("family", ["hooks", "otlp", "dense"])
async def test_hostile_requests_get_the_same(
    family: str, monkeypatch: pytest.MonkeyPatch, answered: list[bool]
) -> None:
    """The fuzzer's bodies for agents' routes."""
    setup = AttackSetup((str(a_session(ATTACKERS)),) * 2)
    cases = [case_of(35, family, number, setup) for number in range(CASES if family != "dense" else 20)]

    await compare([_sent(case.raw) for case in cases], monkeypatch)

    assert sum(answered) > len(answered) / 2


def _sent(raw: bytes) -> Sent:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, target, _version = first.decode("latin-1").split(" ")
    path, _, query = target.partition("?")
    pairs = [line.partition(b":") for line in lines]
    given = [(name.lower(), value.strip()) for name, _, value in pairs if name.lower() != b"x-request-id"]
    return Sent(method, path, [*given, (b"x-request-id", b"one-of-the-fuzzer")], body, query.encode())
