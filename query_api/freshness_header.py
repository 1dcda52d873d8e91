"""`X-Complete-Through` on whatever a read answers, errors included."""

from typing import cast

from litestar.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Complete-Through"
_KEY = "complete_through"


def remember_complete_through(scope: Scope, instant: str) -> None:
    """Note what this reply may claim: everything accepted before ``instant`` is in it."""
    scope[_KEY] = instant  # type: ignore[literal-required]  # a key of our own beside ASGI's


def stamp_replies(app: ASGIApp) -> ASGIApp:
    """ASGI middleware that adds the header to each reply of a request which took a snapshot."""

    async def stamped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_stamped(message: Message) -> None:
            if message["type"] == "http.response.start" and _KEY in scope:
                instant = cast(str, scope[_KEY])  # type: ignore[literal-required]  # see above
                message["headers"] = [*message["headers"], (HEADER.lower().encode(), instant.encode())]
            await send(message)

        await app(scope, receive, send_stamped)

    return stamped
