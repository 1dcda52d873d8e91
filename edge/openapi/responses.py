"""Parts of responses: the ``meta`` of a success, and the possible errors, which share one shape."""

from collections.abc import Collection
from typing import NamedTuple

import msgspec
from litestar.status_codes import HTTP_401_UNAUTHORIZED

from edge.error_responses import too_large
from edge.errors import (
    ApiError,
    forbidden,
    invalid,
    invalid_json,
    log_unavailable,
    not_found,
    slow_body,
    unauthenticated,
)
from edge.openapi.parameters import COMMON_HEADERS, RATE_LIMIT_HEADERS
from edge.openapi.schemas import Schema, with_meaning
from edge.rate_limits import Allowance, too_many_requests
from schemas.http.responses import ErrorBody

JSON = "application/json"
_PAGE_META = ("current_page", "per_page", "total_pages", "total_count")
_STRING, _INTEGER = {"type": "string"}, {"type": "integer"}
_META: dict[str, Schema] = {
    "position": _STRING,
    **dict.fromkeys(_PAGE_META, _INTEGER),
    "next_cursor": {"type": "string", "nullable": True},
    "complete_through": _STRING,
    "lag_records": _INTEGER,
    "as_of": _STRING,
}
_IF_ASKED = ("as_of",)  # in ``meta`` where the request names it


class ErrorResponse(NamedTuple):
    """The component of an error status: name, meaning, an example error, additional headers."""

    name: str
    meaning: str
    example: ApiError
    headers: tuple[str, ...] = ()


def meta_schema(*, writes: bool, query: Collection[str], counts: bool) -> Schema:
    """Return the schema of ``meta``, which depends on the parameters of the route."""
    names = ["position"] if writes else []
    names += _PAGE_META if "page" in query else ()
    names += ("next_cursor",) if "cursor" in query else ()
    names += ("complete_through", "lag_records") if counts else ()
    asked = [name for name in _IF_ASKED if name in query]
    fields = {name: with_meaning(name, _META[name], "Meta") for name in (*names, *asked)}
    return {"type": "object", "properties": fields} | ({"required": names} if names else {})


def header_refs(names: Collection[str]) -> Schema:
    """Return references to response headers."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def error_components() -> dict[str, Schema]:
    """Return a response for each error status, with an example body."""
    return {response.name: _error(response) for response in ERROR_RESPONSES.values()} | {
        UNDECODABLE_RESPONSE: _undecodable()
    }


def _error(response: ErrorResponse) -> Schema:
    problem = response.example
    body = ErrorBody(problem.message, problem.code, dict(problem.details), "cli-7f3a")
    limits = () if problem.status == HTTP_401_UNAUTHORIZED else RATE_LIMIT_HEADERS
    content = {"schema": {"$ref": "#/components/schemas/ErrorBody"}, "example": msgspec.to_builtins(body)}
    return {
        "description": " ".join(response.meaning.split()),
        "headers": header_refs((*COMMON_HEADERS, *limits, *response.headers)),
        "content": {JSON: content},
    }


def _undecodable() -> Schema:
    fields = {"code": {"type": "integer"}, "message": {"type": "string"}}
    schema = {"type": "object", "required": [*fields], "properties": fields}
    example = {"code": 3, "message": "The body isn't an OTLP export request in JSON."}
    return {
        "description": "The body can't be decoded: a `google.rpc.Status` in the encoding of the request.",
        "headers": header_refs((*COMMON_HEADERS, *RATE_LIMIT_HEADERS)),
        "content": {JSON: {"schema": schema, "example": example}},
    }


UNDECODABLE_RESPONSE = "Undecodable"
_NOT_JSON = "The body is not JSON (`invalid_json`), or its encoding is corrupt (`corrupt_encoding`)."
_BAD_TYPE = ApiError(415, "unsupported_media_type", "The content type must be application/json.")
_BAD_VALUE = invalid({"per_page": ["must be at most 100"]})
_TOO_MANY = too_many_requests(Allowance("writes", 600_000, -1, 1_800, 1_768_906_800))
ERROR_RESPONSES = {
    400: ErrorResponse("BadRequest", _NOT_JSON, invalid_json()),
    401: ErrorResponse("Unauthenticated", "The bearer token is not valid.", unauthenticated(), ("WWW-Authenticate",)),
    403: ErrorResponse("Forbidden", "The caller's role does not allow this.", forbidden()),
    404: ErrorResponse(
        "NotFound",
        """Not found. This includes data of other orgs, ids of the wrong shape, and other users' sessions if the caller
        may see only their own.""",
        not_found(),
    ),
    408: ErrorResponse("SlowBody", "The body did not arrive in time. Send the same request again.", slow_body()),
    413: ErrorResponse("TooLarge", "The body or one of its events is too large.", too_large()),
    415: ErrorResponse(
        "UnsupportedMediaType", "The content type is not JSON, or the encoding is not gzip or zstd.", _BAD_TYPE
    ),
    422: ErrorResponse("Invalid", "Some values are not valid or some fields are unknown: see `details`.", _BAD_VALUE),
    429: ErrorResponse("TooManyRequests", "The org's requests of this hour are used up.", _TOO_MANY, ("Retry-After",)),
    503: ErrorResponse(
        "Unavailable",
        """The log or the store is unavailable (`log_unavailable`, `store_unavailable`), the store denies this service
        read access (`store_refuses`), the service has too many requests in progress (`overloaded`) or is not ready yet
        (`starting`), or a position was not visible in time (`not_yet_visible`).""",
        log_unavailable(),
        ("Retry-After",),
    ),
}
