"""The routes of sign-in links: they exchange tokens for a code, and the code for the tokens. Only `up` has them.

They need no credential, so everything they do is bounded: bodies are small, and requests are limited per hour. Other
web pages can't call them: a body in JSON makes a browser ask first, as for every route (`edge.cors`).
"""

import asyncio
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from edge.authentication import PUBLIC, BadToken, TokenVerifier
from edge.error_responses import too_large
from edge.errors import ApiError, slow_body
from edge.headers import find_header
from edge.rate_limits import RequestCounter
from edge.route_docs import takes
from edge.sign_in_codes import SignInCodes
from schemas.http.requests import SignInTokens, UseSignInCode
from schemas.http.responses import NewSignInCode, Reply

REQUESTS_PER_HOUR = 1_000  # of all clients; a code has 128 bits, so this only bounds work and log lines
BODY_BYTES_MAX = 20_000  # two tokens
BODY_WITHIN_S = 10.0
T = TypeVar("T")
_JSON = "application/json"
_NOT_STORED = {"Cache-Control": "no-store"}
_code: msgspec.json.Decoder[UseSignInCode] = msgspec.json.Decoder(UseSignInCode)
_tokens: msgspec.json.Decoder[SignInTokens] = msgspec.json.Decoder(SignInTokens)


def sign_in_routes(
    codes: SignInCodes, verifier: TokenVerifier, counter: RequestCounter | None = None
) -> list[HTTPRouteHandler]:
    """Return the routes. ``counter`` counts their requests in the current hour."""
    requests = counter or RequestCounter()

    @post(
        "/login/code",
        status_code=200,
        operation_id="UseSignInCode",
        opt={**PUBLIC, **takes(UseSignInCode, to_log=False, refused_with=(401, 429))},
    )
    async def use_code(request: Request[Any, Any, Any]) -> Response[Reply[SignInTokens]]:
        """Exchange the code of a sign-in link for its tokens. A code works once, for at most an hour."""
        given = await _decoded(request, _code)
        await _count(requests)
        tokens = codes.use(given.code)
        if tokens is None:
            raise _unusable_code()
        return Response(Reply(tokens, {}), headers=_NOT_STORED)

    @post(
        "/login/new-code",
        status_code=201,
        operation_id="CreateSignInCode",
        opt={**PUBLIC, **takes(SignInTokens, to_log=False, refused_with=(401, 429))},
    )
    async def create_code(request: Request[Any, Any, Any]) -> Response[Reply[NewSignInCode]]:
        """Return a one-time code for a link that signs in with these tokens. Each must be valid."""
        tokens = await _decoded(request, _tokens)
        await _count(requests)
        try:
            for token in filter(None, (tokens.token, tokens.operator)):
                verifier.verify(token)
        except BadToken as error:
            raise _refused("bad_token", "A token in the body is not valid.") from error
        return Response(Reply(NewSignInCode(codes.add(tokens)), {}), headers=_NOT_STORED)

    return [use_code, create_code]


async def _decoded(request: Request[Any, Any, Any], decoder: msgspec.json.Decoder[T]) -> T:
    """Return the body. Raises `ApiError` (400, 408, 413, 415) and what the decoder raises."""
    if find_header(request.scope, b"content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise ApiError(415, "unsupported_media_type", f"The content type must be {_JSON}.")
    if find_header(request.scope, b"content-encoding", "identity").strip().lower() != "identity":
        raise ApiError(415, "unsupported_encoding", "The body must have no content encoding.")
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return decoder.decode(await _received(request))
    except TimeoutError as error:
        raise slow_body() from error


async def _received(request: Request[Any, Any, Any]) -> bytes:
    body, more = b"", True
    while more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise ApiError(400, "incomplete_body", "The body ended before it was complete.")
        body, more = body + message["body"], message["more_body"]
        if len(body) > BODY_BYTES_MAX:
            raise too_large()
    return body


async def _count(requests: RequestCounter) -> None:
    window = await requests.count("sign_in")
    if window.used > REQUESTS_PER_HOUR:
        message = "There were too many sign-in requests within an hour: wait, or paste a token instead."
        retry = {"Retry-After": str(window.ends_in_s)}
        raise ApiError(429, "rate_limited", message, headers=retry)


def _unusable_code() -> ApiError:
    message = (
        "This sign-in link was used before, has expired, or is from before a restart: get another with"
        " `crewkit-sessions open`, or paste a token that `crewkit-sessions token` prints."
    )
    return _refused("unusable_code", message)


def _refused(code: str, message: str) -> ApiError:
    return ApiError(401, code, message, headers={"WWW-Authenticate": "Bearer", **_NOT_STORED})
