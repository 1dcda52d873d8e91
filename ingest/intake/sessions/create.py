"""A conversation begins: its ids, its thread, its run, and the fact that says so."""

from typing import NamedTuple
from uuid import UUID

from ingest.intake.context import Asker
from ingest.intake.sessions.remote_url import Remote, clean_remote
from ingest.intake.times import checked
from ingest.sealing.invalid import Invalid
from schemas import ids
from schemas.http.requests import CreateSession
from schemas.log.records import SessionCreated

RUN, SESSION = "run", "session"
_OF_PARENTS_THREAD = frozenset({"resume", "fork", "compact"})


class _Identity(NamedTuple):
    session_id: UUID
    run_id: UUID


def seal_creation(body: CreateSession, asker: Asker) -> SessionCreated:
    """The fact of a new session. With an idempotency key or an external id its ids come out the same for ever.

    Raises:
        Invalid: for a parent or run that was not minted for this org, a relation without a parent, a wrong time.
    """
    started_at = checked(body.started_at, "started_at", asker.received_at)
    identity = _identity(body, asker)
    remote = clean_remote(body.remote_url) if body.remote_url else Remote("", None)
    return SessionCreated(
        **asker.head(identity.session_id),
        fact_id=ids.derived_uuid(asker.secrets.seed_key, "session-created", [identity.session_id.bytes]),
        run_id=identity.run_id,
        parent_id=body.parent_id,
        relation=body.relation,
        external_id=body.external_id,
        trigger=body.trigger or "interactive",
        repository_id=body.repository_id,
        remote_url=remote.url or None,
        repo=remote.repo,
        component=body.component,
        project_id=body.project_id,
        agent_name=body.agent_name,
        model=body.model,
        branch=body.branch,
        title=body.title,
        started_at=started_at,
    )


def _identity(body: CreateSession, asker: Asker) -> _Identity:
    if body.relation is not None and body.parent_id is None:
        raise Invalid("parent_id", "is required with a relation")
    parent = _verified(body.parent_id, SESSION, "parent_id", asker)
    _verified(body.run_id, RUN, "run_id", asker)
    sensitive = bool(body.sensitive) or (parent is not None and parent.sensitive)
    seed = _seed(body, sensitive, asker)
    keeps_thread = parent is not None and body.relation in _OF_PARENTS_THREAD
    thread = parent.thread if parent and keeps_thread else ids.new_thread(seed)
    session_id = ids.mint(asker.secrets, SESSION, asker.org_id, thread, sensitive, seed)
    return _Identity(session_id, body.run_id or _new_run(thread, sensitive, seed, asker))


def _verified(id_: UUID | None, purpose: str, field: str, asker: Asker) -> ids.IdParts | None:
    if id_ is None:
        return None
    try:
        return ids.verify(asker.secrets, purpose, asker.org_id, id_)
    except ids.UnknownId as unknown:
        raise Invalid(field, f"is no {purpose} of this org") from unknown


def _seed(body: CreateSession, sensitive: bool, asker: Asker) -> bytes | None:
    """What makes a repeated call come out the same: the key, and all that decides about the ids."""
    if asker.idempotency_key is not None:
        purpose, key = "idempotency-key", asker.idempotency_key
    elif body.external_id is not None:
        purpose, key = "external-id", body.external_id
    else:
        return None
    family = [
        body.parent_id.bytes if body.parent_id else None,
        body.relation,
        body.run_id.bytes if body.run_id else None,
    ]
    parts = [asker.org_id, asker.actor.user_id, key, *family, "sensitive" if sensitive else None]
    return ids.derive(asker.secrets.seed_key, purpose, parts)


def _new_run(thread: int, sensitive: bool, seed: bytes | None, asker: Asker) -> UUID:
    run_seed = None if seed is None else ids.derive(asker.secrets.seed_key, "new-run", [seed])
    return ids.mint(asker.secrets, RUN, asker.org_id, thread, sensitive, run_seed)
