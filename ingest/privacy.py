"""What of a request may reach the log, which is for ever: no content where none may be kept, and never a secret.

Ids of events and sessions follow from what was sent, so they are made before this, and a rule that is added or changed
later changes no id.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar
from uuid import UUID

from msgspec import structs

from ingest.redaction import may_hold_secrets
from ingest.redaction.facts import redact_events, redact_fact, redact_frame, redact_refusal
from ingest.reduction import reduce_event, reduce_fact
from ingest.sealing.asker import Asker
from ingest.sealing.events import SealedEvents
from schemas.ids import is_sensitive
from schemas.records import AnyFact, Event, EventsRecorded, LifecycleFact
from schemas.requests import EVENT_BYTES_MAX

F = TypeVar("F", bound=LifecycleFact)

_INLINE_BYTES_MAX = 262_144  # one made of nothing but secrets takes seconds a megabyte; others should not wait for it
_GROUP = 8  # events that are looked at together: most of a suspect request are clean, and a look has its own price


class Privacy(NamedTuple):
    """How this installation keeps what is private."""

    metadata_orgs: frozenset[str] = frozenset()  # of which no content is kept
    suspect: Callable[[bytes], bool] = may_hold_secrets
    note_cut: Callable[[Mapping[str, int]], None] = lambda _counts: None  # told what was cut out of a fact, by rule

    def of_fact(self, fact: F) -> F:
        """The lifecycle fact that may be kept."""
        if self._is_reduced(fact.org_id, fact.session_id):
            fact = reduce_fact(fact)
        kept = redact_fact(fact)
        self._note([fact], [kept])
        return kept

    async def of_events(self, sealed: SealedEvents, body: bytes, session_id: UUID, asker: Asker) -> SealedEvents:
        """The events that may be kept. ``body`` is the request they came in: mostly one look at it is enough."""
        key = asker.secrets.seed_key
        if self._is_reduced(asker.org_id, session_id):
            sealed = sealed._replace(accepted=[reduce_event(event, key) for event in sealed.accepted])
        if not self.suspect(body):
            return sealed
        if len(body) > _INLINE_BYTES_MAX:
            return await asyncio.to_thread(_without_secrets, sealed, key)
        return _without_secrets(sealed, key)

    async def of_record(self, fact: AnyFact, key: bytes) -> AnyFact:
        """The record that may be kept of one that is given as a whole: how it came to be, nobody knows.

        ``key`` makes the digests of names; the session's org and id say whether content may be kept.
        """
        fact = redact_frame(fact)
        if not isinstance(fact, EventsRecorded):
            return self.of_fact(fact)
        events: Sequence[Event] = fact.events
        if self._is_reduced(fact.org_id, fact.session_id):
            events = [reduce_event(event, key) for event in events]
        kept = await asyncio.to_thread(_cut, events)
        self._note(events, kept)
        return structs.replace(fact, events=tuple(kept))

    def _note(self, given: Iterable[Event | LifecycleFact], kept: Iterable[Event | LifecycleFact]) -> None:
        """A record that is given as a whole says itself what was cut out of it before."""
        for before, after in zip(given, kept, strict=True):
            if before is not after:
                self.note_cut(Counter(after.redactions) - Counter(before.redactions))

    def _is_reduced(self, org_id: str, session_id: UUID) -> bool:
        return org_id in self.metadata_orgs or is_sensitive(session_id)


KEEP_ALL_BUT_SECRETS = Privacy()


def _without_secrets(sealed: SealedEvents, key: bytes) -> SealedEvents:
    cut = zip(sealed.accepted, _cut(sealed.accepted), strict=True)
    accepted = [kept if kept is event else _bounded(kept, key) for event, kept in cut]
    return SealedEvents(accepted, [redact_refusal(refused) for refused in sealed.rejected])


def _cut(events: Sequence[Event]) -> list[Event]:
    groups = (events[first : first + _GROUP] for first in range(0, len(events), _GROUP))
    return [event for group in groups for event in redact_events(group)]


def _bounded(event: Event, key: bytes) -> Event:
    """A payload of nothing but short secrets outgrows what the log takes; then only its metadata stays."""
    return event if len(memoryview(event.data)) <= EVENT_BYTES_MAX else reduce_event(event, key)
