"""Whose sessions and numbers a caller may see."""

from edge.errors import forbidden
from edge.principal import Principal
from schemas.permissions import allows


def sees_all(principal: Principal) -> bool:
    """Return whether the caller sees the sessions, and the names, of all users of the org."""
    return allows(principal.role, "session.read_all")


def viewer_of(principal: Principal) -> str | None:
    """Return the one user whose sessions the caller sees, or None if the caller sees those of all users."""
    return None if sees_all(principal) else principal.user_id


def refuse_other_users(principal: Principal, user_id: str | None) -> None:
    """Raise 403 if the caller names another user whose numbers they may not see."""
    if user_id not in (None, principal.user_id) and not allows(principal.role, "analytics.by_user"):
        raise forbidden()
