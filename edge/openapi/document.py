"""The whole document, from the routes of a service."""

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from edge.guards import required_action
from edge.openapi.about import ABOUT
from edge.openapi.dialect import Schema
from edge.openapi.examples import Examples
from edge.openapi.parameters import (
    COMMON_HEADERS,
    RATE_LIMIT,
    READ_HEADERS,
    WRITE_HEADERS,
    header_parameters,
    path_parameters,
    query_parameters,
    response_headers,
)
from edge.openapi.responses import (
    JSON,
    TEXT,
    data_type,
    envelope,
    error_components,
    error_refs,
    header_refs,
    meta_schema,
    response_type_of,
    success,
)
from edge.openapi.sections import PAGE_SECTIONS, section_of
from edge.openapi.type_schemas import TypeSchemas
from edge.route_docs import body_type, requires_body, response_example
from schemas.http.examples import BODIES
from schemas.http.responses import ErrorBody
from schemas.permissions import ALLOWED, ROLES, ROUTES, Visibility

_NEVER_AWAY = frozenset({"/livez", "/metrics"})
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_TO_MEMBERS: Mapping[Visibility, str] = {
    "all": "",
    "session": "To members and viewers only their own sessions are known (404).",
    "sessions": "Members and viewers see only their own sessions.",
    "no_names": "Members and viewers see the whole org's numbers, but no names of people besides their own.",
}


class Operation(NamedTuple):
    """One method of one address, and the handler that answers it."""

    method: str
    path: str
    handler: HTTPRouteHandler
    path_names: dict[str, Any]
    model: Any

    @property
    def response_type(self) -> Any:
        return response_type_of(self.handler.parsed_fn_signature.return_type.annotation)

    @property
    def is_public(self) -> bool:
        return required_action(self.handler) is None

    @property
    def writes(self) -> bool:
        return self.method != "GET"


def operations_of(app: Litestar) -> list[Operation]:
    """Every documented call, by path and method."""
    return sorted(_calls(app), key=lambda call: (call.path, call.method))


def _calls(app: Litestar) -> Iterator[Operation]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, model) in route.route_handler_map.items():
                if handler.include_in_schema is not False:
                    yield Operation(str(method), route.path_format, handler, route.path_parameters, model)


def document_of(app: Litestar, title: str, version: str) -> Schema:
    """The OpenAPI document of a service."""
    calls = operations_of(app)
    bodies = [kind for call in calls if (kind := body_type(call.handler)) is not None]
    replies = [data_type(call.response_type) or call.response_type for call in calls if call.response_type is not bytes]
    shapes = TypeSchemas(bodies, [*replies, ErrorBody])
    paths: dict[str, Schema] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, shapes)
    used = {section_of(call.path, call.method) for call in calls}
    return {
        "openapi": "3.0.3",
        "info": {"title": title, "version": version, "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": it.name, "description": it.about} for it in PAGE_SECTIONS if it in used],
        "paths": paths,
        "components": {
            "schemas": shapes.components,
            "parameters": header_parameters(),
            "headers": response_headers(),
            "responses": error_components(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(call: Operation, shapes: TypeSchemas) -> Schema:
    query = list(query_parameters(call.handler, call.model))
    operation: Schema = {
        "operationId": call.handler.operation_id,
        "summary": _WORDS.sub(" ", str(call.handler.operation_id)),
        "description": _description(call),
        "tags": [section_of(call.path, call.method).name],
        "security": [] if call.is_public else [{"bearer": []}],
        "parameters": [*path_parameters(call.path_names), *query, *_headers(call)],
        "responses": _responses(call, shapes, [parameter["name"] for parameter in query]),
    }
    if (kind := body_type(call.handler)) is not None:
        content = {"schema": shapes.of(kind), "example": BODIES[kind]}
        operation["requestBody"] = {"required": requires_body(call.handler), "content": {JSON: content}}
    return operation


def _description(call: Operation) -> str:
    action = required_action(call.handler)
    doc = inspect.getdoc(call.handler.fn) or ""
    if action is None:
        return doc
    permission = ROUTES.get(str(call.handler.operation_id))
    roles = ", ".join(role for role in ROLES if action in ALLOWED[role])
    return " ".join(filter(None, (f"{doc}\n\nRoles: {roles}.", _TO_MEMBERS[permission.sees] if permission else "")))


def _headers(call: Operation) -> list[Schema]:
    names = [*COMMON_HEADERS]
    if call.writes:
        names += WRITE_HEADERS
    elif not call.is_public:
        names += READ_HEADERS
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _responses(call: Operation, shapes: TypeSchemas, query: list[str]) -> Schema:
    headers = [*COMMON_HEADERS, *(() if call.is_public else RATE_LIMIT)]
    headers += ["X-Log-Position"] if call.writes else () if call.is_public else ["ETag", "X-Complete-Through"]
    schema, status = _answer(call, shapes, query), call.handler.status_code
    example = response_example(call.handler) or Examples(shapes.components).of(schema)
    replies = {str(status): success(status, schema, example, headers, TEXT if call.response_type is bytes else JSON)}
    if not call.is_public and not call.writes:
        replies["304"] = {"description": "What `If-None-Match` named still holds.", "headers": header_refs(headers)}
    errors = error_refs(
        public=call.is_public, takes_body=body_type(call.handler) is not None, may_be_away=call.path not in _NEVER_AWAY
    )
    return replies | {str(status): {"$ref": f"#/components/responses/{name}"} for status, name in sorted(errors)}


def _answer(call: Operation, shapes: TypeSchemas, query: list[str]) -> Schema:
    data = data_type(call.response_type)
    if call.response_type is bytes:
        return {"type": "string"}
    if data is None:
        return shapes.of(call.response_type)
    counts = "/analytics/" in call.path or "recount" in call.path
    return envelope(shapes.of(data), meta_schema(writes=call.writes, query=query, counts=counts))
