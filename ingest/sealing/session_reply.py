"""The session object as it was just asked for: nothing has happened in it yet."""

from schemas.ids import is_sensitive, thread_id, thread_of
from schemas.log import Position
from schemas.records import SessionCreated
from schemas.responses import Counts, ModelMetrics, Session, instant


def session_as_created(fact: SessionCreated, position: Position) -> Session:
    """The reply to a create. The first body in the log wins; a later read shows that one."""
    return Session(
        id=fact.session_id,
        org_id=fact.org_id,
        run_id=fact.run_id,
        thread_id=thread_id(fact.org_id, thread_of(fact.session_id)),
        parent_id=fact.parent_id,
        relation=fact.relation,
        external_id=fact.external_id,
        status="active",
        outcome=None,
        trigger=fact.trigger or "interactive",
        sensitive=is_sensitive(fact.session_id),
        project_id=fact.project_id,
        repository_id=fact.repository_id,
        repo=fact.repo,
        remote_url=fact.remote_url,
        component=fact.component,
        branch=fact.branch,
        agent_name=fact.agent_name,
        model=fact.model,
        user_id=fact.actor.user_id,
        title=fact.title,
        summary=None,
        started_at=instant(fact.received_at if fact.started_at is None else fact.started_at),
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
