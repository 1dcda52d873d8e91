"""Documentation of a route that its signature cannot express: body type and example response."""

from typing import Any

from litestar.handlers import BaseRouteHandler

_BODY, BODY_OPTIONAL, EXAMPLE, TO_LOG = "body", "body_optional", "example", "to_log"
OR_ONE, UNDECODABLE = "or_one", "undecodable"


def takes(
    kind: type,
    *,
    optional: bool = False,
    to_log: bool = True,
    or_one: type | None = None,
    undecodable: bool = False,
) -> dict[str, Any]:
    """Return the ``opt`` of a route with this JSON body. Routes read bodies themselves, to check limits first.

    ``to_log``: the route appends to the log, and its response names the position. ``or_one``: another type that the
    body may have instead; then the response is 204. ``undecodable``: its 400 has the shape that OTLP prescribes.
    """
    return {_BODY: kind, BODY_OPTIONAL: optional, TO_LOG: to_log, OR_ONE: or_one, UNDECODABLE: undecodable}


def responds_with(example: Any) -> dict[str, Any]:
    """Return the ``opt`` of a route whose response is not composed of documented fields, or not JSON."""
    return {EXAMPLE: example}


def other_body_type(handler: BaseRouteHandler) -> type | None:
    """Return the type that a route's body may have instead; its response is 204."""
    kind: type | None = handler.opt.get(OR_ONE)
    return kind


def body_type(handler: BaseRouteHandler) -> type | None:
    """Return the type of a route's body; None if it has no body."""
    kind: type | None = handler.opt.get(_BODY)
    return kind
