"""Every exception of a request becomes an error of the same shape, and reveals no internals."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal

import httpx
import msgspec
import pytest
import structlog
from litestar import get
from litestar.exceptions import HTTPException
from litestar.params import Parameter
from structlog.contextvars import bound_contextvars, get_contextvars, merge_contextvars
from structlog.testing import capture_logs

from edge.authentication import TokenVerifier
from edge.errors import ApiError, not_found
from edge.guards import may
from edge.keys import shared_secret
from edge.principal import Principal
from edge.service import build_service
from edge.validation_messages import explain
from schemas.http.responses import Reply
from schemas.log.position import LogUnavailable
from tests.support.rigs.write_api import KEY, NOW_MS, token

logger = structlog.get_logger("test")
RAISED: dict[str, tuple[Exception, int, str]] = {
    "api": (ApiError(409, "conflict", "No."), 409, "conflict"),
    "404": (not_found(), 404, "not_found"),
    "log": (LogUnavailable("secret"), 503, "log_unavailable"),
    "validation": (msgspec.ValidationError("Expected `int` >= 0 - at `$.a.b[1]`"), 422, "invalid"),
    "decode": (msgspec.DecodeError("secret"), 400, "invalid_json"),
    "recursion": (RecursionError("secret"), 400, "invalid_json"),
    "unicode": (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "secret"), 400, "invalid_json"),
    "http 413": (HTTPException("secret", status_code=413), 413, "too_large"),
    "http 500": (HTTPException("secret", status_code=500), 500, "internal"),
    "any": (ZeroDivisionError("secret"), 500, "internal"),
    "key": (KeyError("secret"), 500, "internal"),
}


@get("/api/v1/{org_id:str}/raise/{name:str}", guards=[may("session.read")])
async def raise_it(name: str) -> None:
    raise RAISED[name][0]


@get("/api/v1/{org_id:str}/things/{thing:str}", guards=[may("session.read")])
async def things(
    thing: str,
    principal: Principal,
    page: Annotated[int, Parameter(ge=1)] = 1,
    sort: Literal["a", "b"] = "a",
    after: datetime | None = None,
) -> Reply[dict[str, Any]]:
    logger.info("inside")
    return Reply({"user": principal.user_id, "thing": thing, "page": page, "sort": sort}, {})


@get("/api/v1/operator/things", guards=[may("operate")])
async def operate() -> Reply[str]:
    return Reply("ok", {})


async def parts() -> dict[str, bool]:
    return {"log": True}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    verifier = TokenVerifier([shared_secret(KEY)], lambda: NOW_MS / 1000)
    app = build_service([raise_it, things, operate], {}, verifier, parts)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {token()}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as made:
        yield made


@pytest.mark.parametrize("name", RAISED)
async def test_every_exception_has_one_shape(client: httpx.AsyncClient, name: str) -> None:
    """Status and code follow the exception. Its text is hidden unless it is meant for the client."""
    reply = await client.get(f"/api/v1/acme/raise/{name}", headers={"x-request-id": "r1"})

    _, status, code = RAISED[name]
    assert (reply.status_code, reply.json()["code"], reply.json()["request_id"]) == (status, code, "r1")
    assert set(reply.json()) == {"error", "code", "details", "request_id"}
    assert "secret" not in reply.text
    assert (reply.headers.get("retry-after") is not None) == (status == 503)


async def test_log_lines_of_a_request_have_its_id(client: httpx.AsyncClient) -> None:
    """The id is bound during the request; afterwards the earlier values are restored."""
    with bound_contextvars(request_id="outside"), capture_logs([merge_contextvars]) as logs:
        for number in range(2):
            await client.get("/api/v1/acme/things/x", headers={"x-request-id": f"r{number}"})
            logger.info("between")

    assert [log["request_id"] for log in logs] == ["r0", "outside", "r1", "outside"]
    assert "request_id" not in get_contextvars()


@pytest.mark.parametrize(
    ("query", "field", "sentence"),
    [
        ("page=0", "page", "must be at least 1"),
        ("page=x", "page", "must be an integer"),
        ("sort=c", "sort", "is not one of the allowed values"),
        ("after=1.5", "after", "must be an RFC 3339 time, such as 2026-01-20T10:30:00Z"),
        ("page=null", "page", "must not be null"),
        ("sort=Null", "sort", "must not be null"),
        ("page=1&page=2", "page", "must not be given more than once"),
        ("nope=1&nope=2", "nope", "is not a known parameter"),
        ("nope=1", "nope", "is not a known parameter"),
        ("nope", "nope", "is not a known parameter"),
    ],
)
async def test_wrong_parameters_are_a_422(client: httpx.AsyncClient, query: str, field: str, sentence: str) -> None:
    """Known parameters with a wrong value, and unknown parameters, are named."""
    reply = await client.get(f"/api/v1/acme/things/x?{query}")

    assert (reply.status_code, reply.json()["details"]) == (422, {field: [sentence]})


@pytest.mark.parametrize("query", ["page=1&%ff=1", "sort=%ff", "sort=%ed%a0%80", "sort=%c0%80"])
async def test_a_query_that_is_no_text_is_a_400(client: httpx.AsyncClient, query: str) -> None:
    """Replacement characters would change the filter."""
    reply = await client.get(f"/api/v1/acme/things/x?{query}")

    assert (reply.status_code, reply.json()["code"]) == (400, "bad_encoding")


async def test_valid_parameters_are_accepted(client: httpx.AsyncClient) -> None:
    """The principal is that of the token."""
    reply = await client.get("/api/v1/acme/things/x?page=2&sort=b&after=2026-01-20T10:30:00%2B02:00")

    assert reply.json()["data"] == {"user": "alice", "thing": "x", "page": 2, "sort": "b"}
    assert reply.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/schema", "/schema/openapi.json"])
async def test_what_needs_no_credential(client: httpx.AsyncClient, path: str) -> None:
    """Health and the API document need no credential."""
    del client.headers["authorization"]

    assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic abc", "bearer x", "Bearer é", "token"])
async def test_an_invalid_credential_is_a_401(client: httpx.AsyncClient, value: str) -> None:
    """The response is always the same, and names the expected scheme."""
    reply = await client.get("/api/v1/acme/things/x", headers={"authorization": value.encode()})

    assert (reply.status_code, reply.json()["code"]) == (401, "unauthenticated")
    assert reply.headers["www-authenticate"] == "Bearer"


async def test_operators_and_orgs_are_apart(client: httpx.AsyncClient) -> None:
    """Operator tokens give access to operator routes only, and no other token does."""
    operator = {"authorization": f"Bearer {token('operator', 'operator')}"}

    assert (await client.get("/api/v1/operator/things", headers=operator)).status_code == 200
    assert (await client.get("/api/v1/acme/things/x", headers=operator)).status_code == 404
    assert (await client.get("/api/v1/operator/things/x", headers=operator)).status_code in {403, 404}
    assert (await client.get("/api/v1/operator/things")).status_code == 404


async def test_unknown_routes_and_methods(client: httpx.AsyncClient) -> None:
    """404 and 405 have the same shape; 405 lists the supported methods."""
    assert (await client.get("/nowhere")).json()["code"] == "not_found"
    refused = await client.post("/livez")
    assert refused.json()["code"] == "method_not_allowed"
    assert set(refused.headers["allow"].split(", ")) == {"GET", "OPTIONS"}


@pytest.mark.parametrize(
    ("message", "path", "sentence"),
    [
        ("Expected `int | null`, got `str` - at `$.a`", "a", "must be an integer or null, not a string"),
        ("Expected `str` of length <= 512 - at `$.a[3].b`", "a[3].b", "must have at most 512 characters"),
        ("Expected `array` of length >= 1 - at `$.a`", "a", "must not be empty"),
        ("Expected `float` <= 1000000.0 - at `$.a`", "a", "must be at most 1000000"),
        (r"Expected `str` matching regex '^[^\\x00-\\x1f]*$' - at `$.a`", "a", "must not contain control characters"),
        ("Object contains unknown field `x` - at `$.a[0]`", "a[0].x", "is not a known field"),
        ("Object contains unknown field `x`", "x", "is not a known field"),
        ("Object missing required field `events`", "events", "is required"),
        ("Invalid UUID - at `$.a`", "a", "must be a UUID"),
        ("Something msgspec may say one day - at `$.a`", "a", "is not valid"),
        ("Something msgspec may say one day", "body", "is not valid"),
        (f"Object contains unknown field `{'x`' * 600}`", "…", "is not a known field"),
        (f"Object contains unknown field `{'x`' * 600}` - at `$.a[0]`", "a[0].…", "is not a known field"),
        (f"Object contains unknown field `{'x - at `$.y` ' * 99}`", "…", "is not a known field"),
        (f"Invalid enum value '{'x' * 1_000}' - at `$.a`", "a", "is not one of the allowed values"),
    ],
)
def test_validation_messages(message: str, path: str, sentence: str) -> None:
    """msgspec's messages become sentences for the client."""
    assert explain(message) == (path, sentence)
