"""Sign-in links: `POST /login/code` gives the tokens of a code, once; only `up` has the route."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
import structlog

from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from edge.openapi.document import build_document
from edge.rate_limits import HOUR_S, RequestCounter
from edge.service import build_service
from edge.sign_in import BODY_BYTES_MAX, REQUESTS_PER_HOUR, sign_in_routes
from edge.sign_in_codes import SignInCodes
from runtime.services.composition import WriteSide, compose
from schemas.http.requests import SignInTokens
from tests.support.clients.conventions import check_error
from tests.support.clients.in_process import in_process
from tests.support.fakes.log import FakeEventLog
from tests.support.rigs.installation import Installation
from tests.support.rigs.write_api import KEY, NOW_MS, SECRETS, token

PATH, NEW = "/login/code", "/login/new-code"
TOKENS = SignInTokens("an.org.token", "an.operators.token")


class Login:
    """A service with the routes, its codes, and a client."""

    def __init__(self, origins: tuple[str, ...] = ()) -> None:
        self.codes, self.now = SignInCodes(), 0.0
        verifier = TokenVerifier([shared_secret(KEY)], lambda: NOW_MS / 1000)
        routes = sign_in_routes(self.codes, verifier, RequestCounter(lambda: self.now))
        write = WriteSide(FakeEventLog(), SECRETS, lambda: NOW_MS)
        self.app = compose(verifier, write, codes=self.codes, allowed_origins=origins)
        self.counted = build_service(routes, {}, verifier, _ready)
        self.client = in_process(self.app)

    async def use(self, code: str, **headers: str) -> httpx.Response:
        return await self.client.post(PATH, json={"code": code}, headers=headers)


async def _ready() -> dict[str, bool]:
    return {}


@pytest.fixture
async def login() -> AsyncIterator[Login]:
    """Return a service with the routes of sign-in links."""
    made = Login()
    async with made.client:
        yield made


async def test_a_code_gives_its_tokens_once(login: Login) -> None:
    """Neither reply may be stored. The second says what to do."""
    code = login.codes.add(TOKENS)

    first, second = await login.use(code), await login.use(code)

    assert (first.status_code, first.json()) == (
        200,
        {"data": {"token": TOKENS.token, "operator": TOKENS.operator}, "meta": {}},
    )
    error = check_error(second, 401, "unusable_code")["error"]
    assert "`crewkit-sessions open`" in error
    assert "`crewkit-sessions token`" in error
    assert [reply.headers["cache-control"] for reply in (first, second)] == ["no-store"] * 2


async def test_of_two_concurrent_requests_one_gets_the_tokens(login: Login) -> None:
    """The others get the same answer as for an unknown code."""
    code = login.codes.add(TOKENS)

    replies = await asyncio.gather(*(login.use(code) for _ in range(8)))

    assert sorted(reply.status_code for reply in replies) == [200, *[401] * 7]


async def test_tokens_are_exchanged_for_a_code(login: Login) -> None:
    """The code gives the same tokens."""
    ours = {"token": token(org="acme"), "operator": None}
    made = await login.client.post(NEW, json=ours)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")

    found = await login.use(made.json()["data"]["code"])

    assert found.json()["data"] == ours


@pytest.mark.parametrize("wrong", [{"token": "x"}, {"token": ""}, {"operator": "x"}])
async def test_only_valid_tokens_get_a_code(login: Login, wrong: dict[str, str]) -> None:
    """Both are checked, so no one without a token fills the memory with codes."""
    made = await login.client.post(NEW, json={"token": token(org="acme"), **wrong})

    check_error(made, 422 if "" in wrong.values() else 401)


async def test_requests_are_limited(login: Login) -> None:
    """Beyond the limit even a known code waits for the next hour."""
    async with in_process(login.counted) as client:
        code = login.codes.add(TOKENS)
        for _ in range(REQUESTS_PER_HOUR):
            assert (await client.post(PATH, json={"code": "unknown"})).status_code == 401

        refused = await client.post(PATH, json={"code": code})
        also = await client.post(NEW, json={"token": token(org="acme")})
        login.now += HOUR_S
        later = await client.post(PATH, json={"code": code})

    for reply in (refused, also):
        check_error(reply, 429, "rate_limited")
        assert 0 < int(reply.headers["retry-after"]) <= HOUR_S
    assert later.status_code == 200


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"code": 1}', "application/json", 422),
        (b'{"code": ""}', "application/json", 422),
        (b'{"code": "x", "more": 1}', "application/json", 422),
        (b'{"code": "x"}', "text/plain", 415),
        (b'{"code": "x"}', "application/x-www-form-urlencoded", 415),
        (b" " * (BODY_BYTES_MAX + 1), "application/json", 413),
    ],
)
async def test_other_bodies_are_refused(login: Login, body: bytes, media: str, status: int) -> None:
    """The media types that a page of another origin may send without asking are among them."""
    check_error(await login.client.post(PATH, content=body, headers={"Content-Type": media}), status)


async def test_a_compressed_body_is_refused(login: Login) -> None:
    """Its size after inflating would need a limit of its own."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    check_error(await login.client.post(PATH, content=b"x", headers=headers), 415, "unsupported_encoding")


async def test_a_code_in_the_query_is_refused(login: Login) -> None:
    """It would be in the log of a proxy."""
    code = login.codes.add(TOKENS)

    check_error(await login.client.post(PATH, params={"code": code}, json={"code": code}), 422)
    assert login.codes.use(code) == TOKENS


@pytest.mark.parametrize(("origin", "allowed"), [("https://app.example.com", True), ("https://evil.example", False)])
async def test_a_page_of_another_origin_asks_first(origin: str, allowed: bool) -> None:
    """As for every route: its preflight succeeds, and it reads the reply, only if the origin is allowed."""
    login = Login(("https://app.example.com",))
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    async with login.client:
        preflight = await login.client.options(PATH, headers=headers)
        reply = await login.use(login.codes.add(TOKENS), Origin=origin)

    assert preflight.is_success == allowed
    assert ("access-control-allow-origin" in reply.headers) == allowed


async def test_no_log_line_contains_a_code_or_a_token(login: Login) -> None:
    """This holds for used, unknown and malformed ones."""
    code, secret = login.codes.add(TOKENS), token(org="acme")
    with structlog.testing.capture_logs() as lines:
        noted: list[str] = []
        login.app.access_log._write = noted.append
        for body in ({"code": code}, {"code": code}, {code: "x"}, {"code": [code]}):
            await login.client.post(PATH, json=body)
        await login.client.post(NEW, json={"token": secret, "operator": f"{secret}x"})
        login.app.access_log.flush()

    assert len("\n".join(noted).splitlines()) == 5
    text = json.dumps(lines, default=str) + "\n".join(noted)
    assert not [one for one in (code, secret, TOKENS.token, TOKENS.operator) if one and one in text]


def test_both_routes_are_documented(login: Login) -> None:
    """They need no credential, and list every status of these tests."""
    paths = build_document(login.app)["paths"]
    found = {path: paths[path]["post"] for path in paths if path.startswith("/login/")}

    assert {path: call["security"] for path, call in found.items()} == {PATH: [], NEW: []}
    errors = {"400", "401", "408", "413", "415", "422", "429", "503"}
    assert {path: set(call["responses"]) - errors for path, call in found.items()} == {PATH: {"200"}, NEW: {"201"}}
    assert all(errors <= set(call["responses"]) for call in found.values())


def test_only_up_has_the_routes(installation: Installation) -> None:
    """Each process that serves a stack, and every service without codes, has no such address."""
    anonymous = httpx.post(f"{installation.url}{PATH}", json={"code": "unknown"}, trust_env=False)

    if installation.kind == "up":
        check_error(anonymous, 401, "unusable_code")
    else:
        check_error(anonymous, 404, "not_found")
