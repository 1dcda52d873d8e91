"""While a service starts, every request gets an answer of the documented shape; then the service takes over."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from edge.starting import Front
from schemas.http.responses import ErrorBody

PAGE = b"<!doctype html><title>starting</title>"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Complete:
    """A service that answers 204, and records its lifespan."""

    def __init__(self, internal: "Complete | None" = None) -> None:
        self.internal, self.is_running = internal, False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert self.is_running
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.is_running = True
        yield
        self.is_running = False


def client(front: Front) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(front), base_url="http://here")


@pytest.fixture
def front() -> Front:
    return Front(PAGE)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v1/acme/sessions"), ("POST", "/api/v1/acme/sessions"), ("GET", "/metrics"), ("POST", "/readyz")],
)
async def test_a_request_is_to_be_repeated(front: Front, method: str, path: str) -> None:
    """It gets a 503 with `Retry-After` and the usual error shape, whatever it is."""
    answer = await client(front).request(method, path, headers={"X-Request-Id": "mine"}, json={"any": "body"})

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    body = msgspec.json.decode(answer.content, type=ErrorBody)
    assert (body.code, body.details, body.request_id) == ("starting", {}, "mine")


async def test_the_process_is_live_but_not_ready(front: Front) -> None:
    """An orchestrator neither restarts it nor sends it requests."""
    live, ready = [await client(front).get(path) for path in ("/livez", "/readyz")]

    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.headers["retry-after"], ready.json()["code"]) == (503, "1", "not_ready")
    assert ready.json()["details"] == {"service": ["is starting"]}


@pytest.mark.parametrize("path", ["/", "/sessions", "/trust?days=7"])
async def test_a_browser_gets_a_page(front: Front, path: str) -> None:
    """It also has an error status, so nothing caches it."""
    page = await client(front).get(path, headers=BROWSER)

    assert (page.status_code, page.content, page.headers["retry-after"]) == (503, PAGE, "1")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'; ")


@pytest.mark.parametrize("headers", [{}, BROWSER])
async def test_answers_have_the_headers_of_every_response(front: Front, headers: dict[str, str]) -> None:
    """These are the headers that `edge.outermost` adds once the service is complete."""
    answer = await client(front).get("/", headers=headers)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert len(answer.headers["x-request-id"]) == 24


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/sessions"])
async def test_head_gets_no_body(front: Front, path: str) -> None:
    """It gets the headers of a GET."""
    get, head = [await client(front).request(method, path) for method in ("GET", "HEAD")]

    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


async def test_the_body_of_a_request_is_received_first(front: Front) -> None:
    """If a connection closes with unread bytes, it is reset, and the answer is lost."""
    parts = [{"type": "http.request", "body": b"x", "more_body": more} for more in (False, True, True)]
    sent: list[Any] = []

    async def receive() -> Any:
        return parts.pop()

    async def send(message: Any) -> None:
        assert parts == []
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": [(b"content-length", b"3")]}
    await front(scope, receive, send)

    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


async def test_the_service_takes_over_within_its_lifespan(front: Front) -> None:
    """The service answers requests that arrive then."""
    service = Complete()
    async with front.showing(service):
        assert (await client(front).get("/sessions")).status_code == 204

    assert not service.is_running


async def test_health_has_a_front_where_it_has_an_address() -> None:
    """Both answer from the beginning, and both switch over."""
    front = Front(PAGE, Front(PAGE))
    assert front.internal is not None
    assert (await client(front.internal).get("/livez")).status_code == 200
    service = Complete(internal=Complete())
    async with front.showing(service):
        assert (await client(front.internal).get("/livez")).status_code == 204

    assert service.internal is not None
    assert not service.internal.is_running
