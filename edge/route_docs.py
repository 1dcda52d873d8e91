"""What a route says of itself for the documentation where its signature can't: its body, an example of its answer."""

from typing import Any

from litestar.handlers import BaseRouteHandler

_BODY, _OPTIONAL, _EXAMPLE = "body", "body_optional", "example"


def takes(kind: type, *, optional: bool = False) -> dict[str, Any]:
    """The ``opt`` of a route whose JSON body is of this kind: routes read bodies by themselves, limits first."""
    return {_BODY: kind, _OPTIONAL: optional}


def responds_with(example: Any) -> dict[str, Any]:
    """The ``opt`` of a route whose answer has names of its own, or is no JSON at all."""
    return {_EXAMPLE: example}


def body_type(handler: BaseRouteHandler) -> type | None:
    """The kind of body that a route takes, None for none."""
    kind: type | None = handler.opt.get(_BODY)
    return kind


def requires_body(handler: BaseRouteHandler) -> bool:
    """Whether a call without its body is refused."""
    return not handler.opt.get(_OPTIONAL)


def response_example(handler: BaseRouteHandler) -> Any:
    """The example that a route gives by itself, None where it is put together from those of its fields."""
    return handler.opt.get(_EXAMPLE)
