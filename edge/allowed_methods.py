"""``Allow`` on the reply to OPTIONS: all methods of an address, whichever routers they come from.

Litestar answers OPTIONS for the first router alone that has the address.
"""

from collections.abc import Iterable

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import Scope

Header = tuple[bytes, bytes]
_STATE = "allowed_methods"


def learn_methods(app: Litestar) -> None:
    """Note, once, which methods each address has."""
    routes = (route for route in app.routes if isinstance(route, HTTPRoute))
    app.state[_STATE] = {route.path_format: ", ".join(sorted(route.route_handler_map)).encode() for route in routes}


def with_all_methods(app: Litestar, scope: Scope, headers: Iterable[Header]) -> list[Header]:
    """The headers of a reply to OPTIONS, ``Allow`` put right."""
    allowed = app.state[_STATE].get(scope.get("path_template"))
    return [(name, allowed if name == b"allow" and allowed else value) for name, value in headers]
