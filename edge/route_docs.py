"""What is documented about a route's body: routes read bodies themselves, so their signatures do not name the type."""

from typing import Any, NamedTuple


class BodyDoc(NamedTuple):
    """The JSON body of a route.

    ``to_log``: the route appends to the log, and its response names the position. ``or_one``: another type that the
    body may have instead; then the response is 204. ``undecodable``: its 400 has the shape that OTLP prescribes.
    ``refused_with``: errors beyond those of every route with a body.
    """

    kind: type
    optional: bool = False
    to_log: bool = True
    or_one: type | None = None
    undecodable: bool = False
    refused_with: tuple[int, ...] = ()


def takes(kind: type, **more: Any) -> dict[str, BodyDoc]:
    """Return the ``opt`` of a route with this body; ``more`` are fields of `BodyDoc`."""
    return {"body": BodyDoc(kind, **more)}
