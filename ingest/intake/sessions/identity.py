"""The ids of a new session and of its run: random, or always the same for the same call. Pure."""

from typing import NamedTuple
from uuid import UUID

from ingest.intake.context import CommandContext
from schemas import ids

RUN, SESSION = "run", "session"
BY_KEY, BY_NAME = "idempotency-key", "external-id"  # the purposes of a seed, by what it is made from


class Family(NamedTuple):
    """What a new session belongs to: a parent with its relation, and a run."""

    parent_id: UUID | None = None
    relation: str | None = None
    run_id: UUID | None = None


ALONE = Family()


def seed_of(purpose: str, key: str, context: CommandContext, family: Family = ALONE, sensitive: bool = False) -> bytes:
    """Return the seed that gives a repeated call the same ids: its key, and every field on which the ids depend."""
    parent, run = (id_.bytes if id_ else None for id_ in (family.parent_id, family.run_id))
    parts = [context.org_id, context.actor.user_id, key, parent, family.relation, run]
    return ids.derive(context.secrets.seed_key, purpose, [*parts, "sensitive" if sensitive else None])


def new_ids(
    seed: bytes | None, context: CommandContext, thread: int | None = None, sensitive: bool = False
) -> tuple[UUID, UUID]:
    """Return the ids of a session and of its new run; the session is in a new thread unless ``thread`` names one."""
    thread = ids.new_thread(seed) if thread is None else thread
    session_id = ids.mint(context.secrets, SESSION, context.org_id, thread, sensitive, seed)
    run_seed = None if seed is None else ids.derive(context.secrets.seed_key, "new-run", [seed])
    return session_id, ids.mint(context.secrets, RUN, context.org_id, thread, sensitive, run_seed)


def creation_id(session_id: UUID, context: CommandContext) -> UUID:
    """Return the id of the fact that a session began, which is the same for every copy of it."""
    return ids.derived_uuid(context.secrets.seed_key, "session-created", [session_id.bytes])
