"""Guards of routes: they check org and role before the parameters are read."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from edge.errors import forbidden, not_found
from edge.principal import principal_of
from schemas.permissions import OPERATOR_ORG, Action, allows


class May:
    """A guard that exposes its action, for the documentation and the tests."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        principal = principal_of(connection.scope)
        if connection.path_params.get("org_id", OPERATOR_ORG) != principal.org_id:
            raise not_found()
        if not allows(principal.role, self.action):
            raise forbidden()


def may(action: Action) -> Guard:
    """Return a guard: 404 for callers of another org (which reveals nothing), 403 for roles that may not act.

    Paths without an org belong to operators of the installation.
    """
    return May(action)


def required_action(handler: BaseRouteHandler) -> Action | None:
    """Return the action that a route's guard requires; None for a public route."""
    return next((guard.action for guard in handler.guards or () if isinstance(guard, May)), None)
