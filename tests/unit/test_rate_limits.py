"""Every authenticated response states the remaining requests of the hour; beyond the limit, each request is a 429."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from agents.exported import SESSIONS_MAX
from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from edge.rate_limits import HOUR_S, RateLimits, RequestCounter
from ingest.log.atomic_write import write_whole
from runtime.services.composition import WriteSide, compose
from runtime.settings.http_settings import create_rate_limits
from runtime.settings.settings import BadSettings, Settings
from tests.support.clients.in_process import in_process
from tests.support.clients.otlp import claude_record, logs
from tests.support.fakes.log import FakeEventLog
from tests.support.rigs.write_api import EVENT, KEY, NOW_MS, SECRETS, a_session, events_path, token

PATH = "/api/v1/acme/sessions"


class Clock:
    """A clock in seconds that the test advances."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


Send = Callable[..., Any]


@asynccontextmanager
async def service(writes: int, reads: int, clock: Clock, log: FakeEventLog | None = None) -> AsyncIterator[Send]:
    """Run the write side with limits; yields a function that sends requests to it."""
    verifier = TokenVerifier([shared_secret(KEY)], lambda: NOW_MS / 1000)
    limits = RateLimits(RequestCounter(clock), writes, reads, lambda: NOW_MS / 1000)
    app = compose(verifier, WriteSide(log or FakeEventLog(), SECRETS, lambda: NOW_MS), limits=limits)
    async with in_process(app) as client:

        async def send(method: str = "POST", path: str = PATH, org: str = "acme", **more: Any) -> httpx.Response:
            given = {"authorization": f"Bearer {token(org=org)}", "content-type": "application/json"}
            content = {"json": more.pop("json", {})} if method != "GET" else {}
            return await client.request(method, path, headers={**given, **more}, **content)

        yield send


def left(reply: httpx.Response) -> tuple[str | None, ...]:
    """Return limit, rest, and the seconds until the hour ends; both families of headers must agree."""
    limit, remaining, reset = (reply.headers.get(f"x-ratelimit-{name}") for name in ("limit", "remaining", "reset"))
    if reset is None:
        assert not {"ratelimit", "ratelimit-policy"} & reply.headers.keys()
        return limit, remaining, None
    ends_in_s = str(int(reset) - NOW_MS // 1000)
    kind = "reads" if reply.request.method in ("GET", "OPTIONS") else "writes"
    assert reply.headers["ratelimit-policy"] == f'"{kind}";q={limit};w=3600'
    assert reply.headers["ratelimit"] == f'"{kind}";r={remaining};t={ends_in_s}'
    return limit, remaining, ends_in_s


async def test_requests_beyond_the_limit_are_refused() -> None:
    """The hour begins with the first request. After it, requests are accepted again."""
    clock = Clock()
    async with service(3, 0, clock) as send:
        first = await send()
        clock.now += 10.5
        others = [await send() for _ in range(2)]
        refused = await send()
        clock.now += HOUR_S - 10.5
        again = await send()

    assert [reply.status_code for reply in (first, *others, refused, again)] == [201, 201, 201, 429, 201]
    assert [left(reply) for reply in (first, *others)] == [
        ("3", "2", "3600"),
        ("3", "1", "3590"),
        ("3", "0", "3590"),
    ]
    assert left(refused) == ("3", "0", "3590")
    assert refused.headers["retry-after"] == "3590"
    assert (refused.json()["code"], set(refused.json())) == (
        "rate_limited",
        {"error", "code", "details", "request_id"},
    )
    assert left(again) == ("3", "2", "3600")


async def test_a_write_is_one_request_whatever_its_size() -> None:
    """A batch of many events counts as much as a batch of one."""
    async with service(10, 10, Clock()) as send:
        path = f"/api/v1/acme{events_path(a_session())}"
        one = await send(path=path, json={"events": [EVENT]})
        many = await send(path=path, json={"events": [EVENT] * 1_000})

    assert [left(reply)[1] for reply in (one, many)] == ["9", "8"]


def hooks_of(sessions: int) -> dict[str, Any]:
    """Return a batch of hooks, two of each session."""
    payloads = [{"session_id": f"s{n % sessions}", "hook_event_name": "Notification"} for n in range(2 * sessions)]
    return {"hooks": [{"id": str(uuid4()), "payload": payload} for payload in payloads]}


def logs_of(sessions: int) -> dict[str, Any]:
    """Return an export, with two log records of each session and one of a session that stores nothing."""
    named = [{"session.id": f"s{n % sessions}"} for n in range(2 * sessions)]
    return logs(
        [*(claude_record("user_prompt", n, **each) for n, each in enumerate(named)), claude_record("hook_registered")]
    )


HOOKS, LOGS = "/api/v1/acme/hooks/claude-code", "/api/v1/acme/otlp/v1/logs"
AGENTS = pytest.mark.parametrize(("path", "body"), [(HOOKS, hooks_of), (LOGS, logs_of)])


@AGENTS
async def test_an_agent_writes_once_for_each_session(path: str, body: Callable[[int], Any]) -> None:
    """A request with nothing to store counts as one write, like any request."""
    async with service(10, 10, Clock()) as send:
        replies = [await send(path=path, json=body(sessions)) for sessions in (4, 1, 3)]
        nothing = await send(path=path, json={})

    assert [left(reply) for reply in (*replies, nothing)] == [("10", each, "3600") for each in ("6", "5", "2", "1")]


@AGENTS
async def test_what_the_writes_do_not_suffice_for_is_refused_as_a_whole(path: str, body: Callable[[int], Any]) -> None:
    """A refusal counts as one write, so smaller requests continue. After the hour, the same request is accepted."""
    clock = Clock()
    log = FakeEventLog()
    async with service(9, 10, clock, log) as send:
        await send(path=path, json=body(5))
        ends = await log.ends()
        refused = await send(path=path, json=body(5))
        unchanged = await log.ends()
        smaller = await send(path=path, json=body(3))
        clock.now += HOUR_S
        again = await send(path=path, json=body(5))

    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (
        429,
        "rate_limited",
        "3600",
    )
    assert "counts as 5 writes" in refused.json()["error"]
    assert (left(refused), ends) == (("9", "3", "3600"), unchanged)
    assert refused.headers.get_list("x-ratelimit-remaining") == ["3"]
    assert [(reply.is_success, left(reply)[1]) for reply in (smaller, again)] == [(True, "0"), (True, "4")]


@AGENTS
async def test_a_request_counts_at_most_as_the_whole_limit(path: str, body: Callable[[int], Any]) -> None:
    """Otherwise one with more sessions than that would be refused in every hour."""
    async with service(3, 3, Clock()) as send:
        reply = await send(path=path, json=body(7))
        refused = await send(path=path, json=body(1))

    assert (reply.is_success, left(reply)[1], refused.status_code) == (True, "0", 429)


async def test_sessions_that_are_refused_are_not_counted() -> None:
    """An export counts as its first sessions, which are stored."""
    async with service(1_000, 10, Clock()) as send:
        reply = await send(path=LOGS, json=logs_of(SESSIONS_MAX + 3))

    assert (reply.status_code, left(reply)[1]) == (200, "500")


async def test_orgs_and_reads_and_writes_are_counted_apart() -> None:
    """Using up the writes of one org affects neither its reads nor other orgs."""
    async with service(2, 5, Clock()) as send:
        for _ in range(3):
            refused = await send()
        read = await send("OPTIONS")
        other = await send(path="/api/v1/globex/sessions", org="globex")

    assert refused.status_code == 429
    assert left(read)[:2] == ("5", "4")
    assert (other.status_code, left(other)[1]) == (201, "1")


async def test_errors_state_the_remaining_requests() -> None:
    """A request that fails for another reason counts against the caller's org, too."""
    async with service(10, 10, Clock()) as send:
        replies = [
            await send(json={"nope": 1}),
            await send(**{"content-type": "text/plain"}),
            await send(path="/api/v1/globex/sessions"),
            await send(path=f"{PATH}?nope=1"),
            await send("PATCH", f"{PATH}/unknown"),
        ]

    assert [reply.status_code for reply in replies] == [422, 415, 404, 422, 404]
    assert [left(reply)[1] for reply in replies] == ["9", "8", "7", "6", "5"]


async def test_unauthenticated_requests_are_not_counted() -> None:
    """Otherwise any client could use up the requests of an org, or learn how busy it is."""
    async with service(1, 1, Clock()) as send:
        unknown = [await send(authorization="Bearer x") for _ in range(3)]
        free = [await send("GET", path) for path in ("/livez", "/readyz", "/schema/openapi.json")]
        first = await send()

    assert {reply.status_code for reply in unknown} == {401}
    assert {reply.status_code for reply in free} == {200}
    assert {left(reply) for reply in (*unknown, *free)} == {(None, None, None)}
    assert first.status_code == 201


async def test_without_a_limit_there_are_no_headers() -> None:
    """0 means no limit."""
    async with service(0, 0, Clock()) as send:
        replies = [await send() for _ in range(5)]

    assert {(reply.status_code, left(reply)) for reply in replies} == {(201, (None, None, None))}


async def test_expired_windows_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded for any number of names."""
    monkeypatch.setattr("edge.rate_limits._WINDOWS_MAX", 10)
    clock = Clock()
    counter = RequestCounter(clock)
    for number in range(25):
        await counter.count(f"org-{number}")
        clock.now += HOUR_S / 5

    assert len(counter._windows) <= 11


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"writes_per_hour": -1}, "writes_per_hour"),
        ({"reads_per_hour": -5}, "reads_per_hour"),
        ({"rate_limit_url": "memcached://x"}, "redis://"),
        ({"rate_limit_url": "redis://x:port"}, "rate_limit_url"),
        ({"rate_limit_url": "rediss://x:1/0?ssl_cert_reqs=none"}, "'ssl_cert_reqs' after"),
        ({"rate_limit_url": "redis://x:1/0/more"}, "after the port"),
        ({"rate_limit_url": "redis://x:1/0#x"}, "a fragment"),
        (
            {"rate_limit_url": "redis://:p@x:1/0", "rate_limit_password_file": "/x"},
            "contains a password",
        ),
        ({"rate_limit_url": "redis://x:1/0", "rate_limit_password_file": "/nowhere"}, "/nowhere does not exist"),
    ],
)
def test_wrong_settings_are_refused_at_the_start(wrong: dict[str, Any], said: str) -> None:
    """The message names the setting."""
    with pytest.raises(BadSettings, match=said):
        create_rate_limits(Settings(**wrong))


def test_the_password_of_the_counting_server_comes_from_its_file(tmp_path: Path) -> None:
    """So the password is in no environment and on no command line."""
    file = tmp_path / "password"
    write_whole(file, "s3cret\n")

    limits = create_rate_limits(Settings(rate_limit_url="rediss://us@x:1/2", rate_limit_password_file=str(file)))

    login = limits.counter._redis.connection_pool.connection_kwargs
    assert (login["username"], login["password"], login["db"]) == ("us", "s3cret", 2)


async def test_the_defaults_are_those_of_the_contract() -> None:
    """600,000 writes and 60,000 reads per hour."""
    limits = create_rate_limits(Settings())

    spent = [await limits.spend("acme", method) for method in ("POST", "PATCH", "GET", "HEAD")]
    allowances = [one and one.allowance for one in spent]

    assert [one and (one.limit, one.limit - one.remaining) for one in allowances] == [
        *((600_000, 1), (600_000, 2)),
        *((60_000, 1), (60_000, 2)),
    ]
