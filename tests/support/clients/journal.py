"""The journal of promises: every event with its bytes, every change, and every response."""

import threading
from collections import Counter, defaultdict
from hashlib import blake2b
from typing import Any, NamedTuple

from msgspec import Struct

Digest = bytes  # of an event's type, time and bytes


class SentEvent(NamedTuple):
    """One event as a client sent it; ``data`` is JSON with a unique number, so that no two events are equal."""

    event_type: str
    timestamp: str  # RFC 3339 in UTC with milliseconds, as the API returns it
    data: bytes
    event_id: str | None = None

    @property
    def digest(self) -> Digest:
        return digest(self.event_type, self.timestamp, self.data)

    def as_json(self) -> bytes:
        """Return the element of a request's ``events``."""
        event_id = b"" if self.event_id is None else b',"event_id":"%s"' % self.event_id.encode()
        head = (self.event_type.encode(), self.timestamp.encode(), self.data, event_id)
        return b'{"event_type":"%s","timestamp":"%s","data":%s%s}' % head


def digest(event_type: str, timestamp: str, data: bytes) -> Digest:
    """Return a digest that is equal for the event as sent and as stored."""
    return blake2b(b"\0".join((event_type.encode(), timestamp.encode(), data)), digest_size=16).digest()


class SentSession(Struct):
    """One session from its client's point of view."""

    org: str
    accepted: dict[Digest, SentEvent] = {}
    unknown: set[Digest] = set()  # sent, but not confirmed by a 2xx
    title: str | None = None
    input_tokens: int = 0
    cost_nano: int = 0
    outcome: str | None = None
    is_erased: bool = False  # or about to be: whatever was promised for it no longer holds


class Journal:
    """What clients were promised; all clients of a run write to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.sessions: dict[str, SentSession] = {}
        self.positions: dict[int, int] = {}
        self.replies: Counter[int] = Counter()
        self.no_answer = 0
        self.odd_replies: list[str] = []  # responses that no client should ever receive

    def created(self, session_id: str, org: str) -> None:
        with self._lock:
            self.sessions[session_id] = SentSession(org)

    def sending(self, session_id: str, events: list[SentEvent]) -> None:
        """Note events before the request is sent: they may be stored even if it fails."""
        with self._lock:
            session = self.sessions[session_id]
            session.unknown.update(event.digest for event in events if event.digest not in session.accepted)

    def accepted(self, session_id: str, events: list[SentEvent]) -> None:
        """Note events that a 2xx accepted, which are therefore durable."""
        with self._lock:
            session = self.sessions[session_id]
            session.accepted.update((event.digest, event) for event in events)
            session.unknown.difference_update(event.digest for event in events)

    def noted(self, status: int, position: str | None, body: bytes) -> None:
        """Note a response, whatever its status."""
        with self._lock:
            self.replies[status] += 1
            if status >= 500 and status != 503:
                self.odd_replies.append(f"{status} {body[:300]!r}")
            if position:
                partition, _, offset = position.partition(":")
                self.positions[int(partition)] = max(int(offset), self.positions.get(int(partition), -1))

    def unanswered(self) -> None:
        with self._lock:
            self.no_answer += 1

    @property
    def events(self) -> int:
        """Return the number of accepted events, each counted once."""
        return sum(len(session.accepted) for session in self.sessions.values())

    @property
    def wait_header(self) -> dict[str, str]:
        """Return the header for reads that must include every write."""
        positions = ",".join(f"{partition}:{offset}" for partition, offset in sorted(self.positions.items()))
        return {"X-Wait-For-Position": positions} if positions else {}

    def by_org(self) -> dict[str, dict[str, SentSession]]:
        """Return the sessions that must be there."""
        found: dict[str, dict[str, SentSession]] = defaultdict(dict)
        for session_id, session in self.sessions.items():
            if not session.is_erased:
                found[session.org][session_id] = session
        return found

    def summary(self) -> dict[str, Any]:
        """Return a summary for people."""
        return {
            "sessions": len(self.sessions),
            "erased": sum(session.is_erased for session in self.sessions.values()),
            "events": self.events,
            "replies": dict(sorted(self.replies.items())),
            "no answer": self.no_answer,
        }
