"""Pages of an allowed origin may call every route and read the headers they need. Other pages get no CORS headers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest

from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from edge.rate_limits import RateLimits, RequestCounter
from runtime.services.composition import WriteSide, compose
from runtime.settings.settings import BadSettings, Settings
from tests.support.clients.in_process import in_process
from tests.support.fakes.log import FakeEventLog
from tests.support.rigs.write_api import KEY, NOW_MS, SECRETS, a_session, token

PAGE, OTHER = "https://app.example.com", "https://evil.example.net"
CORS = "access-control-"
EXPOSED_HEADERS = (
    "ETag, Retry-After, X-Complete-Through, X-Generation, X-Log-Position, X-RateLimit-Limit, X-RateLimit-Remaining, "
    "X-RateLimit-Reset, X-Request-Id"
)
ROUTES = [
    ("POST", "/api/v1/acme/sessions"),
    ("PATCH", f"/api/v1/acme/sessions/{a_session()}"),
    ("POST", f"/api/v1/acme/observability/sessions/{a_session()}/events"),
    ("GET", "/livez"),
    ("GET", "/schema/openapi.json"),
    ("GET", "/nowhere"),
]


@asynccontextmanager
async def browser(origin: str, allowed: Sequence[str]) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client that calls from a page of ``origin``, without a token."""
    verifier = TokenVerifier([shared_secret(KEY)], lambda: NOW_MS / 1000)
    limits = RateLimits(RequestCounter(), 1, 1)
    app = compose(verifier, WriteSide(FakeEventLog(), SECRETS, lambda: NOW_MS), limits=limits, allowed_origins=allowed)
    async with in_process(app, headers={"origin": origin.encode("latin-1")}) as client:
        yield client


def asks_for(method: str) -> dict[str, str]:
    return {
        "access-control-request-method": method,
        "access-control-request-headers": "authorization, content-type, idempotency-key, x-wait-for-position",
    }


def cors_headers(reply: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if name.startswith(CORS)}


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=[f"{method} {n}" for n, (method, _) in enumerate(ROUTES)])
async def test_a_preflight_needs_no_token(method: str, path: str) -> None:
    """On every route, it allows the method and each requested header, and no cookies."""
    async with browser(PAGE, [PAGE]) as page:
        reply = await page.options(path, headers=asks_for(method))

    allowed = reply.headers["access-control-allow-headers"].lower()
    assert (reply.status_code, reply.text) == (204, "")
    assert reply.headers["access-control-allow-origin"] == PAGE
    assert method in reply.headers["access-control-allow-methods"]
    assert all(name in allowed for name in ("authorization", "content-type", "idempotency-key", "x-wait-for-position"))
    assert "access-control-allow-credentials" not in reply.headers
    assert reply.headers["vary"] == "Origin"


async def test_allowed_pages_may_read_every_response() -> None:
    """Success, 401, 404, 405, 422 and 429 name the page and the headers that it may read."""
    known = {"authorization": f"Bearer {token()}"}
    async with browser(PAGE, [OTHER, PAGE]) as page:
        replies = [
            await page.get("/livez"),
            await page.post("/api/v1/acme/sessions"),
            await page.get("/nowhere"),
            await page.delete("/api/v1/acme/sessions"),
            await page.post("/api/v1/acme/sessions", json={"nope": 1}, headers=known),
            await page.post("/api/v1/acme/sessions", json={}, headers=known),
        ]

    assert [reply.status_code for reply in replies] == [200, 401, 404, 405, 422, 429]
    for reply in replies:
        assert reply.headers["access-control-allow-origin"] == PAGE
        assert reply.headers["access-control-expose-headers"] == EXPOSED_HEADERS


OTHERS = [OTHER, f"{PAGE}.evil.net", f"{PAGE}:8443", "http://app.example.com", "null", "\xff", ""]


@pytest.mark.parametrize("origin", OTHERS)
async def test_another_page_may_not_call(origin: str) -> None:
    """Its calls are handled like those of any client: a preflight without a token is a 401 of the usual shape."""
    async with browser(origin, [PAGE]) as page:
        preflight = await page.options("/api/v1/acme/sessions", headers=asks_for("POST"))
        call = await page.post("/api/v1/acme/sessions", json={}, headers={"authorization": f"Bearer {token()}"})

    assert (preflight.status_code, preflight.json()["code"]) == (401, "unauthenticated")
    assert call.status_code == 201
    assert cors_headers(preflight) == cors_headers(call) == {}


async def test_without_the_setting_no_page_may_call() -> None:
    """CORS is off by default."""
    async with browser(PAGE, []) as page:
        replies = [await page.options("/api/v1/acme/sessions", headers=asks_for("POST")), await page.get("/livez")]

    assert [reply.status_code for reply in replies] == [401, 200]
    assert [cors_headers(reply) for reply in replies] == [{}, {}]


async def test_all_pages_may_be_allowed() -> None:
    """With ``*``, any page may call. Pages send tokens themselves, so pages without a token gain nothing."""
    async with browser(OTHER, ["*"]) as page:
        preflight = await page.options("/api/v1/acme/sessions", headers=asks_for("POST"))
        reply = await page.get("/livez")

    assert preflight.status_code == 204
    assert reply.headers["access-control-allow-origin"] == "*"


def test_origins_are_read_from_one_setting() -> None:
    """Origins are separated by commas. Anything else is refused at the start."""
    assert Settings(allowed_origins=f" {PAGE}, http://localhost:3000 ,").origins == (PAGE, "http://localhost:3000")
    assert Settings().origins == ()
    for wrong in ("app.example.com", f"{PAGE}/", f"{PAGE}/app", "file://x"):
        with pytest.raises(BadSettings, match="allowed_origins"):
            _ = Settings(allowed_origins=wrong).origins
