"""An org of an installation with every documented route, and checks that apply to all responses."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx

from schemas.permissions import OPERATOR_ORG
from tests.support.rigs.installation import Installation
from tests.support.waiting import eventually

MIB = 1_048_576
FRESH = timedelta(seconds=15)  # takes about a second on an idle machine
JSON = "application/json; charset=utf-8"
EVENT = {"event_type": "Stop", "timestamp": "2026-01-20T10:30:00Z", "data": {}}
UNKNOWN = "9b2f0000-0000-4000-8000-000000000000"
QUERIES = {"SearchSessions": {"q": "word"}}  # required parameters
# A new, healthy org has no dead letters, requests, proofs or erasures, so these routes are only tested for errors.
OF_NOTHING_YET = {"GetDeadLetter", "GetJob", "GetRequest", "GetProof", "GetErasure", "GetErasureCertificate"}


class Route(NamedTuple):
    """One operation of the document."""

    name: str
    method: str
    path: str  # with {org_id}, {session_id} …
    is_public: bool


class Here:
    """An org with one session with one event, and clients for its admin, for an operator and without a token."""

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
        """Wait until the record at a position is visible."""
        assert self.get("/sessions", headers={"X-Wait-For-Position": position}).status_code == 200

    def get(self, path: str, **request: Any) -> httpx.Response:
        return self.client.get(self.at(path), **request)

    def ask(self, route: Route, client: httpx.Client | None = None, **request: Any) -> httpx.Response:
        """Call a route for this org's session. Writes send a body that every route refuses."""
        names = {"org_id": self.org, "session_id": self.session, "position": self.position}
        path = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: names.get(found[1], UNKNOWN), route.path)
        params = {**QUERIES.get(route.name, {}), **request.pop("params", {})}
        body: dict[str, Any] = {} if route.method == "GET" else {"json": {"no such field": 1}}
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
        """Return the guarded reads that return something."""
        return [route for route in self.guarded() if route.method == "GET" and route.name not in OF_NOTHING_YET]

    def close(self) -> None:
        for client in (self.client, self.operator, self.anonymous):
            client.close()


def check_error(reply: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """Check the error's shape: a sentence, a code in snake case, details by field, and the request id."""
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


def check_common(reply: httpx.Response, caching: str = "private, no-cache") -> None:
    """Check the headers of every response."""
    assert reply.headers["cache-control"] == caching
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", reply.headers["x-request-id"])
    assert reply.headers["x-content-type-options"] == "nosniff"


def check_limits(reply: httpx.Response, limit: str) -> None:
    """Check the rate limit headers."""
    assert reply.headers["x-ratelimit-limit"] == limit
    assert 0 <= int(reply.headers["x-ratelimit-remaining"]) < int(limit)
    assert 0 <= int(reply.headers["x-ratelimit-reset"]) - time.time() <= 3601
    assert re.fullmatch(rf'"(reads|writes)";q={limit};w=3600', reply.headers["ratelimit-policy"])
    assert re.fullmatch(r'"(reads|writes)";r=\d+;t=\d+', reply.headers["ratelimit"])


def assert_fresh(reply: httpx.Response) -> None:
    """Check that the response is fresh: a recent time in UTC with milliseconds."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", reply.headers["x-complete-through"])
    age = age_of(reply)
    assert -timedelta(seconds=1) < age < FRESH, f"{reply.request.url} is {age} old"


def age_of(reply: httpx.Response) -> timedelta:
    """Return the age of the data in the response."""
    return datetime.now(UTC) - datetime.fromisoformat(reply.headers["x-complete-through"])
