"""From an export request to events by session, and what became of the rest. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Raw

from agents import CLIENTS
from agents.exported import SESSIONS_MAX, Attributes, DataPoint, Exported, LogRecord
from agents.telemetry import Made, Telemetry, made, text, whole
from ingest.intake.agent_sessions.session import (
    AgentSession,
    Description,
    SessionFacts,
    agent_session,
    is_client_session_id,
)
from ingest.intake.context import CommandContext
from ingest.intake.times import instant_or_none, is_plausible
from schemas.http.requests import EVENT_BYTES_MAX
from schemas.ids import derived_event_digest, event_id_hasher, event_ids
from schemas.log.records import Event
from schemas.times import instant

T = TypeVar("T")
Outcome = Literal[
    "accepted",
    "noise",
    "unknown_service",
    "no_session",
    "too_many_sessions",
    "time_out_of_range",
    "no_sum",
    "wrong_value",
    "too_large",
    "erased",
]
_NS_PER_MS = 1_000_000
_VERSION_CHARACTERS_MAX = 100
_AGENTS = tuple(client.telemetry for client in CLIENTS.values() if client.telemetry)
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


class Gathered(NamedTuple):
    """The events of a request by session, the text of their payloads, and how many items had which outcome."""

    sessions: list[SessionFacts]
    payloads: bytes
    outcomes: Counter[Outcome]


def gather_logs(exported: Iterable[Exported[LogRecord]], context: CommandContext) -> Gathered:
    """Map the log records of a request."""
    return _gather(exported, context, _add_record)


def gather_metrics(exported: Iterable[Exported[DataPoint]], context: CommandContext) -> Gathered:
    """Map the data points of a request."""
    return _gather(exported, context, _add_point)


def _gather(
    exported: Iterable[Exported[T]],
    context: CommandContext,
    add: Callable[["_Sessions", T, Attributes], Outcome],
) -> Gathered:
    sessions = _Sessions(context)
    outcomes: Counter[Outcome] = Counter()
    for resource, items in exported:
        for item in items:
            outcomes["too_large" if item is None else add(sessions, item, resource)] += 1
    found = sessions.by_name.values()
    payloads = b"\n".join(bytes(data) for session in found for _, _, data in session.events)
    return Gathered([session.facts() for session in found if session.events], payloads, outcomes)


def _add_record(sessions: "_Sessions", record: LogRecord, resource: Attributes) -> Outcome:
    found = _named(resource, text(record.attributes, "event.name") or "", record.body)
    if found is None:
        return "unknown_service"
    agent, kind = found
    read = agent.events.get(kind)
    event = read and read(record.attributes)
    if event is None:
        return "noise"
    if (name := _session_of(agent, record.attributes, resource)) is None:
        return "no_session"
    time_ns = record.time_ns or record.observed_ns
    if not time_ns:
        time_ns = (instant_or_none(text(record.attributes, "event.timestamp") or "") or 0) * _NS_PER_MS
    if not is_plausible(at := time_ns // _NS_PER_MS, sessions.now):
        return "time_out_of_range"
    if (session := sessions.find(agent, name, record.attributes, resource)) is None:
        return "too_many_sessions"
    return session.add(event, at, session.digest_of_record(kind, time_ns, record.attributes, event))


def _add_point(sessions: "_Sessions", point: DataPoint, resource: Attributes) -> Outcome:
    found = _named(resource, point.metric)
    if found is None:
        return "unknown_service"
    agent, measure = found
    if measure not in agent.measures:
        return "noise"
    if not point.kind:
        return "no_sum"
    measured = agent.measures[measure](point.attributes)
    if measured is None or point.value is None or point.value < 0:
        return "wrong_value"
    if not point.value:
        return "noise"
    if (name := _session_of(agent, point.attributes, resource)) is None:
        return "no_session"
    at = point.time_ns // _NS_PER_MS
    if not is_plausible(at, sessions.now):
        return "time_out_of_range"
    if (session := sessions.find(agent, name, point.attributes, resource)) is None:
        return "too_many_sessions"
    value = int(point.value) if float(point.value).is_integer() else point.value
    event = made("Measurement", name=measured, value=value, interval_end=instant(at))
    series = [point.metric, point.attributes, point.start_ns]  # a point is identified by its series and its end
    if point.kind == "cumulative":  # it continues the series; each process starts it again
        event.fields.update(series=session.digest("series", series).hex(), cumulative=True)
    return session.add(event, at, session.digest("point", [*series, point.time_ns]))


def _named(resource: Attributes, *names: str) -> tuple[Telemetry, str] | None:
    """Find the client by its service, else by the prefix of one of the names; None for any other service.

    The first of ``names`` that is not empty is the one that the client's table has, without the prefix.
    """
    name = next(filter(None, names), "")
    service = str(resource.get("service.name", "")).lower()
    agent = next((agent for agent in _AGENTS if service.startswith(agent.service)), None)
    if agent is None:
        agent = next((agent for agent in _AGENTS if any(each.startswith(agent.prefix) for each in names)), None)
    return agent and (agent, name.removeprefix(agent.prefix))


def _session_of(agent: Telemetry, attributes: Attributes, resource: Attributes) -> str | None:
    """Return the client's id for the session that a record or a data point is about; None if it names none."""
    found = attributes.get(agent.session) or resource.get(agent.session)
    return found if is_client_session_id(found) else None


class _Session:
    """What a request brings for one session.

    `schemas.ids.event_ids` makes ids of the digests. They are the same for every copy of an event, whatever request or
    encoding it is in.
    """

    def __init__(self, session: AgentSession, context: CommandContext) -> None:
        self.version: str | None = None
        self.attended: bool | None = None
        self.events: list[tuple[str, int, Raw]] = []
        self._session, self._is_erased = session, session.session_id in context.erased
        self._hasher = event_id_hasher(context.secrets.seed_key, session.session_id)
        self._digests: list[bytes] = []

    def add(self, event: Made, at: int, digest: bytes) -> Outcome:
        if self._is_erased:
            return "erased"
        data = _encode({"telemetry": True, **{key: value for key, value in event.fields.items() if value is not None}})
        if len(data) > EVENT_BYTES_MAX:
            return "too_large"
        self.events.append((event.event_type, at, Raw(data)))
        self._digests.append(digest)
        return "accepted"

    def digest_of_record(self, name: str, time_ns: int, attributes: Attributes, event: Made) -> bytes:
        """Identify a model request by its id, any other record by its place in the session or by its whole content."""
        request = event.fields.get("request_id") if event.event_type == "ApiRequest" else None
        if request is not None:
            return self.digest("request", [request])
        sequence = whole(attributes, "event.sequence")
        return self.digest("record", [name, time_ns, attributes if sequence is None else sequence])

    def digest(self, kind: str, parts: Sequence[object]) -> bytes:
        # No event that a client sends to another endpoint has an empty time.
        return derived_event_digest(self._hasher, f"otlp:{kind}", "", _encode_sorted(parts), 0)

    def facts(self) -> SessionFacts:
        events = [Event(id_, *parts) for id_, parts in zip(event_ids(self._digests), self.events, strict=True)]
        return SessionFacts(self._session, events, Description(client_version=self.version, attended=self.attended))


class _Sessions:
    """The sessions of a request, in the order in which they occur."""

    def __init__(self, context: CommandContext) -> None:
        self.now = context.received_at
        self.by_name: dict[tuple[str, str], _Session] = {}
        self._context = context

    def find(self, agent: Telemetry, name: str, attributes: Attributes, resource: Attributes) -> _Session | None:
        """Return the session with this name, or None if it would be one too many; a record describes its client."""
        found = self.by_name.get((agent.client, name))
        if found is None and len(self.by_name) < SESSIONS_MAX:
            found = _Session(agent_session(agent.client, name, self._context), self._context)
            self.by_name[agent.client, name] = found
            version = agent.version(attributes, resource)
            if version and version.isprintable() and len(version) <= _VERSION_CHARACTERS_MAX:
                found.version = version
            found.attended = agent.attended(attributes)
        return found
