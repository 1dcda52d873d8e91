"""POST /:org_id/sessions"""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, post

from edge.guards import may
from edge.route_docs import takes
from ingest.dependencies import NewWrite
from ingest.intake.context import CommandContext, Invalid
from ingest.intake.sessions.identity import BY_KEY, BY_NAME, RUN, SESSION, Family, creation_id, new_ids, seed_of
from ingest.intake.sessions.remote_url import Remote, clean_remote
from ingest.intake.steps import durable, write_record
from ingest.intake.times import checked_ms
from schemas import ids
from schemas.http.requests import CreateSession
from schemas.http.responses import Counts, ModelMetrics, Reply, Session, SessionWork, Usage
from schemas.log.position import Position
from schemas.log.records import SessionCreated
from schemas.times import instant

# Fields of the body that the record and the response repeat.
_AS_SENT = (
    *("parent_id", "relation", "external_id", "repository_id", "component", "project_id"),
    *("agent_name", "model", "branch", "title"),
)
_NOT_YET: dict[str, Any] = dict.fromkeys(
    ("outcome", "summary", "last_event_at", "ended_at", "duration_seconds", "client_version")
)
_decoder = msgspec.json.Decoder(CreateSession)


def decide(body: CreateSession, context: CommandContext) -> SessionCreated:
    """Return the record of a new session. With an idempotency key or an external id, its ids are always the same.

    Raises `Invalid` for a parent or run that was not minted for this org, a relation without a parent, a wrong time.
    """
    started_at = checked_ms(body.started_at, "started_at", context.received_at)
    session_id, run_id = _ids(body, context)
    remote = clean_remote(body.remote_url) if body.remote_url else Remote("", None)
    return SessionCreated(
        **context.head_of(session_id),
        **{name: getattr(body, name) for name in _AS_SENT},
        fact_id=creation_id(session_id, context),
        run_id=run_id,
        trigger=body.trigger or "interactive",
        remote_url=remote.url or None,
        repo=remote.repo,
        started_at=started_at,
    )


@post(
    "/api/v1/{org_id:str}/sessions",
    operation_id="CreateSession",
    guards=[may("session.write")],
    opt=takes(CreateSession, refused_with=(410,)),
)
async def create_session(write: NewWrite) -> Response[Reply[Session]]:
    """Begin a conversation. With an idempotency key, or an external id, a repeated call returns the same ids."""
    _, record, position = await write_record(write, _decoder, decide)
    return durable(respond(record, position), position)


def respond(record: SessionCreated, position: Position) -> Session:
    """Return the session in which nothing has happened yet. The first create in the log wins; later reads show it."""
    return Session(
        **{name: getattr(record, name) for name in (*_AS_SENT, "org_id", "run_id", "repo", "remote_url", "client")},
        **_NOT_YET,
        id=record.session_id,
        thread_id=ids.thread_id(record.org_id, ids.thread_of(record.session_id)),
        status="active",
        trigger=record.trigger or "interactive",
        sensitive=ids.is_sensitive(record.session_id),
        user_id=record.actor.user_id,
        started_at=instant(record.received_at if record.started_at is None else record.started_at),
        model_metrics=ModelMetrics(),
        models=[],
        counts=Counts(),
        tools=[],
        usage=Usage(None, None),
        agents=[],
        work=SessionWork(),
        redactions={},
        position=str(position),
    )


def _ids(body: CreateSession, context: CommandContext) -> tuple[UUID, UUID]:
    """Return the ids of the session and of its run."""
    if body.relation is not None and body.parent_id is None:
        raise Invalid("parent_id", "is required with a relation")
    parent = _verified(body.parent_id, SESSION, "parent_id", context)
    _verified(body.run_id, RUN, "run_id", context)
    sensitive = bool(body.sensitive) or (parent is not None and parent.sensitive)
    thread = parent.thread if parent is not None and body.relation in ids.OF_PARENTS_THREAD else None
    session_id, new_run_id = new_ids(_seed(body, sensitive, context), context, thread, sensitive)
    run_id = new_run_id if body.run_id is None else body.run_id
    return session_id, run_id


def _verified(id_: UUID | None, purpose: str, field: str, context: CommandContext) -> ids.IdParts | None:
    if id_ is None:
        return None
    try:
        return ids.verify(context.secrets, purpose, context.org_id, id_)
    except ids.UnknownId as unknown:
        raise Invalid(field, f"is not a {purpose} of this org") from unknown


def _seed(body: CreateSession, sensitive: bool, context: CommandContext) -> bytes | None:
    """Return the seed of a repeatable call, one with an idempotency key or an external id; None for any other."""
    family = Family(body.parent_id, body.relation, body.run_id)
    if context.idempotency_key is not None:
        return seed_of(BY_KEY, context.idempotency_key, context, family, sensitive)
    if body.external_id is not None:
        return seed_of(BY_NAME, body.external_id, context, family, sensitive)
    return None
