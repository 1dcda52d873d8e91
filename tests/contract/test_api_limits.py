"""API section "Conventions": rate limits and CORS, over two processes with the same settings."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.rigs.installation import Installation
from tests.support.rigs.redis import RedisServer, need_redis

PAGE = "https://app.example.com"
OPTIONS = ("--writes-per-hour", "5", "--reads-per-hour", "3", "--allowed-origins", f"{PAGE},http://localhost:3000")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Installation]]:
    """Start two processes with one shared counter, like the several processes of production."""
    folder = tmp_path_factory.mktemp("pair")
    server = RedisServer(need_redis(), folder).start()
    both = [Installation("up", folder / name, *OPTIONS, "--rate-limit-url", server.url) for name in ("a", "b")]
    try:
        for each in both:
            each.start()
        yield both[0], both[1]
    finally:
        for each in both:
            each.end()
        server.kill()


def test_an_org_has_one_limit_over_all_processes(pair: tuple[Installation, Installation]) -> None:
    """Requests to one process count for the other. Beyond the limit, a 429 states when to retry."""
    clients = [each.client(org="shared") for each in pair]
    path = "/api/v1/shared/sessions"

    writes = [clients[number % 2].post(path, json={}) for number in range(7)]
    reads = [clients[number % 2].get(path) for number in range(4)]

    assert [reply.status_code for reply in writes] == [201] * 5 + [429] * 2
    assert [reply.status_code for reply in reads] == [200] * 3 + [429]
    assert [reply.headers["x-ratelimit-remaining"] for reply in writes] == ["4", "3", "2", "1", "0", "0", "0"]
    assert {reply.headers["x-ratelimit-limit"] for reply in reads} == {"3"}
    check_refusal(writes[-1])
    check_refusal(reads[-1])


def test_the_sessions_of_agents_have_one_limit_over_all_processes(pair: tuple[Installation, Installation]) -> None:
    """A request counts once per session; beyond the limit only the request itself is counted."""
    first, second = (each.client("agent", "agents") for each in pair)
    path = "/api/v1/agents/hooks/codex"

    replies = [first.post(path, json=hooks_of(3)), *(second.post(path, json=hooks_of(n)) for n in (3, 1))]

    assert [reply.status_code for reply in replies] == [202, 429, 202]
    assert [reply.headers["x-ratelimit-remaining"] for reply in replies] == ["2", "1", "0"]
    check_refusal(replies[1])


def hooks_of(sessions: int) -> dict[str, Any]:
    payloads = [{"session_id": f"s{number}", "hook_event_name": "Stop"} for number in range(sessions)]
    return {"hooks": [{"id": str(uuid4()), "payload": payload} for payload in payloads]}


def check_refusal(reply: httpx.Response) -> None:
    error = reply.json()

    assert (list(error), error["code"]) == (["error", "code", "details", "request_id"], "rate_limited")
    assert error["request_id"] == reply.headers["x-request-id"]
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.headers["ratelimit"].endswith(f";t={reply.headers['retry-after']}")
    assert 0 < int(reply.headers["retry-after"]) <= 3600


def test_each_org_has_its_own_limit(pair: tuple[Installation, Installation]) -> None:
    """Health routes need no credential and are not counted."""
    pair[0].client(org="busy").get("/api/v1/busy/sessions")
    idle = pair[1].client(org="idle").get("/api/v1/idle/sessions")
    health = [httpx.get(f"{pair[0].url}/readyz", trust_env=False) for _ in range(5)]

    assert (idle.status_code, idle.headers["x-ratelimit-remaining"]) == (200, "2")
    assert {reply.status_code for reply in health} == {200}


def test_an_allowed_page_may_call(pair: tuple[Installation, Installation]) -> None:
    """Its preflight needs no token, and it may read a 429 with all headers."""
    path = f"{pair[0].url}/api/v1/browser/sessions"
    asks = {"Origin": PAGE, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    preflight = httpx.options(path, headers=asks, trust_env=False)
    client = pair[0].client(org="browser")
    replies = [client.get(path, headers={"Origin": PAGE}) for _ in range(4)]

    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, PAGE)
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    for reply in replies:
        assert reply.headers["access-control-allow-origin"] == PAGE
        assert {"retry-after", "etag", "x-ratelimit-reset", "x-complete-through"} <= {
            name.strip().lower() for name in reply.headers["access-control-expose-headers"].split(",")
        }


def test_without_the_shared_counter_each_process_counts(tmp_path: Path) -> None:
    """An unreachable server is not an outage: requests are served, and the log reports it."""
    alone = Installation("up", tmp_path, *OPTIONS, "--rate-limit-url", "redis://127.0.0.1:1/0")
    try:
        client = alone.start().client(org="acme")
        statuses = [client.post("/api/v1/acme/sessions", json={}).status_code for _ in range(6)]
        metrics = client.get("/metrics").text
    finally:
        alone.end()

    said = [json.loads(line) for line in (tmp_path / "log" / "up.log").read_text().splitlines()]
    assert statuses == [201] * 5 + [429]
    assert "crewkit_rate_limit_store_away 1.0" in metrics
    assert [line["level"] for line in said if line["event"] == "rate_limit_store_away"] == ["error"]
