"""What a decision receives besides the request's body, and how it refuses. Decisions are pure."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from schemas.ids import IdSecrets, derived_uuid
from schemas.log.records import VERSION, Actor


class Invalid(Exception):
    """A well-formed request breaks a rule that the types of its body can't express; ``field`` is a path."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field} {sentence}")
        self.field = field
        self.sentence = sentence


class ErasedSessions(Protocol):
    """The erased sessions of an org, each with the erasure that came first."""

    def __contains__(self, session_id: object, /) -> bool: ...
    def __getitem__(self, session_id: UUID, /) -> UUID: ...


NOTHING: ErasedSessions = MappingProxyType[UUID, UUID]({})


class CommandContext(Struct, frozen=True):
    """Who sends a command, in which org, when (ms since 1970), and the secrets from which ids are derived.

    ``erased``: the sessions of the org that are known to be erased.
    """

    org_id: str
    actor: Actor
    received_at: int
    secrets: IdSecrets
    new_id: Callable[[], UUID]  # random, for ids that need not be the same in a repeated call
    idempotency_key: str | None = None
    erased: ErasedSessions = NOTHING

    def head_of(self, session_id: UUID) -> dict[str, Any]:
        """Return the fields with which every record begins."""
        return {
            "v": VERSION,
            "record_id": self.new_id(),
            "org_id": self.org_id,
            "session_id": session_id,
            "actor": self.actor,
            "received_at": self.received_at,
        }

    def of_session(self, session_id: UUID) -> "SessionContext":
        """Return the context of a command about this session, without the request's ``Idempotency-Key``."""
        head = self.org_id, self.actor, self.received_at, self.secrets, self.new_id
        return SessionContext(*head, None, self.erased, session_id=session_id)


class SessionContext(CommandContext, frozen=True, kw_only=True):
    """The context of a command about an existing session."""

    session_id: UUID

    def head(self) -> dict[str, Any]:
        """Return the fields with which every record of the session begins."""
        return self.head_of(self.session_id)

    def fact_id(self, kind: str) -> UUID:
        """Return the id of a lifecycle request; with an ``Idempotency-Key`` it is the same for every copy of a call."""
        if self.idempotency_key is None:
            return self.new_id()
        parts: list[str | bytes] = [self.org_id, self.actor.user_id, self.session_id.bytes, kind, self.idempotency_key]
        return derived_uuid(self.secrets.seed_key, "lifecycle", parts)
