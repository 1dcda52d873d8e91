"""The OpenAPI document describes exactly what is implemented, and its page loads nothing from other hosts."""

import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from edge.cors import set_allow_header
from edge.openapi.about import SECTIONS
from edge.openapi.document import operations_of
from runtime.services.http_services import service
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.settings import Settings
from tests.support.clients.in_process import in_process
from tests.support.fakes.log import FakeEventLog
from tests.support.oracles.openapi import Schema, faults, operations, resolved

PAGES = {  # for people: pages of the reference and of the dashboard, and their files
    *("/schema", "/schema/openapi.json", "/schema/assets/{name}"),
    *("/", "/sessions", "/sessions/{session_id}", "/team", "/trust", "/static/{digest}/{name}"),
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Litestar:
    """Return the app with both route sets. No test sends a request that reaches the log or the store."""
    reader: Any = object()
    settings = Settings(data=str(tmp_path_factory.mktemp("openapi")))
    make_embedded_secrets(settings.secrets_folder)
    return service(settings, FakeEventLog(), reader)


@pytest.fixture
async def client(app: Litestar) -> httpx.AsyncClient:
    """Return a client without a credential."""
    return in_process(app)


@pytest.fixture
async def document(client: httpx.AsyncClient) -> Schema:
    found: Schema = (await client.get("/schema/openapi.json")).json()
    return found


def test_documented_and_implemented_routes_are_the_same(app: Litestar) -> None:
    """The expected routes come from the router, not from the generator."""
    implemented = {
        (route.path_format, str(method))
        for route in app.routes
        if isinstance(route, HTTPRoute) and route.path_format not in PAGES
        for method in route.route_handler_map
        if method != "OPTIONS"
    }

    assert implemented == {(call.path, call.method) for call in operations_of(app)}


async def test_the_published_document_has_every_call(app: Litestar, document: Schema) -> None:
    """Each operation has a unique name, a section, a description and its roles."""
    found = [(path, method.upper()) for path, method, _ in operations(document)]
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert found == [(call.path, call.method) for call in operations_of(app)]
    assert len(set(names)) == len(names)
    for path, method, operation in operations(document):
        assert operation["description"], f"{method} {path}"
        assert operation["tags"][0] in SECTIONS
        assert operation["security"] == [] or "Roles: " in operation["description"]


async def test_every_parameter_and_every_field_says_what_it_means(document: Schema) -> None:
    """`doc` in `schemas/http/fields.py` says it, at the field."""
    unexplained = [
        f"{method} {path}: {parameter['name']}"
        for path, method, operation in operations(document)
        for parameter in (resolved(document, given) for given in operation["parameters"])
        if not parameter.get("description")
    ]
    unexplained += [
        f"{name}.{field}"
        for name, component in document["components"]["schemas"].items()
        for field, schema in component.get("properties", {}).items()
        if not schema.get("description")
    ]

    assert unexplained == []


async def test_every_reply_has_an_example_that_fits_its_schema(document: Schema) -> None:
    """This holds for success and errors, since clients are written from the examples."""
    wrong = [
        f"{method} {path} {status}: {fault}"
        for path, method, operation in operations(document)
        for status, reply in operation["responses"].items()
        for content in resolved(document, reply).get("content", {}).values()
        for fault in faults(document, content["schema"], content["example"])
    ]

    assert wrong == []


async def test_every_body_has_an_example_that_fits_its_schema_and_its_decoder(app: Litestar, document: Schema) -> None:
    """The documented type is the type that the code decodes."""
    for call in operations_of(app):
        assert (call.body is None) == (call.method not in ("POST", "PATCH")), call.path
        if call.body is not None:
            content = document["paths"][call.path][call.method.lower()]["requestBody"]["content"]["application/json"]
            assert faults(document, content["schema"], content["example"]) == []
            assert msgspec.json.decode(json.dumps(content["example"]), type=call.body.kind) is not None


async def test_the_former_addresses_of_jobs_are_deprecated(document: Schema) -> None:
    """They answer like the new ones, which docs/api.md shows."""
    marked = {
        path for path, methods in document["paths"].items() if any(call.get("deprecated") for call in methods.values())
    }

    assert marked == {"/api/v1/operator/requests", "/api/v1/operator/requests/{work_id}"}


async def test_every_operation_lists_the_common_errors(document: Schema) -> None:
    """Authentication, permissions and rate limits add errors to guarded routes, bodies to routes with a body."""
    for path, method, operation in operations(document):
        statuses = set(operation["responses"])
        assert "422" in statuses
        if operation["security"]:
            assert {"401", "403", "404", "429", "503"} <= statuses, f"{method} {path}"
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= statuses, f"{method} {path}"


async def test_the_document_refers_to_nothing_that_is_not_there(document: Schema) -> None:
    """Every component is also referenced."""
    references = set(_references(document))
    components = {
        f"#/components/{kind}/{name}"
        for kind, found in document["components"].items()
        if kind != "securitySchemes"
        for name in found
    }

    assert references == components


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_options_names_every_method_of_an_address(app: Litestar) -> None:
    """This includes methods from different route sets."""
    scope: Any = {"path_template": "/api/v1/{org_id}/sessions"}

    assert set_allow_header(app, scope, [(b"allow", b"GET")]) == [(b"allow", b"GET, OPTIONS, POST")]


async def test_the_page_loads_nothing_from_other_hosts(client: httpx.AsyncClient) -> None:
    """It works offline: the service has all files, the policy forbids other hosts, and no script is inline."""
    page = await client.get("/schema")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert all(url.startswith("/schema/") for url in loaded)
    assert len(loaded) >= 4
    assert re.findall(r"<script(?![^>]* src=)", page.text) == []
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert "//" not in page.headers["content-security-policy"]
    for url in loaded:
        reply = await client.get(url)
        assert reply.status_code == 200, url
        assert len(reply.content) > 100


async def test_the_script_that_starts_the_page_names_no_other_host(client: httpx.AsyncClient) -> None:
    """The validator that Swagger UI calls by default is also off."""
    script = (await client.get("/schema/assets/start.js")).text

    assert "//" not in script
    assert "validatorUrl: null" in script


@pytest.mark.parametrize("name", ["swagger-ui.js", "..%2f__init__.py", "%2e%2e%2f__init__.py", "index.html"])
async def test_no_other_file_is_served(client: httpx.AsyncClient, name: str) -> None:
    """Only the files of the page are served."""
    assert (await client.get(f"/schema/assets/{name}")).status_code == 404


async def test_the_packaged_swagger_ui_reads_the_dialect_that_we_write(document: Schema) -> None:
    """OpenAPI 3.1, whose schemas are JSON Schema 2020-12, needs Swagger UI 5."""
    assert document["openapi"].startswith("3.1.")
    assert version("flask-swagger-ui").startswith("5.")
    for name, component in document["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid({"$schema": DIALECT, **component}), name
