"""Parameters of routes in path, query and headers, and the headers of responses."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.typing import FieldDefinition

from edge.openapi.schemas import Schema, to_openapi, with_meaning
from edge.query_parameters import signature_fields
from schemas.http.glossary import entry_for

_BOUNDS = {
    "ge": "minimum",
    "le": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
}


class HeaderDoc(NamedTuple):
    """A request or response header that many routes share."""

    meaning: str
    schema: Schema
    example: Any


_POSITIONS = {"type": "string", "pattern": r"^[0-9]+:[0-9]+(,[0-9]+:[0-9]+)*$"}
_PRINTABLE = {"type": "string", "minLength": 1, "maxLength": 255}
_INSTANT = {"type": "string", "format": "date-time"}
_SECONDS = {"type": "integer", "minimum": 0}

REQUEST_HEADERS: Mapping[str, HeaderDoc] = {
    "X-Request-Id": HeaderDoc(
        "Request id for response, errors and logs: 1 to 64 of `A-Za-z0-9._-`. The service replaces any other value.",
        {"type": "string"},
        "cli-7f3a",
    ),
    "Idempotency-Key": HeaderDoc(
        "Makes the call repeatable: the same key of the same caller always returns the same ids. Events have their own "
        "ids and need no key.",
        _PRINTABLE,
        "create-5f1c9f4a",
    ),
    "Content-Encoding": HeaderDoc(
        "Encoding of the body. Size limits apply after decoding.",
        {"type": "string", "enum": ["identity", "gzip", "zstd"]},
        "gzip",
    ),
    "X-Wait-For-Position": HeaderDoc(
        "Wait until the response includes these positions (from `X-Log-Position`, separated by commas). After 10 s, "
        "the response is 503 `not_yet_visible`.",
        _POSITIONS,
        "2:1841",
    ),
    "If-None-Match": HeaderDoc(
        "`ETag` of an earlier response; returns 304 if it is still current.", {"type": "string"}, 'W/"9f86d081"'
    ),
}
COMMON_HEADERS = ("X-Request-Id",)
WRITE_HEADERS = ("Idempotency-Key", "Content-Encoding")
READ_HEADERS = ("X-Wait-For-Position", "If-None-Match")

RESPONSE_HEADERS: Mapping[str, HeaderDoc] = {
    "X-Request-Id": HeaderDoc("Id of this request.", {"type": "string"}, "cli-7f3a"),
    "X-RateLimit-Limit": HeaderDoc("Reads or writes of the org per hour; absent without a limit.", _SECONDS, 600_000),
    "X-RateLimit-Remaining": HeaderDoc("Requests left in this hour.", _SECONDS, 599_999),
    "X-RateLimit-Reset": HeaderDoc(
        "When the count restarts, in seconds since 1970.", {"type": "integer"}, 1_768_906_800
    ),
    "RateLimit-Policy": HeaderDoc(
        "The limit as in draft-ietf-httpapi-ratelimit-headers: `q` requests in `w` seconds.",
        {"type": "string"},
        '"writes";q=600000;w=3600',
    ),
    "RateLimit": HeaderDoc(
        "What is left, likewise: `r` requests, and `t` seconds until the count restarts.",
        {"type": "string"},
        '"writes";r=599999;t=3540',
    ),
    "X-Log-Position": HeaderDoc(
        "Log position of the write, or one for each partition, separated by commas. A read can wait for it.",
        _POSITIONS,
        "2:1841",
    ),
    "X-Complete-Through": HeaderDoc(
        "The response includes everything accepted before this time.", _INSTANT, "2026-01-20T10:30:00.000Z"
    ),
    "X-Generation": HeaderDoc("Generation of the tables that was read.", {"type": "string"}, "g1"),
    "ETag": HeaderDoc("Version of the response, for `If-None-Match`.", {"type": "string"}, 'W/"9f86d081"'),
    "Retry-After": HeaderDoc("Seconds to wait before the next try; back off with jitter.", _SECONDS, 1),
    "WWW-Authenticate": HeaderDoc("Authentication scheme.", {"type": "string"}, "Bearer"),
}
RATE_LIMIT_HEADERS = (
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
    *("RateLimit-Policy", "RateLimit"),
)


def header_parameters() -> dict[str, Schema]:
    """Return the components of the request headers."""
    return {
        name: {
            "name": name,
            "in": "header",
            "description": _with_example(header.meaning, header.example),
            "required": False,
            "schema": header.schema,
        }
        for name, header in REQUEST_HEADERS.items()
    }


def response_headers() -> dict[str, Schema]:
    """Return the components of the response headers."""
    return {
        name: {"description": header.meaning, "schema": header.schema, "example": header.example}
        for name, header in RESPONSE_HEADERS.items()
    }


def path_parameters(names: Mapping[str, Any]) -> Iterator[Schema]:
    """Yield the path parameters. All are strings: a value of the wrong shape is unknown, not invalid."""
    for name in names:
        yield _parameter(name, "path", {"type": "string"}, required=True)


def query_parameters(handler: HTTPRouteHandler, model: Any) -> Iterator[Schema]:
    """Yield the query parameters of the handler and its dependencies, in alphabetical order."""
    fields = signature_fields(handler)
    for expected in sorted(model.expected_query_params, key=lambda expected: expected.field_alias):
        schema = _bounded(fields[expected.field_name])
        if expected.default is not None:
            schema |= {"default": expected.default}
        yield _parameter(expected.field_alias, "query", schema, required=expected.is_required)


def _parameter(name: str, place: str, schema: Schema, *, required: bool) -> Schema:
    described = with_meaning(name, schema)
    meaning = described.pop("description", "")
    parameter: Schema = {"name": name, "in": place, "required": required, "schema": described, "description": meaning}
    entry = entry_for(name)
    if required and entry is not None:
        return {**parameter, "example": entry.example}
    return {**parameter, "description": _with_example(meaning, entry.example if entry else None)}


def _with_example(meaning: str, example: Any) -> str:
    """Append the example to the description. Swagger UI pre-fills and sends the examples of optional parameters."""
    if example is None:
        return meaning
    return f"{meaning} Example: `{example if isinstance(example, str) else json.dumps(example)}`"


def _bounded(field: FieldDefinition) -> Schema:
    """Return the schema of a parameter with its bounds. Parameters may be absent, but never null."""
    schema: Schema = to_openapi(msgspec.json.schema(field.annotation))
    schema.pop("nullable", None)
    if "enum" in schema:
        schema["enum"] = [value for value in schema["enum"] if value is not None]
    bounds = {word: getattr(field.kwarg_definition, name, None) for name, word in _BOUNDS.items()}
    return schema | {word: bound for word, bound in bounds.items() if bound is not None}
