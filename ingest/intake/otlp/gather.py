"""From an export request to events by session, and what became of the rest. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import msgspec
from msgspec import Raw

from agents.exported import SESSIONS_MAX, Attributes, DataPoint, Exported, LogRecord
from agents.telemetry import Made, Telemetry, made, text
from ingest.intake.agent_sessions.session import AgentSession, Description, SessionFacts, agent_session
from ingest.intake.context import CommandContext
from ingest.intake.otlp.identity import Identities, named, session_of
from ingest.intake.times import is_plausible, parse_instant
from schemas.http.requests import EVENT_BYTES_MAX
from schemas.ids import event_ids
from schemas.log.records import Event
from schemas.times import instant

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
]
_NS_PER_MS = 1_000_000
_VERSION_CHARACTERS_MAX = 100
_encode = msgspec.json.Encoder().encode


class Gathered(NamedTuple):
    """The events of a request by session, the text of their payloads, and how many items had which outcome."""

    sessions: list[SessionFacts]
    payloads: bytes
    outcomes: Counter[Outcome]


def gather_logs(exported: Iterable[Exported[LogRecord]], context: CommandContext) -> Gathered:
    """Map the log records of a request."""
    gathering = _Gathering(context)
    for resource, records in exported:
        for record in records:
            gathering.count("too_large" if record is None else _add_record(gathering, record, resource))
    return gathering.finished()


def gather_metrics(exported: Iterable[Exported[DataPoint]], context: CommandContext) -> Gathered:
    """Map the data points of a request."""
    gathering = _Gathering(context)
    for resource, points in exported:
        for point in points:
            gathering.count("too_large" if point is None else _add_point(gathering, point, resource))
    return gathering.finished()


def _add_record(gathering: "_Gathering", record: LogRecord, resource: Attributes) -> Outcome:
    found = named(resource, text(record.attributes, "event.name") or "", record.body)
    if found is None:
        return "unknown_service"
    read = found.agent.events.get(found.name)
    event = read and read(record.attributes)
    if event is None:
        return "noise"
    if (name := session_of(found.agent, record.attributes, resource)) is None:
        return "no_session"
    time_ns = _time_of(record)
    if not is_plausible(at := time_ns // _NS_PER_MS, gathering.now):
        return "time_out_of_range"
    if (session := gathering.session(found.agent, name, record.attributes, resource)) is None:
        return "too_many_sessions"
    return session.add(event, at, session.identities.of_record(found.name, time_ns, record.attributes, event))


def _add_point(gathering: "_Gathering", point: DataPoint, resource: Attributes) -> Outcome:
    found = named(resource, point.metric)
    if found is None:
        return "unknown_service"
    if found.name not in found.agent.measures:
        return "noise"
    if not point.kind:
        return "no_sum"
    measured = found.agent.measures[found.name](point.attributes)
    if measured is None or point.value is None or point.value < 0:
        return "wrong_value"
    if not point.value:
        return "noise"
    if (name := session_of(found.agent, point.attributes, resource)) is None:
        return "no_session"
    at = point.time_ns // _NS_PER_MS
    if not is_plausible(at, gathering.now):
        return "time_out_of_range"
    if (session := gathering.session(found.agent, name, point.attributes, resource)) is None:
        return "too_many_sessions"
    value = int(point.value) if float(point.value).is_integer() else point.value
    event = made("Measurement", name=measured, value=value, interval_end=instant(at))
    if point.kind == "cumulative":
        event.fields.update(series=session.identities.series_of(point), cumulative=True)
    return session.add(event, at, session.identities.of_point(point))


def _time_of(record: LogRecord) -> int:
    """Return the time in nanoseconds; 0 if the record has none."""
    if time_ns := record.time_ns or record.observed_ns:
        return time_ns
    try:
        return parse_instant(text(record.attributes, "event.timestamp") or "") * _NS_PER_MS
    except ValueError:
        return 0


class _Session:
    """What a request brings for one session."""

    def __init__(self, session: AgentSession, context: CommandContext) -> None:
        self.identities = Identities(context.secrets.seed_key, session.session_id)
        self.version: str | None = None
        self.attended: bool | None = None
        self._session = session
        self._events: list[tuple[str, int, Raw]] = []
        self._digests: list[bytes] = []

    def add(self, event: Made, at: int, digest: bytes) -> Outcome:
        data = _encode({"telemetry": True, **{key: value for key, value in event.fields.items() if value is not None}})
        if len(data) > EVENT_BYTES_MAX:
            return "too_large"
        self._events.append((event.event_type, at, Raw(data)))
        self._digests.append(digest)
        return "accepted"

    def payloads(self) -> Iterator[Raw]:
        return (data for _, _, data in self._events)

    def finished(self) -> SessionFacts:
        events = [Event(id_, *parts) for id_, parts in zip(event_ids(self._digests), self._events, strict=True)]
        return SessionFacts(self._session, events, Description(client_version=self.version, attended=self.attended))


class _Gathering:
    """The sessions of a request, in the order in which they occur."""

    def __init__(self, context: CommandContext) -> None:
        self.now = context.received_at
        self._context = context
        self._sessions: dict[tuple[str, str], _Session] = {}
        self._outcomes: Counter[Outcome] = Counter()

    def count(self, outcome: Outcome) -> None:
        self._outcomes[outcome] += 1

    def session(self, agent: Telemetry, name: str, attributes: Attributes, resource: Attributes) -> _Session | None:
        """Return the session with this name, or None if it would be one too many; a record describes its client."""
        found = self._sessions.get((agent.client, name))
        if found is None and len(self._sessions) < SESSIONS_MAX:
            found = _Session(agent_session(agent.client, name, self._context), self._context)
            self._sessions[agent.client, name] = found
            version = agent.version(attributes, resource)
            if version and version.isprintable() and len(version) <= _VERSION_CHARACTERS_MAX:
                found.version = version
            found.attended = agent.attended(attributes)
        return found

    def finished(self) -> Gathered:
        payloads = b"\n".join(bytes(data) for session in self._sessions.values() for data in session.payloads())
        sessions = [session.finished() for session in self._sessions.values()]
        return Gathered([session for session in sessions if session.facts], payloads, self._outcomes)
