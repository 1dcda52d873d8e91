"""The session that an agent reports: derived from the caller, the client and its own id, never looked up. Pure."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeGuard
from uuid import UUID

import msgspec

from ingest.intake.context import NOTHING, CommandContext
from ingest.intake.sessions.identity import BY_NAME, creation_id, new_ids, seed_of
from ingest.intake.sessions.remote_url import clean_remote
from schemas.ids import derived_uuid
from schemas.log.records import Event, LifecycleRecord, SessionCreated, SessionDescribed

CLIENT_SESSION_ID_CHARACTERS_MAX = 400
WRONG_SESSION_ID = f"must have 1 to {CLIENT_SESSION_ID_CHARACTERS_MAX} printable characters"


class AgentSession(NamedTuple):
    """The session of one user in one client. Its ids are those of a create with ``external_id`` and nothing else."""

    client: str
    external_id: str
    session_id: UUID
    run_id: UUID


class Description(NamedTuple):
    """What a client says about its session besides its id; None where it says nothing.

    ``attended``: a user can answer its questions. ``remote_url`` may hold credentials: they are removed.
    """

    client_version: str | None = None
    attended: bool | None = None
    parent: AgentSession | None = None
    relation: str | None = None
    remote_url: str | None = None
    branch: str | None = None


class SessionFacts(NamedTuple):
    """The facts that a request brings for one session, in the client's order.

    ``client`` is set if the payloads of the events are stored as that client sends them.
    """

    session: AgentSession
    facts: Sequence[Event | LifecycleRecord]
    said: Description = Description()
    client: str | None = None


def is_client_session_id(value: Any) -> TypeGuard[str]:
    """Return whether a client may use this as its session id."""
    return isinstance(value, str) and 1 <= len(value) <= CLIENT_SESSION_ID_CHARACTERS_MAX and value.isprintable()


def agent_session(client: str, client_session_id: str, context: CommandContext) -> AgentSession:
    """Return the session that the caller's client knows under this id."""
    external_id = f"{client}:{client_session_id}"
    session_id, run_id = new_ids(seed_of(BY_NAME, external_id, context), context)
    return AgentSession(client, external_id, session_id, run_id)


def find_erased(client: str, context: CommandContext) -> Callable[[str], bool]:
    """Return a function that says whether the session with a client's id is erased."""
    if context.erased is NOTHING:
        return lambda _: False
    return cache(
        lambda client_session_id: agent_session(client, client_session_id, context).session_id in context.erased
    )


def created(session: AgentSession, started_at: int | None, context: CommandContext) -> SessionCreated:
    """Return the record of the session's creation. Its fact is the same in every process and at any time."""
    return SessionCreated(
        **context.head_of(session.session_id),
        fact_id=creation_id(session.session_id, context),
        run_id=session.run_id,
        external_id=session.external_id,
        started_at=started_at,
        client=session.client,
    )


def described(session: AgentSession, said: Description, context: CommandContext) -> SessionDescribed | None:
    """Return the record of what the client says, or None if it says nothing; equal values are the same fact."""
    remote = clean_remote(said.remote_url) if said.remote_url else None
    trigger = None if said.attended is None else "interactive" if said.attended else "headless"
    fields: dict[str, Any] = {
        "client_version": said.client_version,
        "trigger": trigger,
        "parent_id": said.parent and said.parent.session_id,
        "relation": said.relation if said.parent else None,
        "remote_url": remote and (remote.url or None),
        "repo": remote and remote.repo,
        "branch": said.branch,
    }
    if not any(fields.values()):
        return None
    content = msgspec.json.encode([session.client, fields])
    fact_id = derived_uuid(context.secrets.seed_key, "session-described", [session.session_id.bytes, content])
    return SessionDescribed(**context.head_of(session.session_id), fact_id=fact_id, client=session.client, **fields)
