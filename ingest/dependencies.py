"""What a write route receives: the context of its command, the log, and the parts that its steps need."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import lru_cache, partial
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation
from litestar.types import Scope
from prometheus_client import CollectorRegistry

from edge.errors import invalid, not_found, session_erased
from edge.headers import find_header
from edge.path_params import parse_id
from edge.principal import principal_of
from edge.rate_limits import charge
from ingest.body import Bodies, Body, Incoming
from ingest.erased import KnownErasures
from ingest.intake.agent_sessions.memory import Remembered
from ingest.intake.context import CommandContext, SessionContext
from ingest.lane import Lane
from ingest.log.port import EventLog
from ingest.metrics import IngestMetrics
from ingest.privacy.policy import Privacy
from ingest.privacy.redaction import compile_rules
from schemas.ids import IdSecrets, UnknownId, random_id, verify
from schemas.log.records import Actor

Clock = Callable[[], int]  # milliseconds since 1970
C = TypeVar("C", bound=CommandContext)
ReadBody = Callable[..., AbstractAsyncContextManager[Body]]

_KEY_HEADER = "Idempotency-Key"
_RAW_KEY_HEADER = _KEY_HEADER.lower().encode()
_KEY_CHARACTERS_MAX = 255
_SESSIONS_REMEMBERED = 8_192  # 3 MB
_FACTS_REMEMBERED = 65_536  # of agents' sessions; 12 MB


class Write(NamedTuple, Generic[C]):
    """The context of a command, and the parts that its steps use; ``read`` is `Bodies.read` of the request."""

    context: C
    read: ReadBody
    log: EventLog
    privacy: Privacy
    lane: Lane
    metrics: IngestMetrics
    known: KnownErasures


class AgentWrite(NamedTuple):
    """What the agent endpoints (hooks and OTLP) receive."""

    command: Write[CommandContext]
    appended: Remembered  # what this process need not append again
    charge: Callable[[int], Awaitable[None]]  # counts the request as so many writes; raises a 429 if fewer are left


# Litestar would check each of these against its annotation again, for nothing. A route takes only one of them, since
# Litestar resolves two dependencies in two tasks (measured: 0.15 ms a request).
NewWrite = NamedDependency[SkipValidation[Write[CommandContext]]]
NewAgentWrite = NamedDependency[SkipValidation[AgentWrite]]
SessionWrite = NamedDependency[SkipValidation[Write[SessionContext]]]


def ingest_dependencies(
    log: EventLog,
    secrets: IdSecrets,
    clock: Clock,
    privacy: Privacy,
    bodies: Bodies,
    registry: CollectorRegistry,
    known: KnownErasures,
) -> Mapping[str, Provide]:
    """Return the dependencies of `ingest_routes`, by the names of their handlers' parameters.

    ``registry`` gets the metrics of the write side.
    """
    compile_rules()  # now, so that the first request does not wait for it

    metrics = IngestMetrics(registry)
    metrics.follow(log, bodies)
    parts = metrics.metered(log), privacy._replace(on_redacted=metrics.redacted), bodies.lane, metrics, known
    known_session = remember_sessions(secrets)
    appended = Remembered(_FACTS_REMEMBERED)

    def write_of(request: Incoming, context: Callable[..., C], **more: Any) -> Write[C]:
        caller, key = principal_of(request.scope), _idempotency_key(request.scope)
        actor, erased = Actor(caller.user_id, caller.role), known.of(caller.org_id)
        command = context(caller.org_id, actor, clock(), secrets, random_id, key, erased, **more)
        return Write(command, partial(bodies.read, request), *parts)

    def provide_write(request: Request[Any, Any, Any]) -> Write[CommandContext]:
        return write_of(request, CommandContext)

    def provide_agent_write(request: Request[Any, Any, Any]) -> AgentWrite:
        return AgentWrite(provide_write(request), appended, partial(charge, request.scope))

    def provide_session_write(request: Request[Any, Any, Any]) -> Write[SessionContext]:
        session_id = known_session(request.path_params["session_id"], principal_of(request.scope).org_id)
        write = write_of(request, SessionContext, session_id=session_id)
        if session_id in write.context.erased:
            raise session_erased()
        return write

    providers = {"write": provide_write, "agent_write": provide_agent_write, "session_write": provide_session_write}
    return {name: Provide(provider, sync_to_thread=False) for name, provider in providers.items()}


def remember_sessions(secrets: IdSecrets) -> Callable[[str, str], UUID]:
    """Return a function that parses the session id in a path; it raises a 404 unless the id belongs to the given org.

    An id proves its own org, so a result never changes. Results are cached since the MACs take 15 µs; errors are not.
    """

    @lru_cache(_SESSIONS_REMEMBERED)
    def known_session(text: str, org_id: str) -> UUID:
        session_id = parse_id(text)
        try:
            verify(secrets, "session", org_id, session_id)
        except UnknownId as unknown:
            raise not_found() from unknown
        return session_id

    return known_session


def _idempotency_key(scope: Scope) -> str | None:
    """Return the key that makes a call repeatable; None if the client sent none. Raises `ApiError` (422)."""
    header = find_header(scope, _RAW_KEY_HEADER, None)
    if header is None:
        return None
    try:
        key = header.encode("latin-1").decode()  # HTTP servers decode headers as Latin-1
    except UnicodeError:
        key = ""
    if not (1 <= len(key) <= _KEY_CHARACTERS_MAX and key.isprintable()):
        raise invalid({_KEY_HEADER: [f"must have 1 to {_KEY_CHARACTERS_MAX} printable characters"]})
    return key
