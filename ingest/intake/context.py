"""Everything that a fact takes from its surroundings rather than from the request's body."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from schemas.ids import IdSecrets, derived_uuid
from schemas.log.records import VERSION, Actor


class Asker(NamedTuple):
    """Who asks, in which org, when (ms since 1970), and with which secrets ids are made."""

    org_id: str
    actor: Actor
    received_at: int
    secrets: IdSecrets
    new_id: Callable[[], UUID]  # random, for what need not come out the same twice
    idempotency_key: str | None = None

    def head(self, session_id: UUID) -> dict[str, Any]:
        """The fields that every record begins with."""
        return {
            "v": VERSION,
            "record_id": self.new_id(),
            "org_id": self.org_id,
            "session_id": session_id,
            "actor": self.actor,
            "received_at": self.received_at,
        }

    def fact_id(self, kind: str, session_id: UUID) -> UUID:
        """The identity of a lifecycle request: with an ``Idempotency-Key`` every copy of the call has the same."""
        if self.idempotency_key is None:
            return self.new_id()
        parts: list[str | bytes] = [self.org_id, self.actor.user_id, session_id.bytes, kind, self.idempotency_key]
        return derived_uuid(self.secrets.seed_key, "lifecycle", parts)
