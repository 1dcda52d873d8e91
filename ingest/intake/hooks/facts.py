"""From payloads and reports to the facts of their sessions. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec import Raw

from agents.client import Client
from ingest.intake.agent_sessions.session import (
    WRONG_SESSION_ID,
    AgentSession,
    Description,
    SessionFacts,
    agent_session,
    is_client_session_id,
)
from ingest.intake.context import CommandContext, Invalid
from ingest.intake.hooks.payload import Payload, moment_of, outcome_of, own_time, read_payload
from ingest.intake.sessions.metrics_report import FIELD, to_report
from ingest.intake.times import OUT_OF_RANGE, checked_ms, is_plausible
from schemas.http.requests import SESSIONS_PER_BATCH_MAX, HookContext, RecordHook, ReportSession
from schemas.ids import derived_event_digest, derived_uuid, event_id_hasher, event_ids
from schemas.log.records import Event, LifecycleRecord, MetricsReport, MetricsReported, SessionEnded, WorkTotals

_COUNTS = ("lines_added", "lines_removed", "commits", "pull_requests")  # of `WorkDone`


class Hook(NamedTuple):
    """An accepted payload. If ``id`` is None, it is derived from session and payload."""

    payload: Payload
    timestamp: int
    id: UUID | None = None
    context: HookContext | None = None


def single_hook(data: bytes, client: Client, received_at: int) -> Hook:
    """Return the hook of a body that is one payload. Raises as `read_payload`, and `Invalid` for a wrong time."""
    payload = read_payload(data, client)
    return Hook(payload, _checked(own_time(payload.head), "timestamp", received_at))


def batched_hook(hook: RecordHook, client: Client, received_at: int) -> Hook:
    """Return the hook of an item of a batch; raises the same as `single_hook`."""
    payload = read_payload(bytes(hook.payload), client)
    at = checked_ms(hook.at, "at", received_at)
    timestamp = at if at is not None else _checked(own_time(payload.head), "payload.timestamp", received_at)
    return Hook(payload, timestamp, hook.id, hook.context)


def checked_report(report: ReportSession, received_at: int) -> tuple[str, MetricsReport]:
    """Return the client's id for the session, and the report as the log stores it.

    Raises `Invalid` if it reports nothing, or has a wrong value.
    """
    if not is_client_session_id(report.session_id):
        raise Invalid("session_id", WRONG_SESSION_ID)
    if report.model_metrics is None and report.work is None:
        raise Invalid(FIELD, "is required unless `work` is given")
    of_models = MetricsReport() if report.model_metrics is None else to_report(report.model_metrics, received_at)
    at = checked_ms(report.at, "at", received_at)
    reported_at = at if at is not None else of_models.reported_at or received_at
    work = None
    if report.work is not None:
        counts = {name: getattr(report.work, name) or 0 for name in _COUNTS}
        work = WorkTotals(active_ms=round((report.work.active_seconds or 0) * 1000), **counts)
    return report.session_id, MetricsReport(of_models.models, reported_at, work, report.incomplete)


def session_facts(
    hooks: Iterable[Hook], reports: Iterable[tuple[str, MetricsReport]], client: Client, context: CommandContext
) -> list[SessionFacts]:
    """Return the facts of each session, in the client's order; reports come before the session's first end.

    Raises `Invalid` if there are too many sessions.
    """
    of_session: dict[str, tuple[list[Hook], list[MetricsReport]]] = {}
    for hook in hooks:
        of_session.setdefault(hook.payload.head.session_id, ([], []))[0].append(hook)
    for name, report in reports:
        of_session.setdefault(name, ([], []))[1].append(report)
    if len(of_session) > SESSIONS_PER_BATCH_MAX:  # each takes two appends or more
        raise Invalid("hooks", f"must name at most {SESSIONS_PER_BATCH_MAX} sessions, reports included")
    return [_of_session(name, *brought, client, context) for name, brought in of_session.items()]


def _of_session(
    name: str, hooks: Sequence[Hook], reports: Sequence[MetricsReport], client: Client, context: CommandContext
) -> SessionFacts:
    session = agent_session(client.name, name, context)
    facts: list[Event | LifecycleRecord] = []
    for hook in hooks:
        event = _event(hook, session, context)
        facts.append(event)
        if event.event_type == "SessionEnd":
            facts.append(_end(hook, event, session, context))
    first_end = next((place for place, fact in enumerate(facts) if isinstance(fact, SessionEnded)), len(facts))
    facts[first_end:first_end] = [_reported(report, session, context) for report in reports]
    return SessionFacts(session, facts, _said(hooks, client, context), client.name)


def _event(hook: Hook, session: AgentSession, context: CommandContext) -> Event:
    payload = hook.payload
    event_id = hook.id
    if event_id is None:
        hasher = event_id_hasher(context.secrets.seed_key, session.session_id)
        moment = f"hook {moment_of(payload, context.received_at)}"
        (event_id,) = event_ids([derived_event_digest(hasher, payload.event_type, moment, payload.data, 0)])
    odd = payload.data if payload.is_odd else None
    return Event(event_id, payload.event_type, hook.timestamp, Raw(payload.data), data_base64=odd)


def _end(hook: Hook, event: Event, session: AgentSession, context: CommandContext) -> SessionEnded:
    return SessionEnded(
        **context.head_of(session.session_id),
        fact_id=derived_uuid(context.secrets.seed_key, "hook-end", [session.session_id.bytes, event.event_id.bytes]),
        outcome=outcome_of(hook.payload.head),
        ended_at=event.timestamp,
    )


def _reported(report: MetricsReport, session: AgentSession, context: CommandContext) -> MetricsReported:
    content = msgspec.json.encode(report)
    fact_id = derived_uuid(context.secrets.seed_key, "hook-report", [session.session_id.bytes, content])
    return MetricsReported(**context.head_of(session.session_id), fact_id=fact_id, report=report)


def _said(hooks: Iterable[Hook], client: Client, context: CommandContext) -> Description:
    """Return what the contexts of a session say: the last value of each field."""
    last: dict[str, object] = {}
    for hook in hooks:
        if hook.context is not None:
            given = {name: getattr(hook.context, name) for name in HookContext.__struct_fields__}
            last |= {name: value for name, value in given.items() if value is not None}
    if not last:
        return Description()
    said = HookContext(**last)  # type: ignore[arg-type]  # its own fields
    parent = None if said.parent is None else agent_session(client.name, said.parent.session_id, context)
    relation = None if said.parent is None else said.parent.relation
    return Description(said.client_version, said.attended, parent, relation, said.remote_url, said.branch)


def _checked(own: int | None, field: str, received_at: int) -> int:
    """Return the payload's own time, else the time of receipt."""
    if own is None:
        return received_at
    if not is_plausible(own, received_at):
        raise Invalid(field, OUT_OF_RANGE)
    return own
