"""The header `X-Complete-Through`, on every response of a route that reads, errors included."""

from typing import cast

from litestar.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Complete-Through"
_KEY = "complete_through"


def remember_complete_through(scope: Scope, instant: str) -> None:
    """Note what this response may claim: it contains everything accepted before ``instant``."""
    scope[_KEY] = instant  # type: ignore[literal-required]  # a key of our own beside ASGI's


def freshness_header(app: ASGIApp) -> ASGIApp:
    """ASGI middleware that adds the header to each response of a request that took a snapshot."""

    async def with_header(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start" and _KEY in scope:
                instant = cast(str, scope[_KEY])  # type: ignore[literal-required]  # see above
                message["headers"] = [*message["headers"], (HEADER.lower().encode(), instant.encode())]
            await send(message)

        await app(scope, receive, send_with_header)

    return with_header
