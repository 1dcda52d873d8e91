"""The headers that many routes share. The example of each has its type."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from edge.openapi.schemas import Schema
from schemas.http.fields import doc, moment

_POSITIONS = r"^[0-9]+:[0-9]+(,[0-9]+:[0-9]+)*$"
_TAG = 'W/"9f86d081"'

REQUEST_HEADERS: Mapping[str, Meta] = {
    "X-Request-Id": doc("Id for errors and logs: 1 to 64 of `A-Za-z0-9._-`. Any other value is replaced.", "cli-7f3a"),
    "Idempotency-Key": doc(
        "Makes the call repeatable: the same key of the same caller always returns the same ids. Events have their own "
        "ids and need no key.",
        "create-5f1c9f4a",
        min_length=1,
        max_length=255,
    ),
    "Content-Encoding": doc("Encoding of the body. Size limits apply after decoding.", values="gzip zstd identity"),
    "X-Wait-For-Position": doc(
        "Wait until the response includes these positions (from `X-Log-Position`, separated by commas). After 10 s, "
        "the response is 503 `not_yet_visible`.",
        "2:1841",
        pattern=_POSITIONS,
    ),
    "If-None-Match": doc("`ETag` of an earlier response; returns 304 if it is still current.", _TAG),
}
COMMON_HEADERS = ("X-Request-Id",)
WRITE_HEADERS = ("Idempotency-Key", "Content-Encoding")
READ_HEADERS = ("X-Wait-For-Position", "If-None-Match")

_RATE_LIMITS: Mapping[str, Meta] = {
    "X-RateLimit-Limit": doc("Reads or writes of the org per hour; absent without a limit.", 600_000, ge=0),
    "X-RateLimit-Remaining": doc("Requests left in this hour.", 599_999, ge=0),
    "X-RateLimit-Reset": doc("When the count restarts, in seconds since 1970.", 1_768_906_800),
    "RateLimit-Policy": doc(
        "The limit as in draft-ietf-httpapi-ratelimit-headers: `q` requests in `w` seconds.",
        '"writes";q=600000;w=3600',
    ),
    "RateLimit": doc("What is left: `r` requests, and `t` seconds until it restarts.", '"writes";r=599999;t=3540'),
}
RATE_LIMIT_HEADERS = tuple(_RATE_LIMITS)
RESPONSE_HEADERS: Mapping[str, Meta] = {
    "X-Request-Id": doc("Id of this request.", "cli-7f3a"),
    **_RATE_LIMITS,
    "X-Log-Position": doc(
        "Log position of the write, or one for each partition, separated by commas. A read can wait for it.",
        "2:1841",
        pattern=_POSITIONS,
    ),
    "X-Complete-Through": moment("The response includes everything accepted before this time."),
    "X-Generation": doc("Generation of the tables that was read.", "g1"),
    "ETag": doc("Version of the response, for `If-None-Match`.", _TAG),
    "Retry-After": doc("Seconds to wait before the next try; back off with jitter.", 1, ge=0),
    "WWW-Authenticate": doc("Authentication scheme.", "Bearer"),
}


def with_types(headers: Mapping[str, Meta]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the type of each header."""
    for name, meta in headers.items():
        example = (meta.examples or [""])[0]
        yield name, Annotated[type(example), meta]


def response_headers() -> dict[str, Schema]:
    """Return the components of the response headers."""
    schemas = {name: msgspec.json.schema(kind) for name, kind in with_types(RESPONSE_HEADERS)}
    return {
        name: {"description": schema.pop("description"), "example": schema.pop("examples")[0], "schema": schema}
        for name, schema in schemas.items()
    }


def header_refs(names: Collection[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
