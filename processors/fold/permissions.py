"""Which tool uses were denied.

A `PermissionRequest` names a tool and its input, but not a use. A use is denied if its turn has a request for this tool
and input, its batch names it, and it never ran. The batch's answer text decides only if there is no such request, for
example because a rule in the settings denies the use. The order of the facts does not matter.
"""

from processors.fold.parsed import Parsed
from processors.fold.state import SessionState, TaskState
from processors.fold.tasks import touch
from schemas.store.rows import FactRow

ASKED, BATCHED, RAN, DENIED_BY_TEXT = 1, 2, 4, 8  # bits of `TaskState.signs`


def is_denied(use: TaskState) -> bool:
    """Return whether a use did not run because it was not permitted."""
    if use.denied:
        return True
    is_refused = bool(use.signs & DENIED_BY_TEXT) or use.signs & (ASKED | BATCHED) == ASKED | BATCHED
    return is_refused and not use.signs & RAN


def batched(state: SessionState, use: TaskState, *, is_denied_by_text: bool) -> None:
    """Note that a batch names a use, and whether its answer says that it was denied."""
    use.signs |= BATCHED | DENIED_BY_TEXT if is_denied_by_text else BATCHED
    _match(state, use)


def may_ask(state: SessionState, use: TaskState, permission: str) -> None:
    """Note what a use would ask for; the first of several payloads counts."""
    if not use.permission and not use.signs & RAN:
        use.permission = permission
        _match(state, use)


def permission_requested(state: SessionState, _: FactRow, parsed: Parsed) -> None:
    """Note that the client asked a user for a permission."""
    if not parsed.permission:
        return
    state.permissions[parsed.permission] = None
    for name in state.may_ask.pop(parsed.permission, ()):
        state.uses[name].signs |= ASKED
        touch(state, state.uses[name])


def has_run(use: TaskState) -> None:
    """Note that a use ran, so it no longer needs permission."""
    use.signs |= RAN
    use.permission = ""


def _match(state: SessionState, use: TaskState) -> None:
    """Look for the request of a use; it matters only for a use that is in a batch and did not run."""
    if not use.signs & BATCHED or not use.permission:
        return
    if use.permission in state.permissions:
        use.signs |= ASKED
    else:
        state.may_ask.setdefault(use.permission, []).append(use.task_id)
