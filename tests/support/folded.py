"""Folded states for tests, of any number of facts."""

import random
from collections.abc import Iterable
from uuid import UUID

from prices.price_list import PriceList, list_prices
from processors.fold.fold import begin, fold
from processors.fold.state import SessionState
from processors.projections.records import facts_of
from processors.projections.sessions import session_row, task_row
from schemas.log.codec import decode
from schemas.log.position import LogRecord
from schemas.log.records import AnyErasure, AnyRecord, Erased, Event, PricesLoaded
from schemas.store.rows import FactRow, SessionRow, TaskRow
from tests.support.builders import ORG, T0, LogBuilder, recorded, session_id

SESSION = session_id("folded")
_TEXTS = dict.fromkeys(("tool_name", "tool_use_id", "agent_id", "agent_type", "task_id", "label", "model"), "")


def fact_row(session: UUID, number: int, event_type: str = "UserPromptSubmit", **fields: str) -> FactRow:
    """Return the n-th fact of a session; ids differ."""
    return FactRow(
        org_id=ORG,
        session_id=session,
        kind="events_recorded",
        user_id="alice",
        role="member",
        received_at=T0,
        log_partition=session.int % 2,
        log_offset=number,
        log_index=0,
        event_id=UUID(int=random.Random(session.int + number).getrandbits(128)),
        place=number << 16,
        timestamp=T0 + number,
        event_type=event_type,
        **{**_TEXTS, **fields},  # type: ignore[arg-type]  # texts
        seq=None,
        duration_ms=None,
        redactions={},
        data=b"",
    )


def folded(session: UUID, facts: int, with_tools: bool = True) -> SessionState:
    """Return the state of a session with this many facts: alternating prompts and tool calls, or only prompts."""
    state = begin(fact_row(session, 0))
    for number in range(facts):
        if with_tools and number % 2:
            fold(state, fact_row(session, number, "PreToolUse", tool_name="Bash", tool_use_id=f"toolu_{number:024x}"))
        else:
            fold(state, fact_row(session, number, label="Please fix the failing test of the billing module."))
    state.take_changed()
    return state


def fold_log(log: Iterable[LogRecord], partitions: int) -> dict[tuple[str, str], SessionState]:
    """Return the states of the sessions of a log, by org and id."""
    states: dict[tuple[str, str], SessionState] = {}
    for log_record in log:
        if not (log_record.value or b"").startswith(b"{"):
            continue
        record = decode(log_record, partitions)
        if isinstance(record, PricesLoaded | AnyErasure | Erased):
            continue
        for row in facts_of(log_record, record).rows:
            key = row.org_id, str(row.session_id)
            states[key] = states.get(key) or begin(row)
            fold(states[key], row)
    return states


def state_of(*facts: AnyRecord | Event) -> SessionState:
    """Return the state of a session after these facts, one record each."""
    log, state = LogBuilder(), None
    for fact in facts:
        (log_record,) = log.add(recorded(SESSION, fact) if isinstance(fact, Event) else fact)
        record = decode(log_record, log.partitions)
        assert not isinstance(record, PricesLoaded | AnyErasure | Erased)  # they have no facts
        for row in facts_of(log_record, record).rows:
            state = state or begin(row)
            fold(state, row)
    assert state is not None
    return state


def row_of(*facts: AnyRecord | Event, prices: PriceList | None = None) -> SessionRow:
    """Return the row of that session."""
    return session_row(state_of(*facts), prices or list_prices())


def tasks_of(*facts: AnyRecord | Event) -> dict[str, TaskRow]:
    """Return the rows of its subagents, tasks and tool calls by id."""
    state = state_of(*facts)
    return {task.task_id: task_row(state, task) for task in state.take_changed()[0]}
