"""Which states of sessions are kept in the store, and their rows.

A projector that does not have a session in memory folds it from its facts. For a long one that takes a second. So its
state is stored at intervals, and only later facts are folded. A state is a function of the log below its version. So
any worker may store it once its facts are in the store, and it may be deleted at any time.
"""

from functools import reduce
from math import log
from operator import xor
from uuid import UUID

from processors.fold.state import LAYOUT, SessionState, freeze
from schemas.store.rows import SessionStateRow

FACTS_MIN = 10_000  # which take 0.1 s to fold
GROWTH = 1.125  # from one kept state to the next: at most a ninth of the facts come after it
NO_LAYOUT = 0
_HALF = (1 << 64) - 1


def is_kept(before: int, after: int) -> bool:
    """Return whether a session that grew from ``before`` to ``after`` facts reached a size at which it is kept."""
    return _sizes_reached(after) > _sizes_reached(before)


def state_row(state: SessionState) -> SessionStateRow:
    """Return the row of a state whose tasks were taken."""
    ids = reduce(xor, state.seen, 0)
    return SessionStateRow(
        log_partition=state.log_partition,
        org_id=state.org_id,
        session_id=state.session_id,
        version=state.version,
        started_at=state.started_at,
        layout=LAYOUT,
        facts=len(state.seen),
        ids_high=ids >> 64,
        ids_low=ids & _HALF,
        state=freeze(state),
    )


def no_state(partition: int, session: tuple[str, UUID], version: int) -> SessionStateRow:
    """Return the row that replaces an older state, which must not be used any more: no code knows its layout."""
    return SessionStateRow(partition, *session, version, 0, NO_LAYOUT, 0, 0, 0, b"")


def _sizes_reached(facts: int) -> int:
    return 1 + int(log(facts / FACTS_MIN, GROWTH)) if facts >= FACTS_MIN else 0
