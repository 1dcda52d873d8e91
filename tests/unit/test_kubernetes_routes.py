"""The HTTPRoute of production sends each request of the API to the service that answers it.

Its kind is a CRD, the Gateway API, without a schema here. So its structure is compared with what that API allows.
"""

from pathlib import Path
from typing import Any

import yaml

from tests.support.clients.sides import INGEST, INSIDE, QUERY_API, requests_of_the_api
from tests.support.manifests import FOLDER

(ROUTE,) = yaml.safe_load_all((FOLDER / "overlays" / "production" / "http-route.yaml").read_text())


def chosen(method: str, path: str) -> str | None:
    """Return the service that a Gateway chooses: the most exact path wins, then a match with a method."""
    found = [
        (_rank(match), rule["backendRefs"][0]["name"])
        for rule in ROUTE["spec"]["rules"]
        for match in rule["matches"]
        if match.get("method", method) == method and _has(match["path"], path)
    ]
    return max(found)[1] if found else None


def _has(wanted: dict[str, str], path: str) -> bool:
    if wanted["type"] == "Exact":
        return path == wanted["value"]
    return path == wanted["value"] or path.startswith(wanted["value"] + "/")


def _rank(match: dict[str, Any]) -> tuple[bool, int, bool]:
    return match["path"]["type"] == "Exact", len(match["path"]["value"]), "method" in match


def test_the_route_has_the_shape_of_the_gateway_api() -> None:
    """Version 1: at most 16 rules, each with at most 64 matches; a prefix has no trailing slash."""
    assert (ROUTE["apiVersion"], ROUTE["kind"]) == ("gateway.networking.k8s.io/v1", "HTTPRoute")
    assert set(ROUTE["spec"]) == {"parentRefs", "hostnames", "rules"}
    assert len(ROUTE["spec"]["rules"]) <= 16
    for rule in ROUTE["spec"]["rules"]:
        assert set(rule) == {"name", "matches", "backendRefs"}
        assert len(rule["matches"]) <= 64
        assert all(set(backend) == {"name", "port"} and backend["port"] == 8080 for backend in rule["backendRefs"])
        for match in rule["matches"]:
            assert set(match) == {"method", "path"}
            assert match["path"]["type"] in ("Exact", "PathPrefix")
            assert match["path"]["type"] == "Exact" or not match["path"]["value"].endswith("/")


def test_each_request_of_the_api_reaches_its_service(tmp_path: Path) -> None:
    """The requests come from the routes of both services."""
    requests = requests_of_the_api(tmp_path)

    assert {request.side for request in requests} == {INGEST, QUERY_API}
    assert [request for request in requests if chosen(request.method, request.path) != request.side] == []


def test_the_dashboard_is_answered_by_the_side_that_has_it() -> None:
    """Browsers and monitors request pages and their files."""
    paths = ("/", "/sessions", "/sessions/x", "/team", "/trust", "/static/0123/app/main.js")

    assert {chosen(method, path) for method in ("GET", "HEAD") for path in paths} == {QUERY_API}


def test_the_reference_and_the_questions_of_web_pages_are_answered() -> None:
    """A browser sends OPTIONS before it writes."""
    assert chosen("GET", "/schema/openapi.json") == QUERY_API
    assert chosen("OPTIONS", "/api/v1/acme/sessions") in (INGEST, QUERY_API)


def test_nothing_else_is_reachable() -> None:
    """Neither health and metrics, nor an address outside the API and the dashboard."""
    hidden = (*INSIDE, "/api/v10", "/other", "/teams", "/team/x", "/sessionsx")

    assert {chosen(method, path) for method in ("GET", "POST") for path in hidden} == {None}
    assert chosen("POST", "/") is None
