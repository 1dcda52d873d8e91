"""Which client exports something: recognised by its telemetry. Pure."""

from typing import NamedTuple

from agents import CLIENTS
from agents.exported import Attributes
from agents.telemetry import Telemetry
from ingest.intake.agent_sessions.session import is_client_session_id

_AGENTS = tuple(client.telemetry for client in CLIENTS.values() if client.telemetry)
_SERVICE = "service.name"


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
