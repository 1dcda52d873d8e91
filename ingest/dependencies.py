"""What a write route receives: the context of its command, the log, and the parts that its steps need."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID, uuid4

from litestar import Request
from litestar.datastructures import Headers
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation
from msgspec.structs import asdict

from edge.errors import invalid, not_found
from edge.path_params import parse_id
from edge.principal import principal_of
from ingest.body import Bodies
from ingest.intake.context import CommandContext, SessionContext
from ingest.log.port import EventLog
from ingest.privacy.policy import Privacy
from ingest.privacy.redaction import compile_rules
from schemas.ids import IdSecrets, UnknownId, verify
from schemas.log.records import Actor

Clock = Callable[[], int]  # milliseconds since 1970
C = TypeVar("C", bound=CommandContext)

_KEY_HEADER = "Idempotency-Key"
_KEY_CHARACTERS_MAX = 255


class Write(NamedTuple, Generic[C]):
    """The context of a command, and the parts through which its steps go."""

    context: C
    log: EventLog
    privacy: Privacy
    bodies: Bodies


# Litestar would compare each of these with its annotation again; they are ours. A route takes one of them, since two
# dependencies are resolved in two tasks (measured: 0.15 ms a request).
NewWrite = NamedDependency[SkipValidation[Write[CommandContext]]]
SessionWrite = NamedDependency[SkipValidation[Write[SessionContext]]]


def ingest_dependencies(
    log: EventLog,
    secrets: IdSecrets,
    clock: Clock,
    privacy: Privacy,
    bodies: Bodies,
    new_id: Callable[[], UUID] = uuid4,
) -> Mapping[str, Provide]:
    """Return the dependencies of `ingest_routes`, by the names of their handlers' parameters."""
    compile_rules()  # now, so that the first request does not wait for it

    def provide_write(request: Request[Any, Any, Any]) -> Write[CommandContext]:
        caller = principal_of(request.scope)
        actor, key = Actor(caller.user_id, caller.role), _idempotency_key(request.headers)
        context = CommandContext(caller.org_id, actor, clock(), secrets, new_id, key)
        return Write(context, log, privacy, bodies)

    def provide_session_write(request: Request[Any, Any, Any]) -> Write[SessionContext]:
        session_id = _known_session(request.path_params["session_id"], principal_of(request.scope).org_id, secrets)
        context = SessionContext(**asdict(provide_write(request).context), session_id=session_id)
        return Write(context, log, privacy, bodies)

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


def _idempotency_key(headers: Headers) -> str | None:
    """Return the key that makes a call repeatable; None where none was sent.

    Raises:
        ApiError: 422, the key is empty, too long or not printable.
    """
    header = headers.get(_KEY_HEADER)
    if header is None:
        return None
    try:
        key = header.encode("latin-1").decode()  # HTTP servers decode headers as Latin-1
    except UnicodeError:
        key = ""
    if not (1 <= len(key) <= _KEY_CHARACTERS_MAX and key.isprintable()):
        raise invalid({_KEY_HEADER: [f"must have 1 to {_KEY_CHARACTERS_MAX} printable characters"]})
    return key
