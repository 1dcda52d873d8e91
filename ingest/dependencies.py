"""What a write route is given: who asks, the log, and the session that its path names."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from edge.errors import not_found
from edge.path_params import parse_id
from edge.principal import Principal, principal_of
from ingest.body import Bodies
from ingest.idempotency import HEADER, parse_idempotency_key
from ingest.intake.context import Asker
from ingest.log.port import EventLog
from ingest.privacy.policy import Privacy
from ingest.privacy.redaction import compile_rules
from schemas.ids import IdSecrets, UnknownId, verify
from schemas.log.records import Actor

Clock = Callable[[], int]  # milliseconds since 1970


class NewWrite(NamedTuple):
    """A write in an org: who asks, and where it goes."""

    asker: Asker
    log: EventLog
    privacy: Privacy
    bodies: Bodies


class SessionWrite(NamedTuple):
    """A write in a session whose id was minted for the asker's org."""

    asker: Asker
    log: EventLog
    privacy: Privacy
    bodies: Bodies
    session_id: UUID


# Litestar would compare each of these with its annotation again; they are ours. A route takes one of them, since two
# dependencies are resolved in two tasks (measured: 0.15 ms a request).
Write = NamedDependency[SkipValidation[NewWrite]]
InSession = NamedDependency[SkipValidation[SessionWrite]]


def ingest_dependencies(
    log: EventLog,
    secrets: IdSecrets,
    clock: Clock,
    privacy: Privacy,
    bodies: Bodies,
    new_id: Callable[[], UUID] = uuid4,
) -> Mapping[str, Provide]:
    """The dependencies of `ingest_routes`, by the names under which their handlers ask for them."""

    compile_rules()  # before the first request, and not by it

    def ask(request: Request[Any, Any, Any], caller: Principal) -> Asker:
        key = parse_idempotency_key(request.headers.get(HEADER))
        return Asker(caller.org_id, Actor(caller.user_id, caller.role), clock(), secrets, new_id, key)

    def provide_write(request: Request[Any, Any, Any]) -> NewWrite:
        return NewWrite(ask(request, principal_of(request.scope)), log, privacy, bodies)

    def provide_session_write(request: Request[Any, Any, Any]) -> SessionWrite:
        caller = principal_of(request.scope)
        session_id = _known_session(request.path_params["session_id"], caller.org_id, secrets)
        return SessionWrite(ask(request, caller), log, privacy, bodies, session_id)

    return {
        "write": Provide(provide_write, sync_to_thread=False),
        "session_write": Provide(provide_session_write, sync_to_thread=False),
    }


def _known_session(text: str, org_id: str, secrets: IdSecrets) -> UUID:
    session_id = parse_id(text)
    try:
        verify(secrets, "session", org_id, session_id)
    except UnknownId as unknown:
        raise not_found() from unknown
    return session_id
