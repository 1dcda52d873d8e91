"""What of a request may reach the log, which is for ever: no content where none may be kept, and never a secret.

Ids of events and sessions follow from what was sent, so they are made before this, and a rule that is added or changed
later changes no id.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import NamedTuple, TypeVar
from uuid import UUID

from msgspec import structs

from ingest.body import Body
from ingest.intake.context import Asker
from ingest.intake.events.identify import SealedEvents
from ingest.lane import ON_THE_LOOP, Lane
from ingest.privacy.metadata_only import reduce_event, reduce_record
from ingest.privacy.redaction import Effort, TooDense, may_hold_secrets, redact_text, redact_text_or_all
from ingest.privacy.redaction.density import DENSE
from ingest.privacy.redaction.effort import A_MOMENT_S
from ingest.privacy.redaction.records import (
    may_need_redaction,
    redact_event,
    redact_frame,
    redact_record,
    redact_refusal,
)
from schemas.http.requests import EVENT_BYTES_MAX
from schemas.http.responses import RejectedEvent
from schemas.ids import is_sensitive
from schemas.log.records import AnyRecord, Event, EventsRecorded, LifecycleRecord

F = TypeVar("F", bound=LifecycleRecord)

_GROUP = 8  # events that are looked at together: most of a suspect request are clean, and a look has its own price
_PIECE_BYTES = 131_072  # of events that the lane takes before another request has its turn
_INLINE_BYTES_MAX = 131_072  # of a suspect body: dense with secrets, such a request holds up the loop for 13 ms
_LONG_PIECES = 4  # from this many on the work of a request is long


class Privacy(NamedTuple):
    """How this installation keeps what is private."""

    metadata_orgs: frozenset[str] = frozenset()  # of which no content is kept
    suspect: Callable[[bytes], bool] = may_hold_secrets
    note_cut: Callable[[Mapping[str, int]], None] = lambda _counts: None  # told what was cut out of a fact, by rule

    async def of_lifecycle(self, record: F, lane: Lane) -> F:
        """The lifecycle fact that may be kept."""
        if self._is_reduced(record.org_id, record.session_id):
            record = reduce_record(record)
        try:
            kept = redact_record(record, partial(redact_text, effort=Effort(A_MOMENT_S)))
        except TooDense:
            kept = await lane.run(redact_record, record, partial(redact_text_or_all, effort=Effort()))
        self._note([record], [kept])
        return kept

    async def of_events(
        self, sealed: SealedEvents, body: Body, session_id: UUID, asker: Asker, lane: Lane
    ) -> SealedEvents:
        """The events that may be kept. ``body`` is what they came in: mostly one look at it is enough."""
        key = asker.secrets.seed_key
        if self._is_reduced(asker.org_id, session_id):
            accepted = await body.place.run(_reduced, sealed.accepted, key)
            sealed = sealed._replace(accepted=accepted)
        if not await body.place.run(self.suspect, body.text):
            return sealed
        rejected = await body.place.run(_redacted_refusals, sealed.rejected)
        return SealedEvents(await _redacted(sealed.accepted, key, body, lane), rejected)

    async def of_record(self, record: AnyRecord, key: bytes, lane: Lane) -> AnyRecord:
        """The record that may be kept of one that is given as a whole: how it came to be, nobody knows.

        ``key`` makes the digests of names; the session's org and id say whether content may be kept.
        """
        record = await lane.run(redact_frame, record)
        if not isinstance(record, EventsRecorded):
            return await self.of_lifecycle(record, lane)
        events: Sequence[Event] = record.events
        if self._is_reduced(record.org_id, record.session_id):
            events = await lane.run(_reduced, events, key)
        kept = await _redacted_in_turns(events, key, lane)
        self._note(events, kept)
        return structs.replace(record, events=tuple(kept))

    def _note(self, given: Iterable[Event | LifecycleRecord], kept: Iterable[Event | LifecycleRecord]) -> None:
        """A record that is given as a whole says itself what was cut out of it before."""
        for before, after in zip(given, kept, strict=True):
            if before is not after:
                self.note_cut(Counter(after.redactions) - Counter(before.redactions))

    def _is_reduced(self, org_id: str, session_id: UUID) -> bool:
        return org_id in self.metadata_orgs or is_sensitive(session_id)


KEEP_ALL_BUT_SECRETS = Privacy()


async def _redacted(events: Sequence[Event], key: bytes, body: Body, lane: Lane) -> list[Event]:
    """A small request mostly takes a moment; where it takes more, the lane begins anew. A large one begins there."""
    if body.place is ON_THE_LOOP and len(body.text) <= _INLINE_BYTES_MAX:
        try:
            return _without_secrets(events, partial(_redact_bounded, key=key, effort=Effort(A_MOMENT_S)))
        except TooDense:
            pass
    return await _redacted_in_turns(events, key, lane)


async def _redacted_in_turns(events: Sequence[Event], key: bytes, lane: Lane) -> list[Event]:
    redact = partial(_redact_or_reduce, key=key, effort=Effort())
    kept: list[Event] = []
    async with AsyncExitStack() as until_done:
        for number, piece in enumerate(_pieces(events)):
            if number == _LONG_PIECES:
                await until_done.enter_async_context(lane.long_work)
            kept += await lane.run(_without_secrets, piece, redact)
    return kept


def _pieces(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    begin, size = 0, 0
    for index, event in enumerate(events, 1):
        size += len(memoryview(event.data))
        if size >= _PIECE_BYTES or index == len(events):
            yield events[begin:index]
            begin, size = index, 0


def _without_secrets(events: Sequence[Event], redact: Callable[[Event], Event]) -> list[Event]:
    kept: list[Event] = []
    for first in range(0, len(events), _GROUP):
        group = events[first : first + _GROUP]
        kept += map(redact, group) if may_need_redaction(group) else group
    return kept


def _redact_bounded(event: Event, key: bytes, effort: Effort) -> Event:
    """A payload of nothing but short secrets outgrows what the log takes; then only its metadata stays."""
    kept = redact_event(event, effort)
    return kept if kept is event or len(memoryview(kept.data)) <= EVENT_BYTES_MAX else reduce_event(kept, key)


def _redact_or_reduce(event: Event, key: bytes, effort: Effort) -> Event:
    """Of a payload that takes more than the effort only metadata stays as well: names, which are short."""
    try:
        return _redact_bounded(event, key, effort)
    except TooDense:
        kept = redact_event(reduce_event(event, key), Effort())
        return structs.replace(kept, redactions=dict(Counter(kept.redactions) + Counter({DENSE: 1})))


def _reduced(events: Sequence[Event], key: bytes) -> list[Event]:
    return [reduce_event(event, key) for event in events]


def _redacted_refusals(rejected: Sequence[RejectedEvent]) -> list[RejectedEvent]:
    return [redact_refusal(refused) for refused in rejected]
