"""`fold`: adds one fact, in log order, to its session's state. No clock, no client; same facts, same state.

It reads only what a row of `facts` holds, so folding from the table gives the same state as folding from the log. Two
tables say what each kind of fact and each type of hook event does: `LIFECYCLE` here, `HOOKS` in
`processors.fold.fold_hooks`.
"""

from collections.abc import Callable

import msgspec
from msgspec import UNSET

from processors.fold.fold_hooks import hook_event
from processors.fold.state import SessionState
from processors.projections.records import EVENTS_RECORDED
from schemas.log.records import (
    AnyRecord,
    CompactionRequested,
    MetricsReport,
    MetricsReported,
    SessionChanged,
    SessionCreated,
    SessionEnded,
)
from schemas.store.rows import FactRow

# Of fold, projections, derivations and rollup SQL together: changing their output requires a new generation.
# 2: adds search words, and analyses of ended sessions; half a pair is no success. 3: rollups follow `sessions`
FOLD_VERSION = 3

_records: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


def begin(row: FactRow) -> SessionState:
    """Return the state before a session's first fact, which fixes the session's start for ever."""
    return SessionState(
        org_id=row.org_id,
        session_id=row.session_id,
        log_partition=row.log_partition,
        started_at=_started_at(row),
        user_id=row.user_id,
    )


def fold(state: SessionState, row: FactRow) -> bool:
    """Count one fact and return whether it was new. An id counts once in its session, even if a copy differs."""
    event_id = row.event_id.int
    if event_id in state.seen:
        return False
    state.seen[event_id] = None
    state.version = row.log_offset + 1
    for rule, count in row.redactions.items():
        state.redactions[rule] = state.redactions.get(rule, 0) + count
    if row.kind == EVENTS_RECORDED:
        hook_event(state, row)
    else:
        LIFECYCLE[row.kind](state, _records.decode(row.data))
    return True


def _started_at(row: FactRow) -> int:
    if row.kind != SessionCreated.__struct_config__.tag:
        return row.timestamp
    started_at: int | None = _records.decode(row.data).started_at  # type: ignore[union-attr]  # the tag says so
    return row.received_at if started_at is None else started_at


def _session_created(state: SessionState, record: SessionCreated) -> None:
    """Apply a create. Values that were changed since stay: records can overtake one another on their way."""
    state.created = True
    state.user_id = record.actor.user_id
    state.run_id, state.parent_id, state.relation = record.run_id, record.parent_id, record.relation
    state.external_id, state.trigger = record.external_id, record.trigger or "interactive"
    state.repository_id, state.repo, state.remote_url = record.repository_id, record.repo, record.remote_url
    state.component, state.created_model = record.component, record.model
    for name in ("project_id", "agent_name", "branch", "title"):
        if getattr(state, name) is None:
            setattr(state, name, getattr(record, name))


def _metrics_reported(state: SessionState, record: MetricsReported) -> None:
    _take_report(state, record.report, record.received_at)


def _session_changed(state: SessionState, record: SessionChanged) -> None:
    """Apply a change: None clears a field, an unset field stays."""
    for name in ("title", "summary", "branch", "agent_name", "project_id"):
        value = getattr(record, name)
        if value is not UNSET:
            setattr(state, name, value)
    _take_report(state, record.report, record.received_at)


def _session_ended(state: SessionState, record: SessionEnded) -> None:
    """Apply an end. The first one wins; a later one may still bring newer totals, or a summary."""
    if state.ended_at is None:
        ended_at = record.received_at if record.ended_at is None else record.ended_at
        state.ended_at, state.outcome = max(ended_at, state.started_at), record.outcome
    if record.summary is not None:
        state.summary = record.summary
    _take_report(state, record.report, record.received_at)


def _compaction_requested(state: SessionState, record: CompactionRequested) -> None:
    """Change nothing: the digest is derived from the facts before the request."""


def _take_report(state: SessionState, report: MetricsReport | None, received_at: int) -> None:
    """Replace the totals. The higher `reported_at` is the later report; without one the log's order decides."""
    if report is None:
        return
    before = None if state.report is None else state.report.reported_at
    if before is not None and report.reported_at is not None and report.reported_at < before:
        return
    state.report, state.report_received_at = report, received_at


LIFECYCLE: dict[str, Callable[[SessionState, AnyRecord], None]] = {
    str(kind.__struct_config__.tag): step  # type: ignore[misc]  # each step takes the record of its tag
    for kind, step in (
        (SessionCreated, _session_created),
        (MetricsReported, _metrics_reported),
        (SessionChanged, _session_changed),
        (SessionEnded, _session_ended),
        (CompactionRequested, _compaction_requested),
    )
}
