"""Parameters of routes in path, query and headers."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
from litestar.handlers import HTTPRouteHandler
from msgspec import Meta

from edge.openapi.headers import REQUEST_HEADERS, with_types
from edge.openapi.schemas import Schema, described, not_null
from edge.query_parameters import signature_fields
from schemas.http import fields
from schemas.http.fields import EVENT_ID, doc

_PATH: Mapping[str, Any] = {
    "org_id": fields.OrgId,
    "session_id": Annotated[fields.Id, doc("Session id, as returned by create.")],
    "client": Annotated[str, doc("Coding agent.", values="claude-code codex gemini-cli")],
    "position": Annotated[str, doc("Log position of the record.", "2:1841")],
    "erasure_id": fields.ErasureId,
    "work_id": Annotated[fields.Id, doc("Id of the request.", EVENT_ID)],
    "generation": fields.Generation,
}
_BOUNDS = ("ge", "le", "min_length", "max_length")


def header_parameters() -> dict[str, Schema]:
    """Return the components of the request headers."""
    return {name: _parameter(name, "header", kind, required=False) for name, kind in with_types(REQUEST_HEADERS)}


def path_parameters(names: Mapping[str, Any]) -> Iterator[Schema]:
    """Yield the path parameters. A malformed id gets the same 404 as an unknown one."""
    for name in names:
        yield _parameter(name, "path", _PATH.get(name, str), required=True)


def query_parameters(handler: HTTPRouteHandler, model: Any) -> Iterator[Schema]:
    """Yield the query parameters of the handler and its dependencies, in alphabetical order."""
    signature = signature_fields(handler)
    for expected in sorted(model.expected_query_params, key=lambda expected: expected.field_alias):
        field = signature[expected.field_name]
        # Litestar checks the bounds, msgspec does not see them.
        found = {name: getattr(field.kwarg_definition, name, None) for name in _BOUNDS}
        bounds = Meta(**{name: bound for name, bound in found.items() if bound is not None})
        kind: Any = Annotated[(field.annotation, *field.metadata, bounds)]
        parameter = _parameter(expected.field_alias, "query", kind, required=expected.is_required)
        if expected.default is not None:
            parameter["schema"]["default"] = expected.default
        yield parameter


def _parameter(name: str, place: str, kind: Any, *, required: bool) -> Schema:
    """Return a parameter. Swagger UI sends the examples of optional ones, so these are part of the description."""
    schema = not_null(described(msgspec.json.schema(kind)))
    meaning, examples = schema.pop("description", ""), schema.pop("examples", [])
    parameter: Schema = {"name": name, "in": place, "required": required, "description": meaning, "schema": schema}
    if required:
        return {**parameter, "example": examples[0]} if examples else parameter
    for example in examples:
        shown = example if isinstance(example, str) else json.dumps(example)
        parameter["description"] = f"{meaning} Example: `{shown}`"
    return parameter
