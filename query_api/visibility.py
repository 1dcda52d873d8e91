"""Whose sessions and numbers a caller may see, and when a response that shows none of them leaves."""

import asyncio
from time import monotonic

from edge.errors import forbidden
from edge.principal import Principal
from schemas.permissions import allows

CLASS_S = 0.05  # well above the time of a question about one row, so that nearly all of them leave after one interval


def sees_all(principal: Principal) -> bool:
    """Return whether the caller sees the sessions, and the names, of all users of the org."""
    return allows(principal.role, "session.read_all")


def viewer_of(principal: Principal) -> str | None:
    """Return the one user whose sessions the caller sees, or None if the caller sees those of all users."""
    return None if sees_all(principal) else principal.user_id


def refuse_other_users(principal: Principal, user_id: str | None) -> None:
    """Raise 403 if the caller names another user and may not see that user's numbers."""
    if user_id not in (None, principal.user_id) and not allows(principal.role, "analytics.by_user"):
        raise forbidden()


async def end_of_class(began: float) -> None:
    """Wait until a multiple of `CLASS_S` has passed since ``began``, as of `time.monotonic`."""
    await asyncio.sleep((began - monotonic()) % CLASS_S)
