"""Who makes a request, as their token says."""

from typing import NamedTuple, cast

from litestar.types import Scope

from schemas.permissions import Role


class Principal(NamedTuple):
    """A user of an org, in a role."""

    user_id: str
    org_id: str
    role: Role


def principal_of(scope: Scope) -> Principal:
    """The caller of an authenticated route; as a dependency it is called ``principal``."""
    return cast(Principal, scope["user"])
