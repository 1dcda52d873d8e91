"""Answers requests of hot write routes without Litestar, which takes longer than all other steps of a small request.

A door runs the route's own function with the route's own dependencies, and answers errors with the route's own
handlers, so both ways answer the same. It takes only requests that need nothing else: a valid token of the org in the
path, no query, no ``Origin``. Any other request goes to Litestar, untouched.
"""

import inspect
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast

import msgspec
from litestar import Litestar, MediaType, Request, Response
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import HTTPScope, Receive, Send

from edge.authentication import BadToken, TokenVerifier
from edge.error_responses import respond_to_error
from edge.guards import May, required_action
from edge.principal import Principal
from edge.rate_limits import RateLimits, Spending, limit_headers, spend
from schemas.permissions import allows

_BEARER = b"Bearer "
_HOST = re.compile(rb"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?|\[[0-9A-Fa-f:]{2,39}\](?::[0-9]{1,5})?")
_PARAMETER = re.compile(r"\{(\w+)\}")
Headers = list[tuple[bytes, bytes]]
DIRECT = {"direct": True}  # the `opt` of a route behind the door
_encode = msgspec.json.Encoder().encode


class DoorRequest(NamedTuple):
    """What dependencies use of a request."""

    scope: HTTPScope
    receive: Receive
    path_params: Mapping[str, str]


class _Route:
    """A route of Litestar whose parameters are dependencies on the request, or parts of the path."""

    def __init__(self, template: str, handler: HTTPRouteHandler, dependencies: Mapping[str, Provide]) -> None:
        self.template = template
        self.pattern = re.compile(_PARAMETER.sub(r"(?P<\1>[^/]+)", template))
        self.action = required_action(handler)
        self.handler = handler
        self._run: Any = handler.fn
        names = inspect.signature(self._run).parameters
        self._given = {name: dependencies[name].dependency for name in names if name in dependencies}
        self._from_path = [name for name in names if name not in dependencies]
        if unknown := set(self._from_path) - self.pattern.groupindex.keys():
            raise ValueError(f"{template}: a door can't provide {', '.join(sorted(unknown))}")
        if not all(isinstance(guard, May) for guard in handler.resolve_guards()):
            raise ValueError(f"{template}: a door checks no other guards than `may`")

    async def respond(self, request: DoorRequest) -> Response[Any]:
        arguments = {name: provide(request) for name, provide in self._given.items()}
        arguments |= {name: request.path_params[name] for name in self._from_path}
        return cast(Response[Any], await self._run(**arguments))


class Door:
    """The door of one app, in front of its `DIRECT` routes."""

    def __init__(
        self, app: Litestar, dependencies: Mapping[str, Provide], verifier: TokenVerifier, limits: RateLimits | None
    ) -> None:
        self._app, self._verifier, self._limits = app, verifier, limits
        self._routes = [
            _Route(route.path_format, handler, dependencies)
            for route in app.routes
            if isinstance(route, HTTPRoute)
            for handler in route.route_handlers
            if handler.opt.get("direct")
        ]

    async def answer(self, scope: HTTPScope, receive: Receive, send: Send) -> bool:
        """Answer a request; return False, and change nothing, if it is one for Litestar."""
        if scope["method"] != "POST" or scope["query_string"]:
            return False
        path = scope["path"]
        for route in self._routes:
            if (match := route.pattern.fullmatch(path)) is not None:
                break
        else:
            return False
        caller = self._caller(scope)
        if caller is None or caller.org_id != match["org_id"] or not allows(caller.role, cast(Any, route.action)):
            return False
        scope["user"], scope["path_template"] = caller, route.template
        scope.setdefault("state", {})
        spending: Spending | None = None
        try:
            if self._limits is not None:
                spending = await spend(self._limits, caller, scope)
            response = await route.respond(DoorRequest(scope, receive, match.groupdict()))
            status, headers, body = _rendered(response, route.handler)
        except Exception as error:
            await self._refuse(error, route, spending, scope, receive, send)
            return True
        await send({"type": "http.response.start", "status": status, "headers": headers + limit_headers(spending)})
        await send({"type": "http.response.body", "body": body, "more_body": False})
        return True

    def _caller(self, scope: HTTPScope) -> Principal | None:
        token: bytes | None = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                if token is not None or not value.startswith(_BEARER):
                    return None
                token = value[len(_BEARER) :]
            elif name == b"origin" or (name == b"host" and not _is_plain(value)):
                return None
        try:
            return None if token is None else self._verifier.verify(token.decode("ascii"))
        except (BadToken, UnicodeDecodeError):
            return None

    async def _refuse(
        self,
        error: Exception,
        route: _Route,
        spending: Spending | None,
        scope: HTTPScope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer as Litestar does: with the handler for the error's nearest class."""
        handlers: Mapping[Any, Any] = route.handler.resolve_exception_handlers()
        handle = next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)
        scope["app"] = scope["litestar_app"] = self._app
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        try:
            response = handle(request, error).to_asgi_response(None, request)
        except Exception as second:
            response = respond_to_error(request, second).to_asgi_response(None, request)
        for name, value in limit_headers(spending):
            response.headers.add(name.decode(), value.decode())
        await response(scope, receive, send)


def _rendered(response: Response[Any], handler: HTTPRouteHandler) -> tuple[int, Headers, bytes]:
    """Return status, headers and body of a response."""
    status = response.status_code or handler.status_code
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.headers.items()]
    if response.content is None:
        return status, headers, b""
    content, media = response.content, response.media_type or MediaType.JSON.value
    body = content if isinstance(content, bytes) else _encode(content)
    return status, [*headers, (b"content-type", media.encode()), (b"content-length", b"%d" % len(body))], body


@lru_cache(64)
def _is_plain(host: bytes) -> bool:
    """Return whether a ``Host`` is surely valid; Litestar answers the others."""
    return _HOST.fullmatch(host) is not None
