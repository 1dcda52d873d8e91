"""`fold`: adds one fact, in log order, to its session's state. No clock, no client; same facts, same state.

It reads only what a row of `facts` holds, so folding from the table gives the same state as folding from the log. Two
tables say what each kind of fact and each type of hook event does: `LIFECYCLE` here, `HOOKS` in
`processors.fold.fold_hooks`.
"""

from collections.abc import Callable

import msgspec
from msgspec import UNSET

from processors.fold.amounts import again
from processors.fold.fold_hooks import hook_event
from processors.fold.spans import session_ended
from processors.fold.state import SessionState, Span
from processors.fold.tasks import span_over
from processors.fold.usage import take_report
from schemas.log.records import (
    EVENTS_RECORDED,
    AnyRecord,
    CompactionRequested,
    MetricsReported,
    SessionChanged,
    SessionCreated,
    SessionDescribed,
    SessionEnded,
)
from schemas.store.rows import FactRow

# Of fold, projections, derivations and rollup SQL together: changing their output requires a new generation.
# 2: adds search words, and analyses of ended sessions; half a pair isn't a success. 3: rollups follow `sessions`.
# 4: counts what agents really send: spans, refused and cancelled tool uses, prompts of users, the ledger of usage
# 5: joins prompts of hooks and telemetry by their id, and detects denied tool uses by what did not happen
# 6: amounts by the time when they happened, and costs that add up over models, agents and time
FOLD_VERSION = 6

# Of a description: used where neither a create nor a change gave a value.
DESCRIBED = ("trigger", "parent_id", "relation", "remote_url", "repo", "branch")
_records: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


def begin(row: FactRow) -> SessionState:
    """Return the state before a session's first fact, which fixes the session's start permanently."""
    started_at = row.timestamp
    if row.kind == SessionCreated.__struct_config__.tag:
        given: int | None = _records.decode(row.data).started_at  # type: ignore[union-attr]  # the tag says so
        started_at = row.received_at if given is None else given
    return SessionState(
        org_id=row.org_id,
        session_id=row.session_id,
        log_partition=row.log_partition,
        started_at=started_at,
        user_id=row.user_id,
        spans=[Span(started_at)],
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
        return True
    labels = _labels(state)
    LIFECYCLE[row.kind](state, _records.decode(row.data))
    if _labels(state) != labels:
        again(state)  # every bucket has other names
    return True


def _labels(state: SessionState) -> tuple[str | None, ...]:
    """Return the names by which amounts are grouped; `processors.projections.sessions` shows the same."""
    repo = state.repo or state.described.get("repo")
    return state.project_id, repo, state.agent_name, state.user_id, state.model


def _session_created(state: SessionState, record: SessionCreated) -> None:
    """Apply a create. Values that were changed since stay: records can overtake one another on their way."""
    state.created = True
    state.user_id = record.actor.user_id
    state.run_id, state.parent_id, state.relation = record.run_id, record.parent_id, record.relation
    state.external_id, state.trigger = record.external_id, record.trigger
    state.created_for = state.created_for or record.client
    state.client = state.client or record.client
    state.repository_id, state.repo, state.remote_url = record.repository_id, record.repo, record.remote_url
    state.component, state.created_model = record.component, record.model
    for name in ("project_id", "agent_name", "branch", "title"):
        if getattr(state, name) is None:
            setattr(state, name, getattr(record, name))


def _session_described(state: SessionState, record: SessionDescribed) -> None:
    """Take what a client says about its session; the latest values count."""
    state.client, state.client_version = record.client, record.client_version or state.client_version
    for name in DESCRIBED:
        if (value := getattr(record, name)) is not None:
            state.described[name] = str(value)


def _session_changed(state: SessionState, record: SessionChanged) -> None:
    """Apply a change: None clears a field, an unset field stays."""
    for name in ("title", "summary", "branch", "agent_name", "project_id"):
        if (value := getattr(record, name)) is not UNSET:
            setattr(state, name, value)
            state.changed[name] = None
    take_report(state, record.report, record.received_at)


def _session_ended(state: SessionState, record: SessionEnded) -> None:
    """Apply an end. The first one of a span wins; a later one may still bring newer totals, or a summary."""
    ended_at = session_ended(state, record.ended_at, record.received_at, record.outcome)
    if ended_at is not None:
        span_over(state, ended_at)
    if record.summary is not None:
        state.summary = record.summary
    take_report(state, record.report, record.received_at, record.ended_at)


LIFECYCLE: dict[str, Callable[[SessionState, AnyRecord], None]] = {
    str(kind.__struct_config__.tag): step  # type: ignore[misc]  # each step takes the record of its tag
    for kind, step in (
        (SessionCreated, _session_created),
        (SessionDescribed, _session_described),
        (MetricsReported, lambda state, record: take_report(state, record.report, record.received_at)),
        (SessionChanged, _session_changed),
        (SessionEnded, _session_ended),
        (CompactionRequested, lambda *_: None),  # the digest is derived from the facts before the request
    )
}
