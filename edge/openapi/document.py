"""Build the OpenAPI document of a service from its routes."""

import inspect
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, get_args, get_origin

from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from edge.guards import required_action
from edge.openapi.about import ABOUT, SECTIONS, section_of
from edge.openapi.headers import (
    COMMON_HEADERS,
    RATE_LIMIT_HEADERS,
    READ_HEADERS,
    WRITE_HEADERS,
    header_refs,
    response_headers,
)
from edge.openapi.parameters import header_parameters, path_parameters, query_parameters
from edge.openapi.responses import ERROR_RESPONSES, JSON, UNDECODABLE_RESPONSE, error_components, meta_schema
from edge.openapi.schemas import Schema, TypeSchemas
from edge.route_docs import BodyDoc
from schemas.http.responses import ErrorBody, Reply
from schemas.permissions import ALLOWED, ROLES, ROUTES, Visibility

_SUCCESS = {200: "Success.", 201: "Created.", 202: "Accepted for processing.", 204: "Done; no body."}
_WITHOUT_503 = frozenset({"/livez", "/metrics"})
_WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_MEMBER_NOTES: Mapping[Visibility, str] = {
    "all": "",
    "session": "Members and viewers get 404 for sessions of other users.",
    "sessions": "Members and viewers see only their own sessions.",
    "no_names": "Members and viewers see the numbers of the whole org, but no user names except their own.",
}


class Operation(NamedTuple):
    """One method of one path, and its handler."""

    method: str
    path: str
    handler: HTTPRouteHandler
    path_names: dict[str, Any]
    model: Any

    @property
    def response_type(self) -> Any:
        """The type inside ``Response``."""
        returned = self.handler.parsed_fn_signature.return_type.annotation
        return get_args(returned)[0] if get_origin(returned) is Response else returned

    @property
    def data_type(self) -> Any:
        """The type of ``data``; None for a response without the ``{data, meta}`` envelope."""
        return get_args(self.response_type)[0] if get_origin(self.response_type) is Reply else None

    @property
    def body(self) -> BodyDoc | None:
        found: BodyDoc | None = self.handler.opt.get("body")
        return found

    @property
    def is_public(self) -> bool:
        return required_action(self.handler) is None

    @property
    def writes(self) -> bool:
        """Whether it appends to the log."""
        return self.body is not None and self.body.to_log

    @property
    def is_read(self) -> bool:
        """Whether the response has an ``ETag`` and says what it contains."""
        return self.method == "GET" and not self.is_public


def operations_of(app: Litestar) -> list[Operation]:
    """Return every documented operation, by path and method."""
    operations = [
        Operation(str(method), route.path_format, handler, route.path_parameters, model)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, model) in route.route_handler_map.items()
        if handler.include_in_schema is not False
    ]
    return sorted(operations, key=lambda op: (op.path, op.method))


def build_document(app: Litestar) -> Schema:
    ops = operations_of(app)
    bodies = [kind for op in ops if op.body for kind in (op.body.kind, op.body.or_one) if kind]
    schemas = TypeSchemas(bodies, [*(op.data_type or op.response_type for op in ops), ErrorBody])
    paths: dict[str, Schema] = {}
    for op in ops:
        paths.setdefault(op.path, {})[op.method.lower()] = _operation(op, schemas)
    used = {section_of(op.path, op.method) for op in ops}
    return {
        "openapi": "3.1.0",
        "info": {"title": "crewkit-sessions", "version": "1", "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": about} for name, about in SECTIONS.items() if name in used],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "parameters": header_parameters(),
            "headers": response_headers(),
            "responses": error_components(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(op: Operation, schemas: TypeSchemas) -> Schema:
    query = list(query_parameters(op.handler, op.model))
    headers = [*COMMON_HEADERS, *(WRITE_HEADERS if op.writes else READ_HEADERS if op.is_read else ())]
    references = [{"$ref": f"#/components/parameters/{name}"} for name in headers]
    operation: Schema = {
        "operationId": op.handler.operation_id,
        "summary": _WORD_BOUNDARY.sub(" ", str(op.handler.operation_id)),
        "description": _description(op),
        "tags": [section_of(op.path, op.method)],
        "security": [] if op.is_public else [{"bearer": []}],
        "parameters": [*path_parameters(op.path_names), *query, *references],
        "responses": _responses(op, schemas, [parameter["name"] for parameter in query]),
    }
    if op.body is not None:
        operation["requestBody"] = _request_body(op.body, schemas)
    if op.handler.deprecated:
        operation["deprecated"] = True
    return operation


def _request_body(body: BodyDoc, schemas: TypeSchemas) -> Schema:
    schema = schemas.of(body.kind)
    content = {"schema": schema, "example": schemas.example(schema)}
    if body.or_one is not None:  # a body without any field is of neither type
        content["schema"] = {"anyOf": [{**schema, "minProperties": 1}, schemas.of(body.or_one)]}
    return {"required": not body.optional, "content": {JSON: content}}


def _description(op: Operation) -> str:
    action = required_action(op.handler)
    doc = inspect.getdoc(op.handler.fn) or ""
    if action is None:
        return doc
    permission = ROUTES.get(str(op.handler.operation_id))
    roles = ", ".join(role for role in ROLES if action in ALLOWED[role])
    return " ".join(filter(None, (f"{doc}\n\nRoles: {roles}.", _MEMBER_NOTES[permission.sees] if permission else "")))


def _responses(op: Operation, schemas: TypeSchemas, query: list[str]) -> Schema:
    headers = [*COMMON_HEADERS, *(() if op.is_public else RATE_LIMIT_HEADERS)]
    of_reads = ["ETag", "X-Complete-Through", "X-Generation"]
    headers += ["X-Log-Position"] if op.writes else of_reads if op.is_read else []
    status = op.handler.status_code
    if op.data_type is None:
        schema = schemas.of(op.response_type)
    else:
        counts = "/analytics/" in op.path or "recount" in op.path
        meta = meta_schema(writes=op.writes, query=query, counts=counts)
        fields = {"data": schemas.of(op.data_type), "meta": meta}
        schema = {"type": "object", "required": [*fields], "properties": fields}
    media_type = "text/plain" if schema.get("type") == "string" else JSON
    content = {media_type: {"schema": schema, "example": schemas.example(schema)}}
    success = {"description": _SUCCESS[status], "headers": header_refs(headers), "content": content}
    responses: Schema = {str(status): success}
    if op.body and op.body.or_one:
        responses["204"] = {"description": _SUCCESS[204], "headers": header_refs(headers)}
    if op.is_read:
        responses["304"] = {"description": "`If-None-Match` is still current.", "headers": header_refs(headers)}
    return responses | _error_responses(op)


def _error_responses(op: Operation) -> Schema:
    statuses = {422, *(() if op.is_public else (401, 403, 404, 429)), *((400, 408, 413, 415) if op.body else ())}
    statuses |= set() if op.path in _WITHOUT_503 else {503}
    statuses |= set(op.body.refused_with if op.body else op.handler.opt.get("refused_with", ()))
    names = {str(status): ERROR_RESPONSES[status].name for status in sorted(statuses)}
    if op.body and op.body.undecodable:
        names["400"] = UNDECODABLE_RESPONSE
    return {status: {"$ref": f"#/components/responses/{name}"} for status, name in names.items()}
