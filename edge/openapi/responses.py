"""What a route answers: its one success, and each error that it can give, all errors in the one shape."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple, get_args, get_origin

import msgspec
from litestar import Response
from litestar.status_codes import HTTP_401_UNAUTHORIZED

from edge.error_responses import too_large
from edge.errors import ApiError, forbidden, invalid, not_found, slow_body, unauthenticated, unavailable
from edge.openapi.dialect import Schema
from edge.openapi.parameters import COMMON_HEADERS, RATE_LIMIT
from edge.openapi.type_schemas import with_meaning
from edge.rate_limits import Allowance, too_many_requests
from schemas.http.responses import ErrorBody, Reply

JSON, TEXT = "application/json", "text/plain"
_WORDS = {200: "It is read, or changed.", 201: "It is created.", 202: "It is accepted for processing."}
_PAGE_META = ("current_page", "per_page", "total_pages", "total_count")
_STRING, _INTEGER = {"type": "string"}, {"type": "integer"}
_META: dict[str, Schema] = {
    "position": _STRING,
    **dict.fromkeys(_PAGE_META, _INTEGER),
    "next_cursor": {"type": "string", "nullable": True},
    "complete_through": _STRING,
    "lag_records": _INTEGER,
}


class ErrorResponse(NamedTuple):
    """What stands for a status in the components: its name, what it means, the error itself, headers of its own."""

    name: str
    meaning: str
    make: Callable[[], ApiError]
    headers: tuple[str, ...] = ()


def response_type_of(return_type: Any) -> Any:
    """What a handler answers with: the type inside ``Response``."""
    return get_args(return_type)[0] if get_origin(return_type) is Response else return_type


def data_type(answer: Any) -> Any:
    """The type of ``data``, None for an answer that has no envelope."""
    return get_args(answer)[0] if get_origin(answer) is Reply else None


def meta_schema(*, writes: bool, query: Collection[str], counts: bool) -> Schema:
    """What ``meta`` says, which follows from what the route takes."""
    names = ["position"] if writes else []
    names += _PAGE_META if "page" in query else ()
    names += ("next_cursor",) if "cursor" in query else ()
    names += ("complete_through", "lag_records") if counts else ()
    fields = {name: with_meaning(name, _META[name], "Meta") for name in names}
    return {"type": "object", "properties": fields} | ({"required": names} if names else {})


def envelope(data: Schema, meta: Schema) -> Schema:
    """What every success looks like."""
    return {"type": "object", "required": ["data", "meta"], "properties": {"data": data, "meta": meta}}


def success(status: int, schema: Schema, example: Any, headers: Collection[str], kind: str = JSON) -> Schema:
    """The reply that every call hopes for."""
    content = {kind: {"schema": schema, "example": example}}
    return {"description": _WORDS[status], "headers": header_refs(headers), "content": content}


def header_refs(names: Collection[str]) -> Schema:
    """References to headers of replies."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def error_refs(*, public: bool, takes_body: bool, may_be_away: bool) -> Iterator[tuple[int, str]]:
    """Status and component of each error that a route can give."""
    yield from _named(400, 408, 413, 415) if takes_body else ()
    yield from () if public else _named(401, 403, 404, 429)
    yield from _named(422)
    yield from _named(503) if may_be_away else ()


def _named(*statuses: int) -> Iterator[tuple[int, str]]:
    for status in statuses:
        yield status, _ERRORS[status].name


def error_components() -> dict[str, Schema]:
    """A reply for each status, with an example of its body."""
    return {reply.name: _error(status, reply) for status, reply in _ERRORS.items()}


def _error(status: int, reply: ErrorResponse) -> Schema:
    problem = reply.make()
    body = ErrorBody(problem.message, problem.code, dict(problem.details), "cli-7f3a")
    limits = () if status == HTTP_401_UNAUTHORIZED else RATE_LIMIT
    content = {"schema": {"$ref": "#/components/schemas/ErrorBody"}, "example": msgspec.to_builtins(body)}
    return {
        "description": " ".join(reply.meaning.split()),
        "headers": header_refs((*COMMON_HEADERS, *limits, *reply.headers)),
        "content": {JSON: content},
    }


def _no_json() -> ApiError:
    return ApiError(400, "invalid_json", "The body is not valid JSON.")


def _type() -> ApiError:
    return ApiError(415, "unsupported_media_type", "The content type must be application/json.")


def _too_many() -> ApiError:
    return too_many_requests(Allowance(600_000, -1, 1_800))


def _away() -> ApiError:
    return unavailable("log_unavailable", "The log can't take this right now; send the same request again.")


def _wrong_value() -> ApiError:
    return invalid({"per_page": ["must be at most 100"]})


_ERRORS = {
    400: ErrorResponse(
        "BadRequest", "The body is no JSON (`invalid_json`), or its encoding is broken (`corrupt_encoding`).", _no_json
    ),
    401: ErrorResponse("Unauthenticated", "No credential, or a bad one.", unauthenticated, ("WWW-Authenticate",)),
    403: ErrorResponse("Forbidden", "The caller's role does not allow this.", forbidden),
    404: ErrorResponse(
        "NotFound",
        """Unknown here. What is another org's is unknown as well, and so is another user's session where the caller may
        see only their own, and an id of the wrong shape.""",
        not_found,
    ),
    408: ErrorResponse(
        "SlowBody", "The body does not arrive, or too slowly; the same request may be sent again.", slow_body
    ),
    413: ErrorResponse("TooLarge", "The body, or one of its events, is larger than is taken.", too_large),
    415: ErrorResponse(
        "UnsupportedMediaType", "Another content type than JSON, another encoding than gzip or zstd.", _type
    ),
    422: ErrorResponse("Invalid", "Well-formed, but wrong, or not known: `details` says what, by field.", _wrong_value),
    429: ErrorResponse(
        "TooManyRequests", "The org has used up its requests of this hour.", _too_many, ("Retry-After",)
    ),
    503: ErrorResponse(
        "Unavailable",
        """The log or the store is away (`log_unavailable`, `store_unavailable`), the store does not let this service
        read (`store_refuses`), too much is under way (`overloaded`), or what was waited for is not visible in time
        (`not_yet_visible`).""",
        _away,
        ("Retry-After",),
    ),
}
