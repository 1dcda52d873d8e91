"""Whose sessions and numbers a caller may see, and how a response hides that there are others."""

import asyncio
from time import monotonic

from edge.errors import forbidden
from edge.principal import Principal
from schemas.permissions import allows

INTERVAL_S = 0.05  # a question about one row takes much less, so nearly all responses leave after one interval


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


async def hide_timing(began: float) -> None:
    """Wait until a multiple of `INTERVAL_S` has passed since ``began``, as of `time.monotonic`.

    For responses whose timing would reveal what the store contains.
    """
    await asyncio.sleep((began - monotonic()) % INTERVAL_S)
