"""The payloads of one run, when each was sent, and the expected counts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid5

_NAMESPACE = UUID("7d0c5b0e-6f0b-4a53-9a56-3e1d2c7b9f10")
STEP_MS = 40


class Sent(NamedTuple):
    """A payload, the time since the run began, and the context that the hook client adds."""

    after_ms: int
    payload: Mapping[str, Any]
    context: Mapping[str, Any]


class Recording(NamedTuple):
    """A run. ``counts`` has the counts of each session by the client's id, without zeros.

    ``spans`` says how often each session began, and ``open_tools`` which tool calls never closed.
    """

    name: str
    client: str
    sent: Sequence[Sent]
    counts: Mapping[str, Mapping[str, int]]
    spans: Mapping[str, int] = {}
    open_tools: Sequence[str] = ()
    denied_tools: Sequence[str] = ()

    def id_of(self, sent: Sent) -> UUID:
        """Return the id that the hook client gives to a payload."""
        place = self.sent.index(sent)
        return UUID(int=uuid5(_NAMESPACE, f"{self.name} {place}").int, version=4)


class Run:
    """Collects the payloads of a session: each `send` is one hook, a few milliseconds after the previous one."""

    def __init__(self, session_id: str, base: Mapping[str, Any], context: Mapping[str, Any], after_ms: int = 0) -> None:
        self.sent: list[Sent] = []
        self.session_id = session_id
        self._base, self._context, self._after_ms = base, context, after_ms

    def send(self, event: str, **fields: Any) -> None:
        """Send a payload with the fields that every payload has."""
        payload = {"session_id": self.session_id, **self._base, "hook_event_name": event, **fields}
        self.sent.append(Sent(self._after_ms, payload, self._context))
        self._after_ms += STEP_MS

    def wait(self, ms: int) -> None:
        """Let time pass in which nothing is sent."""
        self._after_ms += ms


def at_text(ms: int) -> str:
    """Return a time as clients write it."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"
