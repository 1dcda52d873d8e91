"""Unknown query parameters are refused, so that a misspelt filter never silently filters nothing."""

from typing import Any
from urllib.parse import parse_qsl

from litestar import Litestar, Request
from litestar.routes import HTTPRoute

from edge.errors import invalid

ALSO_KNOWN = "query_parameters"  # the `opt` in which a route names those that it reads by itself
_STATE = "known_query_parameters"


def learn_parameters(app: Litestar) -> None:
    """Note, once, which query parameters each route (with its dependencies) declares."""
    known: dict[int, frozenset[str]] = {}
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler, model in route.route_handler_map.values():
                declared = (parameter.field_alias for parameter in model.expected_query_params)
                known[id(handler)] = frozenset((*declared, *handler.opt.get(ALSO_KNOWN, ())))
    app.state[_STATE] = known


async def refuse_unknown_parameters(request: Request[Any, Any, Any]) -> None:
    """A `before_request` hook of the whole service.

    Raises:
        ApiError: 422 with the names that the route does not know.
    """
    if not (query := request.scope["query_string"]):
        return
    known = request.app.state[_STATE].get(id(request.scope["route_handler"]), frozenset())
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    if unknown := {name: ["is not a known parameter"] for name, _ in given if name not in known}:
        raise invalid(unknown)
