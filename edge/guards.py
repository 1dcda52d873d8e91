"""Who may do what, asked before a route's parameters are even read."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from edge.errors import forbidden, not_found
from edge.principal import principal_of
from schemas.permissions import OPERATOR_ORG, Action, allows


class May:
    """A guard that knows what it asks for, so that documentation and tests can ask it."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        principal = principal_of(connection.scope)
        if connection.path_params.get("org_id", OPERATOR_ORG) != principal.org_id:
            raise not_found()
        if not allows(principal.role, self.action):
            raise forbidden()


def may(action: Action) -> Guard:
    """Refuse whoever is of another org than the path's (404, so nothing is learned), or of a role that may not (403).

    A path without an org belongs to those who run the installation.
    """

    return May(action)


def required_action(handler: BaseRouteHandler) -> Action | None:
    """What a route's guard asks for; None for a route that is open to all."""
    return next((guard.action for guard in handler.guards or () if isinstance(guard, May)), None)
