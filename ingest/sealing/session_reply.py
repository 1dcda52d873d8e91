"""The session object as it was just asked for: nothing has happened in it yet."""

from schemas.http.responses import Counts, ModelMetrics, Session, instant
from schemas.ids import is_sensitive, thread_id, thread_of
from schemas.log.position import Position
from schemas.log.records import SessionCreated


def session_as_created(record: SessionCreated, position: Position) -> Session:
    """The reply to a create. The first body in the log wins; a later read shows that one."""
    return Session(
        id=record.session_id,
        org_id=record.org_id,
        run_id=record.run_id,
        thread_id=thread_id(record.org_id, thread_of(record.session_id)),
        parent_id=record.parent_id,
        relation=record.relation,
        external_id=record.external_id,
        status="active",
        outcome=None,
        trigger=record.trigger or "interactive",
        sensitive=is_sensitive(record.session_id),
        project_id=record.project_id,
        repository_id=record.repository_id,
        repo=record.repo,
        remote_url=record.remote_url,
        component=record.component,
        branch=record.branch,
        agent_name=record.agent_name,
        model=record.model,
        user_id=record.actor.user_id,
        title=record.title,
        summary=None,
        started_at=instant(record.received_at if record.started_at is None else record.started_at),
        last_event_at=None,
        ended_at=None,
        duration_seconds=None,
        model_metrics=ModelMetrics(),
        models=[],
        counts=Counts(),
        tools=[],
        redactions={},
        position=str(position),
    )
