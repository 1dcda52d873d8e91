"""What a route can be given besides its body: in the path, in the query, in headers."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from litestar.handlers import HTTPRouteHandler
from litestar.typing import FieldDefinition

from edge.openapi.dialect import Schema
from edge.openapi.type_schemas import plain_schema, with_meaning
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
    """A header that many routes take or answer with."""

    meaning: str
    schema: Schema
    example: Any


_POSITION = {"type": "string", "pattern": r"^[0-9]+:[0-9]+$"}
_POSITIONS = {"type": "string", "pattern": r"^[0-9]+:[0-9]+(,[0-9]+:[0-9]+)*$"}
_PRINTABLE = {"type": "string", "minLength": 1, "maxLength": 255}
_INSTANT = {"type": "string", "format": "date-time"}
_SECONDS = {"type": "integer", "minimum": 0}

REQUEST_HEADERS: Mapping[str, HeaderDoc] = {
    "X-Request-Id": HeaderDoc(
        "Names the request in reply, errors and logs: 1 to 64 of `A-Za-z0-9._-`; anything else is replaced.",
        {"type": "string"},
        "cli-7f3a",
    ),
    "Idempotency-Key": HeaderDoc(
        "Makes the call repeatable: the same key with the same caller answers the same ids, for ever. (Events have "
        "identities of their own and need none.)",
        _PRINTABLE,
        "create-5f1c9f4a",
    ),
    "Content-Encoding": HeaderDoc(
        "How the body is encoded; its limits hold after decoding.",
        {"type": "string", "enum": ["identity", "gzip", "zstd"]},
        "gzip",
    ),
    "X-Wait-For-Position": HeaderDoc(
        "Wait until these positions (of `X-Log-Position`; commas between several) are in the answer: 10 s at most, "
        "then 503 `not_yet_visible`.",
        _POSITIONS,
        "2:1841",
    ),
    "If-None-Match": HeaderDoc(
        "An `ETag` that is known already: 304 if it still holds.", {"type": "string"}, 'W/"9f86d081"'
    ),
}
COMMON_HEADERS = ("X-Request-Id",)
WRITE_HEADERS = ("Idempotency-Key", "Content-Encoding")
READ_HEADERS = ("X-Wait-For-Position", "If-None-Match")

RESPONSE_HEADERS: Mapping[str, HeaderDoc] = {
    "X-Request-Id": HeaderDoc("The id of this request.", {"type": "string"}, "cli-7f3a"),
    "X-RateLimit-Limit": HeaderDoc(
        "How many requests of this kind the org may make an hour; 0: no limit.", _SECONDS, 600_000
    ),
    "X-RateLimit-Remaining": HeaderDoc("How many of them are left.", _SECONDS, 599_999),
    "X-RateLimit-Reset": HeaderDoc("In how many seconds the count begins anew.", _SECONDS, 3_540),
    "X-Log-Position": HeaderDoc("Where the write stands in the log; a read can wait for it.", _POSITION, "2:1841"),
    "X-Complete-Through": HeaderDoc(
        "Everything accepted before this time is in the answer.", _INSTANT, "2026-01-20T10:30:00.000Z"
    ),
    "ETag": HeaderDoc("Names this state of the answer, for `If-None-Match`.", {"type": "string"}, 'W/"9f86d081"'),
    "Retry-After": HeaderDoc("In how many seconds to try again; back off with jitter.", _SECONDS, 1),
    "WWW-Authenticate": HeaderDoc("How to authenticate.", {"type": "string"}, "Bearer"),
}
RATE_LIMIT = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def header_parameters() -> dict[str, Schema]:
    """The components for every header that can be sent."""
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
    """The components for every header that can be answered."""
    return {
        name: {"description": header.meaning, "schema": header.schema, "example": header.example}
        for name, header in RESPONSE_HEADERS.items()
    }


def path_parameters(names: Mapping[str, Any]) -> Iterator[Schema]:
    """Those of the path. All of them are text: one of the wrong shape is an unknown one."""
    for name in names:
        yield _parameter(name, "path", {"type": "string"}, required=True)


def query_parameters(handler: HTTPRouteHandler, model: Any) -> Iterator[Schema]:
    """Those of the handler and of everything that it depends on, in alphabetical order."""
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
    """Of what may be left out the example is told in words: Swagger UI would send it along with every try."""
    return (
        meaning
        if example is None
        else f"{meaning} Example: `{example if isinstance(example, str) else json.dumps(example)}`"
    )


def _bounded(field: FieldDefinition) -> Schema:
    """The schema of a parameter, its bounds included; one that is not given is simply absent, never null."""
    schema = {key: value for key, value in plain_schema(field.annotation).items() if key != "nullable"}
    if "enum" in schema:
        schema["enum"] = [value for value in schema["enum"] if value is not None]
    kept_to = field.kwarg_definition
    bounds = {word: getattr(kept_to, name, None) for name, word in _BOUNDS.items()}
    return schema | {word: bound for word, bound in bounds.items() if bound is not None}
