"""The caller of a request, as named by the token."""

from typing import NamedTuple, cast

from litestar.di import NamedDependency
from litestar.types import Scope

from schemas.permissions import Role


class Principal(NamedTuple):
    """A user of an org, with a role."""

    user_id: str
    org_id: str
    role: Role


Caller = NamedDependency[Principal]  # of a route; the parameter is named ``principal``


def principal_of(scope: Scope) -> Principal:
    """Return the caller of an authenticated request."""
    return cast(Principal, scope["user"])
