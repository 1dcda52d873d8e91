"""Parts of responses: the ``meta`` of a success, and the possible errors, which share one shape."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
from litestar.status_codes import HTTP_401_UNAUTHORIZED

from edge import errors
from edge.error_responses import too_large
from edge.openapi.headers import COMMON_HEADERS, RATE_LIMIT_HEADERS, header_refs
from edge.openapi.schemas import Schema
from edge.rate_limits import Allowance, too_many_requests
from schemas.http import fields
from schemas.http.fields import doc
from schemas.http.responses import ErrorBody

JSON = "application/json"
_PAGE_META = ("current_page", "per_page", "total_pages", "total_count")
_META: Mapping[str, Any] = {
    "position": Annotated[str, doc("Log position of the write, or the last one of several.", "2:1841")],
    "current_page": Annotated[int, doc("Number of this page, starting at 1.", 1)],
    "per_page": Annotated[int, fields.PER_PAGE],
    "total_pages": Annotated[int, doc("Number of pages.", 5)],
    "total_count": Annotated[int, doc("Number of items on all pages.", 120)],
    "next_cursor": Annotated[str | None, doc("Cursor of the next page; null on the last page.", None)],
    "complete_through": fields.CompleteThrough,
    "lag_records": fields.LagRecords,
    "as_of": Annotated[str, doc("With `as_of`: log position of the last record that is included.", "2:1841")],
}


class ErrorResponse(NamedTuple):
    """The component of an error status: name, meaning, an example error, additional headers."""

    name: str
    meaning: str
    example: errors.ApiError
    headers: tuple[str, ...] = ()


def meta_schema(*, writes: bool, query: Collection[str], counts: bool) -> Schema:
    """Return the schema of ``meta``, which depends on the parameters of the route."""
    names = ["position"] if writes else []
    names += _PAGE_META if "page" in query else ()
    names += ("next_cursor",) if "cursor" in query else ()
    names += ("complete_through", "lag_records") if counts else ()
    if_asked = ("as_of",) if "as_of" in query else ()
    found = {name: msgspec.json.schema(_META[name]) for name in (*names, *if_asked)}
    return {"type": "object", "required": names, "properties": found}


def error_components() -> dict[str, Schema]:
    """Return a response for each error status, with an example body."""
    properties = {"code": {"type": "integer"}, "message": {"type": "string"}}
    schema = {"type": "object", "required": [*properties], "properties": properties}
    example = {"code": 3, "message": "The body isn't an OTLP export request in JSON."}
    undecodable = {
        "description": "The body can't be decoded: a `google.rpc.Status` in the encoding of the request.",
        "headers": header_refs((*COMMON_HEADERS, *RATE_LIMIT_HEADERS)),
        "content": {JSON: {"schema": schema, "example": example}},
    }
    named = {response.name: _error(response) for response in ERROR_RESPONSES.values()}
    return named | {UNDECODABLE_RESPONSE: undecodable}


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


UNDECODABLE_RESPONSE = "Undecodable"
_NOT_JSON = "The body is not JSON (`invalid_json`), or its encoding is corrupt (`corrupt_encoding`)."
_TWICE = errors.already_erased(UUID("7d0c6f52-3b1e-4b7a-9a55-1f6f3f0a9c11"))
_BAD_TYPE = errors.ApiError(415, "unsupported_media_type", "The content type must be application/json.")
_BAD_VALUE = errors.invalid({"per_page": ["must be at most 100"]})
_TOO_MANY = too_many_requests(Allowance("writes", 600_000, -1, 1_800, 1_768_906_800))
ERROR_RESPONSES = {
    400: ErrorResponse("BadRequest", _NOT_JSON, errors.invalid_json()),
    401: ErrorResponse(
        "Unauthenticated",
        "The token or the sign-in code is not valid.",
        errors.unauthenticated(),
        ("WWW-Authenticate",),
    ),
    403: ErrorResponse("Forbidden", "The caller's role does not allow this.", errors.forbidden()),
    404: ErrorResponse(
        "NotFound",
        """Not found. This includes data of other orgs, ids of the wrong shape, and other users' sessions if the caller
        may see only their own.""",
        errors.not_found(),
    ),
    408: ErrorResponse("SlowBody", "The body did not arrive in time. Send the same request again.", errors.slow_body()),
    409: ErrorResponse(
        "Conflict",
        """All of it was erased before (`already_erased`; `details` names the erasure), or an erasure is not certified
        yet (`not_certified`; `details` says what it waits for).""",
        _TWICE,
    ),
    410: ErrorResponse("Erased", "The session was erased and accepts nothing more.", errors.session_erased()),
    413: ErrorResponse("TooLarge", "The body or one of its events is too large.", too_large()),
    415: ErrorResponse(
        "UnsupportedMediaType", "The content type is not JSON, or the encoding is not gzip or zstd.", _BAD_TYPE
    ),
    422: ErrorResponse("Invalid", "Some values are not valid or some fields are unknown: see `details`.", _BAD_VALUE),
    429: ErrorResponse("TooManyRequests", "The requests of this hour are used up.", _TOO_MANY, ("Retry-After",)),
    503: ErrorResponse(
        "Unavailable",
        """The log or the store is unavailable (`log_unavailable`, `store_unavailable`), the store denies this service
        read access (`store_refuses`), the service has too many requests in progress (`overloaded`) or is not ready yet
        (`starting`), or a position was not visible in time (`not_yet_visible`).""",
        errors.log_unavailable(),
        ("Retry-After",),
    ),
}
