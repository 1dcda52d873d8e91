"""API section "Conventions of every reply", row by row, over real HTTP, on `up` and `stack`.

Rules for every route are tested on every route of the document at ``/schema/openapi.json``.
"""

import gzip
import http.client
import json
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import cramjam
import httpx
import pytest

from schemas.permissions import OPERATOR_ORG
from tests.support.rigs.installation import Installation
from tests.support.waiting import eventually

MIB = 1_048_576
FRESH = timedelta(seconds=15)  # takes about a second on an idle machine
JSON = "application/json; charset=utf-8"
EVENT = {"event_type": "Stop", "timestamp": "2026-01-20T10:30:00Z", "data": {}}
UNKNOWN = "9b2f0000-0000-4000-8000-000000000000"
QUERIES = {"SearchSessions": {"q": "word"}}  # required parameters
ABOUT_FAULTS = {"GetDeadLetter"}  # a healthy installation has no dead letters, so only errors are tested


class Route(NamedTuple):
    """One operation of the document."""

    name: str
    method: str
    path: str  # with {org_id}, {session_id} …
    is_public: bool


class Here:
    """An org with one session that has one event, with clients of its admin, of an operator and without a token."""

    def __init__(self, installation: Installation, org: str) -> None:
        self.installation, self.org = installation, org
        self.client = installation.client(org=org)
        self.operator = installation.client("operator", OPERATOR_ORG)
        self.anonymous = httpx.Client(base_url=installation.url, trust_env=False, timeout=15)
        created = self.client.post(self.at("/sessions"), json={"agent_name": "reviewer"})
        self.session = created.json()["data"]["id"]
        recorded = self.client.post(self.events, json={"events": [EVENT]})
        self.position = recorded.headers["X-Log-Position"]
        self.see(self.position)
        # A stack that has just started reports no freshness before it has read each partition.
        eventually(lambda: age_of(self.get("/sessions")) < FRESH, within_s=60)

    @property
    def events(self) -> str:
        return self.at(f"/observability/sessions/{self.session}/events")

    def at(self, path: str) -> str:
        return f"/api/v1/{self.org}{path}"

    def see(self, position: str) -> None:
        """Wait until a position can be read."""
        assert self.get("/sessions", headers={"X-Wait-For-Position": position}).status_code == 200

    def get(self, path: str, **request: Any) -> httpx.Response:
        return self.client.get(self.at(path), **request)

    def ask(self, route: Route, client: httpx.Client | None = None, **request: Any) -> httpx.Response:
        """Call a route for this org's session. Writes get a body that every route refuses."""
        names = {"org_id": self.org, "session_id": self.session, "position": self.position}
        path = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: names.get(found[1], UNKNOWN), route.path)
        params = {**QUERIES.get(route.name, {}), **request.pop("params", {})}
        body = {} if route.method == "GET" else {"json": {"no such field": 1}}
        by = client or (self.operator if "/operator/" in route.path else self.client)
        return by.request(route.method, path, params=params, **body, **request)

    def routes(self) -> list[Route]:
        """Return all documented routes."""
        document = self.anonymous.get("/schema/openapi.json").json()
        return [
            Route(operation["operationId"], method.upper(), path, operation.get("security") in ([], [{}]))
            for path, item in document["paths"].items()
            for method, operation in item.items()
            if method in {"get", "post", "patch", "put", "delete"}
        ]

    def guarded(self) -> list[Route]:
        """Return the routes that need a credential."""
        return [route for route in self.routes() if not route.is_public]

    def reads(self) -> list[Route]:
        """Return the guarded reads that find something."""
        return [route for route in self.guarded() if route.method == "GET" and route.name not in ABOUT_FAULTS]

    def close(self) -> None:
        for client in (self.client, self.operator, self.anonymous):
            client.close()


@pytest.fixture(scope="module")
def here(installation: Installation) -> Iterator[Here]:
    """Return an org shared by all tests that accept other content in it."""
    made = Here(installation, "org-conventions")
    yield made
    made.close()


@pytest.fixture
def alone(installation: Installation, fresh_org: str) -> Iterator[Here]:
    """Return an org of one test, which counts its sessions."""
    made = Here(installation, fresh_org)
    yield made
    made.close()


def check_error(reply: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """Check the error shape: a sentence, a code in snake case, details by field, and the request's id."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == JSON
    error: dict[str, Any] = reply.json()
    assert list(error) == ["error", "code", "details", "request_id"]
    assert re.fullmatch(r"[A-Z].*\.", error["error"])
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error["code"])
    assert isinstance(error["details"], dict)
    assert error["request_id"] == reply.headers["x-request-id"]
    assert code in (None, error["code"])
    assert "Traceback" not in reply.text
    return error


def check_common(reply: httpx.Response) -> None:
    """Check the headers of every response."""
    assert reply.headers["cache-control"] == "private, no-cache"
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", reply.headers["x-request-id"])
    assert reply.headers["x-content-type-options"] == "nosniff"


def check_limits(reply: httpx.Response, limit: str) -> None:
    """Check the rate limit headers."""
    assert reply.headers["x-ratelimit-limit"] == limit
    assert 0 <= int(reply.headers["x-ratelimit-remaining"]) < int(limit)
    assert 1 <= int(reply.headers["x-ratelimit-reset"]) <= 3600


def test_every_route_refuses_in_one_shape(here: Here) -> None:
    """No credential is 401, another org 404, an unknown parameter 422, an unsupported method 405."""
    stranger = here.installation.client(org=f"{here.org}-other")
    not_found = []
    for route in here.guarded():
        without = here.ask(route, here.anonymous)
        foreign = here.ask(route, stranger)
        misspelt = here.ask(route, params={"no_such_parameter": "1"})
        unknown = here.ask(route._replace(method="DELETE"))

        check_error(without, 401, "unauthenticated")
        assert without.headers["www-authenticate"] == "Bearer"
        not_found.append({**check_error(foreign, 404, "not_found"), "request_id": None})
        assert check_error(misspelt, 422, "invalid")["details"] == {"no_such_parameter": ["is not a known parameter"]}
        check_error(unknown, 405, "method_not_allowed")
        assert route.method in unknown.headers["allow"].split(", ")
        for reply in (without, foreign, misspelt, unknown):
            check_common(reply)
        for reply in (foreign, misspelt):
            check_limits(reply, "60000" if route.method == "GET" else "600000")
        assert "x-ratelimit-limit" not in without.headers
    assert all(body == not_found[0] for body in not_found)


def test_every_read_has_one_shape(here: Here) -> None:
    """Reads return `data` and `meta` in JSON, with rate limits, a weak tag and their freshness in headers."""
    for route in here.reads():
        reply = here.ask(route)

        assert (reply.status_code, route.name) == (200, route.name), reply.text
        assert list(reply.json()) == ["data", "meta"]
        assert reply.headers["content-type"] == JSON
        check_common(reply)
        check_limits(reply, "60000")
        assert re.fullmatch(r'W/"[!#-~]+"', reply.headers["etag"])
        assert_fresh(reply)
        if "/analytics/" in route.path:
            assert reply.json()["meta"]["complete_through"] == reply.headers["x-complete-through"]
            assert reply.json()["meta"]["lag_records"] >= 0


def assert_fresh(reply: httpx.Response) -> None:
    """Check that the response is fresh: a recent time in UTC with milliseconds."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", reply.headers["x-complete-through"])
    assert -timedelta(seconds=1) < age_of(reply) < FRESH


def age_of(reply: httpx.Response) -> timedelta:
    """Return the age of the data in the response."""
    return datetime.now(UTC) - datetime.fromisoformat(reply.headers["x-complete-through"])


def test_a_current_tag_returns_304(here: Here) -> None:
    """Every read returns 304 without a body, with the tag and a fresh time."""
    for route in here.reads():
        if "/operator/" in route.path:
            continue  # these cover the whole installation, which other tests change
        tag = here.ask(route).headers["etag"]
        reply = here.ask(route, headers={"If-None-Match": tag})

        assert (reply.status_code, reply.content, route.name) == (304, b"", route.name)
        assert reply.headers["etag"] == tag
        check_common(reply)
        check_limits(reply, "60000")
        assert_fresh(reply)


def test_a_tag_may_have_every_form(here: Here) -> None:
    """A tag may be one of several, strong, or ``*``. Other or malformed tags return 200."""
    path = f"/sessions/{here.session}"
    tag = here.get(path).headers["etag"]
    for known, status in (
        (tag.removeprefix("W/"), 304),
        (f'"other", {tag}', 304),
        ("*", 304),
        ('"other"', 200),
        ("garbage,,", 200),
        ("", 200),
    ):
        assert here.get(path, headers={"If-None-Match": known}).status_code == status


def test_a_tag_changes_with_the_data(here: Here) -> None:
    """A caller with the old tag gets the new data."""
    path = f"/sessions/{here.session}"
    tag = here.get(path).headers["etag"]
    changed = here.client.patch(here.at(path), json={"title": "new"})

    reply = here.get(path, headers={"If-None-Match": tag, "X-Wait-For-Position": changed.headers["X-Log-Position"]})

    assert (reply.status_code, reply.json()["data"]["title"]) == (200, "new")
    assert reply.headers["etag"] != tag


def test_pages(alone: Here) -> None:
    """Pages start at 1 and have 25 items by default, 100 at most. A page past the end is empty, with correct totals."""
    for _ in range(2):
        alone.see(alone.client.post(alone.at("/sessions"), json={}).headers["X-Log-Position"])

    def page(**params: Any) -> tuple[int, dict[str, int]]:
        reply = alone.get("/sessions", params=params).json()
        return len(reply["data"]), reply["meta"]

    def meta(page: int, size: int, pages: int) -> dict[str, int]:
        return {"current_page": page, "per_page": size, "total_pages": pages, "total_count": 3}

    assert page() == (3, meta(1, 25, 1))
    assert page(per_page=2) == (2, meta(1, 2, 2))
    assert page(per_page=2, page=2) == (1, meta(2, 2, 2))
    assert page(per_page=2, page=3) == (0, meta(3, 2, 2))
    assert page(per_page=100, page=10**15) == (0, meta(10**15, 100, 1))
    assert alone.get("/sessions", params={"agent_name": "unused"}).json()["meta"]["total_pages"] == 0
    for wrong in ({"page": 0}, {"page": -1}, {"per_page": 0}, {"per_page": 101}, {"page": "x"}, {"page": ""}):
        assert list(check_error(alone.get("/sessions", params=wrong), 422, "invalid")["details"]) == list(wrong)


@pytest.mark.parametrize("given", ["r-1", "x", "A.b_c-9" * 9, "0" * 64])
def test_a_valid_request_id_is_returned(here: Here, given: str) -> None:
    """This holds for success, errors and public routes."""
    headers = {"X-Request-Id": given}
    for reply in (
        here.get("/sessions", headers=headers),
        here.get("/nowhere", headers=headers),
        here.anonymous.get("/livez", headers=headers),
        here.client.post(here.at("/sessions"), json={"nope": 1}, headers=headers),
    ):
        assert reply.headers["x-request-id"] == given
        assert reply.is_success or reply.json()["request_id"] == given


@pytest.mark.parametrize("given", [b"", b"x" * 65, b"a b", b"a/b", b"\xff", b"<script>", None])
def test_any_other_request_id_is_replaced(here: Here, given: bytes | None) -> None:
    """The service creates a new id each time."""
    headers = {} if given is None else {"X-Request-Id": given}
    minted = {here.anonymous.get("/livez", headers=headers).headers["x-request-id"] for _ in range(3)}

    assert len(minted) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", one) and one.encode() != given for one in minted)


def test_every_write_returns_its_log_position(here: Here) -> None:
    """The position is in a header and in `meta`. A read that waits for it includes the write."""
    session = here.at(f"/sessions/{here.session}")
    for method, path, body, status in (
        ("POST", here.at("/sessions"), {}, 201),
        ("POST", here.events, {"events": [EVENT]}, 202),
        ("PATCH", session, {"title": "t"}, 200),
        ("POST", f"{session}/end", {"outcome": "success"}, 200),
    ):
        reply = here.client.request(method, path, json=body)

        assert reply.status_code == status, reply.text
        assert list(reply.json()) == ["data", "meta"]
        assert re.fullmatch(r"\d+:\d+", reply.headers["x-log-position"])
        assert reply.json()["meta"]["position"] == reply.headers["x-log-position"]
        assert reply.headers["content-type"] == JSON
        check_common(reply)
        check_limits(reply, "600000")
        here.see(reply.headers["x-log-position"])
    assert here.get(f"/sessions/{here.session}").json()["data"]["outcome"] == "success"


def test_a_read_waits_for_several_positions_for_a_bounded_time(alone: Here) -> None:
    """Positions may be in one header or several. If one is not projected within 10 s, the response is 503."""
    written = [alone.client.post(alone.at("/sessions"), json={}).headers["X-Log-Position"] for _ in range(3)]
    together = alone.get("/sessions", headers={"X-Wait-For-Position": ", ".join(written)})
    apart = alone.client.get(alone.at("/sessions"), headers=[("X-Wait-For-Position", position) for position in written])
    partition = written[0].partition(":")[0]

    never = alone.get("/sessions", headers={"X-Wait-For-Position": f"{partition}:{1 << 40}"})

    assert together.json()["meta"]["total_count"] == apart.json()["meta"]["total_count"] == 4
    check_error(never, 503, "not_yet_visible")
    assert never.headers["retry-after"] == "1"
    check_common(never)
    for wrong in ("x", "1", "1:", ":1", "-1:0", "0:-1", "0:1,", "0:1;0:2", "0:99999999999999999999"):
        refused = alone.get("/sessions", headers={"X-Wait-For-Position": wrong})
        assert list(check_error(refused, 422, "invalid")["details"]) == ["X-Wait-For-Position"]


def test_head_is_a_get_without_its_body(here: Here) -> None:
    """HEAD has the same status and headers, and supports tags."""
    for client, path in ((here.client, here.at("/sessions")), (here.anonymous, "/livez"), (here.anonymous, "/nowhere")):
        got, head = client.get(path), client.head(path)

        assert (head.status_code, head.content) == (got.status_code, b"")
        for name in ("content-type", "content-length", "cache-control", "etag"):
            assert head.headers.get(name) == got.headers.get(name)
    tag = here.get("/sessions").headers["etag"]
    assert here.client.head(here.at("/sessions"), headers={"If-None-Match": tag}).status_code == 304
    check_common(here.client.head(here.at("/sessions")))


def test_options_lists_the_methods(here: Here) -> None:
    """OPTIONS needs a credential. This installation allows no browser pages."""
    path = here.at("/sessions")
    known = here.client.options(path)
    preflight = here.anonymous.options(
        path, headers={"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
    )

    assert (known.status_code, known.content) == (204, b"")
    assert "GET" in known.headers["allow"].split(", ")
    check_error(preflight, 401)
    assert not [name for name in preflight.headers if name.startswith("access-control-")]


def test_one_connection_serves_many_requests_errors_included(here: Here) -> None:
    """Keep-alive survives refused requests, even with an unread body."""
    connection = http.client.HTTPConnection("127.0.0.1", here.installation.port, timeout=15)
    auth = here.client.headers["authorization"]
    asked = (
        ("GET", here.at("/sessions"), auth, None, 200),
        ("POST", here.at("/sessions"), "Bearer x", b"x" * 100_000, 401),
        ("GET", here.at("/sessions?nope=1"), auth, None, 422),
        ("POST", "/nowhere", auth, b"{}", 404),
        ("POST", here.at("/sessions"), auth, b"{}", 201),
        ("HEAD", here.at("/sessions"), auth, None, 200),
        ("GET", here.at("/sessions"), auth, None, 200),
    )
    connection.connect()
    first = connection.sock
    for method, path, token, body, status in asked:
        connection.request(method, path, body, {"Authorization": token, "Content-Type": "application/json"})
        reply = connection.getresponse()
        reply.read()

        assert reply.status == status
        assert connection.sock is first
    connection.close()


@pytest.mark.parametrize(
    "path",
    [
        *(
            "%ff%fe",
            "%00",
            "%zz%",
            "%",
            "%C3%A9",
            "a%2Fb",
            "..%2F..%2Fetc%2Fpasswd",
            "%2e%2e",
            "x" * 8_000,
            "{session_id}",
        ),
        *(UNKNOWN.upper(), f"{UNKNOWN}%0a", f"%20{UNKNOWN}", "0", "null", "%F0%9F%92%A9", "';--"),
    ],
)
def test_garbage_in_a_path_is_a_404(here: Here, path: str) -> None:
    """An id of the wrong shape is unknown, in reads and writes."""
    for method, at in (
        ("GET", f"/sessions/{path}"),
        ("PATCH", f"/sessions/{path}"),
        ("POST", f"/sessions/{path}/end"),
        ("POST", f"/observability/sessions/{path}/events"),
    ):
        check_error(sent(here, method, here.at(at)), 404, "not_found")


def sent(here: Here, method: str, target: str, **headers: str) -> httpx.Response:
    """Send a request with an unchanged target, which clients would normalise."""
    given = {"Authorization": here.client.headers["authorization"], "Content-Type": "application/json", **headers}
    url = httpx.URL(here.installation.url).copy_with(raw_path=target.encode())
    body = b"{}" if method in ("POST", "PATCH") else None
    return here.anonymous.request(method, url, headers=given, content=body)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("agent_name=%00", 200),
        ("agent_name=%F0%9F%92%A9", 200),
        ("agent_name=%ff", 400),
        ("agent_name=%ed%a0%80", 400),
        ("%ff=1", 400),
        ("%00=1", 422),
        ("page=%00", 422),
        ("page=1%00", 422),
        ("page=NaN", 422),
        ("page=99999999999999999999", 422),
        ("page=" + "9" * 5_000, 422),
        ("sort=%00", 422),
        ("status=Active", 422),
        ("run_id=x", 422),
        ("started_after=2026-13-45T00:00:00Z", 422),
        ("started_after=2026-01-01", 422),
        ("current_user_only=perhaps", 422),
        ("access_token=x", 422),
        ("&&&", 200),
        ("=", 422),
        ("page=1;per_page=2", 422),
        ("agent_name=" + "x" * 20_000, 200),
        ("&".join(f"a{number}=1" for number in range(1_000)), 422),
    ],
)
def test_garbage_in_a_query_is_no_500(here: Here, query: str, status: int) -> None:
    """A valid value without a match returns an empty list. Invalid values and bytes that are not text are refused."""
    reply = sent(here, "GET", here.at(f"/sessions?{query}"))

    if status == 200:
        assert (reply.status_code, reply.json()["meta"]["current_page"]) == (200, 1)
    else:
        check_error(reply, status, "bad_encoding" if status == 400 else "invalid")


def test_garbage_in_headers_is_no_500(here: Here) -> None:
    """Each header is sent with bytes that are not text, and one header with 60 kB."""
    auth = here.client.headers["authorization"].encode()
    path, events = here.at("/sessions"), here.events

    def send(method: str, at: str, name: str, value: bytes) -> httpx.Response:
        given = {"Authorization": auth, "Content-Type": b"application/json", name: value}
        return here.anonymous.request(method, at, headers=given, content=b"{}" if method == "POST" else None)

    for value in (b"\xff\xfe", b"\xc3", "é".encode(), b"\x80" * 300):
        check_error(send("GET", path, "Authorization", b"Bearer " + value), 401)
        check_error(send("GET", path, "X-Wait-For-Position", value), 422)
        check_error(send("POST", path, "Content-Type", value), 415)
        check_error(send("POST", events, "Content-Encoding", value), 415)
        assert send("GET", path, "If-None-Match", value).status_code == 200
        assert send("GET", path, "X-Request-Id", value).status_code == 200
        assert send("GET", path, "Accept", value).status_code == 200
    check_error(send("POST", path, "Idempotency-Key", b"\xff\xfe"), 422)
    assert send("GET", path, "X-Large", b"x" * 60_000).status_code == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /api/v1/x\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez?a=\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nx",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
def test_invalid_http_is_refused_by_the_server(here: Here, request_: bytes) -> None:
    """The server sends a 4xx without a body or closes the connection, before our code runs, and keeps serving."""
    with socket.create_connection(("127.0.0.1", here.installation.port), timeout=15) as connection:
        try:
            connection.sendall(request_)
            answer = connection.recv(65_536)
        except OSError:  # the server closed the connection while we were sending
            answer = b""

    assert answer == b"" or re.match(rb"HTTP/1\.1 4\d\d ", answer), answer
    assert here.anonymous.get("/livez").status_code == 200


class Sized(NamedTuple):
    """A body, its headers and encoding, and the expected status."""

    body: bytes
    headers: dict[str, str]
    chunked: bool
    status: int


def _batch(size: int) -> bytes:
    frame = json.dumps({"events": [EVENT]}).encode()
    return frame + b" " * (size - len(frame))


def _one_event(size: int) -> bytes:
    empty = json.dumps({**EVENT, "data": {"a": ""}})
    return b'{"events": [' + empty.replace('""', '"' + "x" * (size - len(empty)) + '"').encode() + b"]}"


def _events(count: int) -> bytes:
    return json.dumps({"events": [EVENT] * count}).encode()


def _zstd(body: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(body))


GZIP, ZSTD = {"Content-Encoding": "gzip"}, {"Content-Encoding": "zstd"}
SIZES = {
    "10 MiB": Sized(_batch(10 * MIB), {}, False, 202),
    "10 MiB and a byte": Sized(_batch(10 * MIB + 1), {}, False, 413),
    "10 MiB in chunks": Sized(_batch(10 * MIB), {}, True, 202),
    "10 MiB and a byte in chunks": Sized(_batch(10 * MIB + 1), {}, True, 413),
    "10 MiB in gzip": Sized(gzip.compress(_batch(10 * MIB)), GZIP, False, 202),
    "10 MiB and a byte in gzip": Sized(gzip.compress(_batch(10 * MIB + 1)), GZIP, False, 413),
    "10 MiB in zstd": Sized(_zstd(_batch(10 * MIB)), ZSTD, False, 202),
    "10 MiB and a byte in zstd": Sized(_zstd(_batch(10 * MIB + 1)), ZSTD, False, 413),
    "a gzip bomb": Sized(gzip.compress(b" " * (200 * MIB), 9), GZIP, False, 413),
    "a zstd bomb": Sized(_zstd(b" " * (200 * MIB)), ZSTD, True, 413),
    "an event of 1 MiB": Sized(_one_event(MIB), {}, False, 202),
    "an event of 1 MiB and a byte": Sized(_one_event(MIB + 1), {}, False, 413),
    "5,000 events": Sized(_events(5_000), {}, False, 202),
    "5,001 events": Sized(_events(5_001), {}, False, 422),
    "no events": Sized(_events(0), {}, False, 422),
    "25 MiB": Sized(b" " * (25 * MIB), {}, False, 413),
    "another encoding": Sized(_events(1), {"Content-Encoding": "br"}, False, 415),
    "no gzip": Sized(_events(1), GZIP, False, 400),
    "half a gzip": Sized(gzip.compress(_events(1))[:-9], GZIP, False, 400),
    "another type": Sized(_events(1), {"Content-Type": "text/json"}, False, 415),
    "no body": Sized(b"", {}, False, 400),
}


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.fault(row=17)
def test_bodies_at_their_limits(here: Here, name: str) -> None:
    """A body at the limit is accepted; one byte more is refused, in every encoding."""
    body, headers, chunked, status = SIZES[name]
    content = iter([body[at : at + 100_000] for at in range(0, len(body), 100_000)]) if chunked else body

    reply = here.client.post(here.events, content=content, headers={"Content-Type": "application/json", **headers})

    if status == 202:
        assert reply.status_code == 202, reply.text
        assert reply.json()["data"]["rejected"] == []
    else:
        check_error(reply, status)
        check_limits(reply, "600000")


def test_a_refusal_reaches_a_client_that_is_still_sending(here: Here) -> None:
    """The body is received before the response: closing a connection with unread bytes would lose the response."""
    for token, content_type, status in (
        ("Bearer x", "application/json", 401),
        (here.client.headers["authorization"], "text/plain", 415),
    ):
        head = (
            f"POST {here.at('/sessions')} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {token}\r\n"
            f"Content-Type: {content_type}\r\nContent-Length: {20 * MIB}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", here.installation.port), timeout=15) as connection:
            connection.sendall(head.encode() + b"x" * (20 * MIB))
            answer = connection.recv(65_536)

        assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_expect_100_continue_is_refused_before_the_body(here: Here) -> None:
    """With `Expect: 100-continue`, a refusal comes before the body."""
    head = (
        f"POST {here.at('/sessions')} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nExpect: 100-continue\r\n"
        f"Content-Type: application/json\r\nContent-Length: {5 * MIB}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", here.installation.port), timeout=15) as connection:
        connection.sendall(head.encode())

        assert connection.recv(65_536).startswith(b"HTTP/1.1 401 ")
