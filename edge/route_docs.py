"""Documentation of a route that its signature cannot express: body type and example response."""

from typing import Any

from litestar.handlers import BaseRouteHandler

_BODY, _OPTIONAL, _EXAMPLE = "body", "body_optional", "example"


def takes(kind: type, *, optional: bool = False) -> dict[str, Any]:
    """Return the ``opt`` of a route with this JSON body. Routes read bodies themselves, to check limits first."""
    return {_BODY: kind, _OPTIONAL: optional}


def responds_with(example: Any) -> dict[str, Any]:
    """Return the ``opt`` of a route whose response is not composed of documented fields, or not JSON."""
    return {_EXAMPLE: example}


def body_type(handler: BaseRouteHandler) -> type | None:
    """Return the type of a route's body; None if it has no body."""
    kind: type | None = handler.opt.get(_BODY)
    return kind


def requires_body(handler: BaseRouteHandler) -> bool:
    """Return whether the body is required."""
    return not handler.opt.get(_OPTIONAL)


def response_example(handler: BaseRouteHandler) -> Any:
    """Return the example that a route declares; None if its fields' examples compose it."""
    return handler.opt.get(_EXAMPLE)
