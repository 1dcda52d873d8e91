"""Which client exports something, which session it is about, and the ids of the events made from it. Pure."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from agents import CLIENTS
from agents.exported import Attributes, DataPoint
from agents.telemetry import Made, Telemetry, whole
from ingest.intake.agent_sessions.session import is_client_session_id
from schemas.ids import derived_event_digest, event_id_hasher

_AGENTS = tuple(client.telemetry for client in CLIENTS.values() if client.telemetry)
_SERVICE = "service.name"
_encode = msgspec.json.Encoder(order="sorted").encode


class Named(NamedTuple):
    """The client that exports something, and the name that its table has for it."""

    agent: Telemetry
    name: str


def named(resource: Attributes, *names: str) -> Named | None:
    """Find the client by its service, else by the prefix of one of the names; None for any other service.

    The first of ``names`` that is not empty is the name.
    """
    name = next(filter(None, names), "")
    service = str(resource.get(_SERVICE, "")).lower()
    agent = next((agent for agent in _AGENTS if service.startswith(agent.service)), None)
    if agent is None:
        agent = next((agent for agent in _AGENTS if any(each.startswith(agent.prefix) for each in names)), None)
    return agent and Named(agent, name.removeprefix(agent.prefix))


def session_of(agent: Telemetry, attributes: Attributes, resource: Attributes) -> str | None:
    """Return the client's id for the session that a record or a data point is about; None if it names none."""
    found = attributes.get(agent.session) or resource.get(agent.session)
    return found if is_client_session_id(found) else None


class Identities:
    """Derives the digests of the events of one session: the same for every copy, whatever request or encoding it is in.

    `schemas.ids.event_ids` makes ids of them.
    """

    def __init__(self, seed_key: bytes, session_id: UUID) -> None:
        self._hasher = event_id_hasher(seed_key, session_id)

    def of_record(self, name: str, time_ns: int, attributes: Attributes, event: Made) -> bytes:
        """Identify a model request by its id, any other record by its place in the session or by its whole content."""
        request = event.fields.get("request_id") if event.event_type == "ApiRequest" else None
        if request is not None:
            return self._digest("request", [request])
        sequence = whole(attributes, "event.sequence")
        return self._digest("record", [name, time_ns, attributes if sequence is None else sequence])

    def of_point(self, point: DataPoint) -> bytes:
        """Identify a data point by its series and interval."""
        return self._digest("point", [point.metric, point.attributes, point.start_ns, point.time_ns])

    def series_of(self, point: DataPoint) -> str:
        """Return the name of the cumulative series that a point continues; each process starts it again."""
        return self._digest("series", [point.metric, point.attributes, point.start_ns]).hex()

    def _digest(self, kind: str, parts: Sequence[object]) -> bytes:
        # No event that a client sends to another endpoint has an empty time.
        return derived_event_digest(self._hasher, f"otlp:{kind}", "", _encode(parts), 0)
