"""Python runs this at its start where this folder is in PYTHONPATH: the processes are of a later version.

In that version a bug of a projection is fixed, so the fold version is higher: a session that has events after its end
lasted until the last of them.
"""

from processors.fold import fold
from processors.fold.state import SessionState
from processors.projections import sessions

fold.FOLD_VERSION = 99


def _duration_ms(state: SessionState) -> int | None:
    known = [at for at in (state.ended_at, state.last_event_at) if at is not None]
    return max(0, max(known) - state.started_at) if known else None


sessions.duration_ms = _duration_ms  # type: ignore[attr-defined]  # the name that it imports
