"""Steps 3 and 4 of a write (`ingest.intake.steps`): strip content where none may be stored, redact secrets.

Both run before the log, which is permanent.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import NamedTuple, TypeVar
from uuid import UUID

from msgspec import structs

from ingest.body import Body
from ingest.intake.events.identify import IdentifiedEvents
from ingest.lane import ON_THE_LOOP, Lane
from ingest.privacy.metadata_only import strip_event, strip_record
from ingest.privacy.redaction import Effort, TooDense, may_hold_secrets, redact_text, redact_text_or_all
from ingest.privacy.redaction.effort import A_MOMENT_S
from ingest.privacy.redaction.records import (
    may_need_redaction,
    redact_event,
    redact_frame,
    redact_record,
    redact_refusals,
)
from ingest.privacy.redaction.rewriting import DENSE
from schemas.http.requests import EVENT_BYTES_MAX
from schemas.ids import is_sensitive
from schemas.log.records import Event, EventsRecorded, LifecycleRecord, SessionRecord

R = TypeVar("R", bound=LifecycleRecord)

_GROUP = 8  # events that are scanned together: most have no secret, and each scan has a fixed cost
_PIECE_BYTES = 131_072  # of events that the lane handles before another request has its turn
_INLINE_BYTES_MAX = 131_072  # of a body that may hold secrets: full of them, it blocks the loop for 13 ms
_LONG_PIECES = 4  # a request with more pieces is long


class Privacy(NamedTuple):
    """What an installation stores. ``key`` in the methods makes the digests that replace names."""

    metadata_orgs: frozenset[str] = frozenset()  # no content of these orgs is stored
    may_hold_secrets: Callable[[bytes], bool] = may_hold_secrets
    on_redacted: Callable[[Mapping[str, int]], None] = lambda _counts: None  # receives counts by rule

    def strips(self, org_id: str, session_id: UUID) -> bool:
        """Return whether no content of this session may be stored."""
        return org_id in self.metadata_orgs or is_sensitive(session_id)

    async def clean_record(self, record: R, lane: Lane) -> R:
        """Return the record without secrets, and without content where none may be stored."""
        if self.strips(record.org_id, record.session_id):
            record = strip_record(record)
        try:
            redacted = redact_record(record, partial(redact_text, effort=Effort(A_MOMENT_S)))
        except TooDense:
            redacted = await lane.run(redact_record, record, partial(redact_text_or_all, effort=Effort()))
        self._report([record], [redacted])
        return redacted

    async def strip_events(self, events: IdentifiedEvents, body: Body, key: bytes) -> IdentifiedEvents:
        """Return the events without content; check `strips` first."""
        return events._replace(accepted=await body.place.run(_stripped, events.accepted, key))

    async def redact_events(self, events: IdentifiedEvents, body: Body, key: bytes, lane: Lane) -> IdentifiedEvents:
        """Return the events without secrets. One scan of ``body``, in which they came, is enough for most requests.

        A small request is redacted on the event loop if a moment is enough, any other in the lane.
        """
        if not await body.place.run(self.may_hold_secrets, body.text):
            return events
        rejected = await body.place.run(redact_refusals, events.rejected)
        if body.place is ON_THE_LOOP and len(body.text) <= _INLINE_BYTES_MAX:
            redact = partial(_redact_bounded, key=key, effort=Effort(A_MOMENT_S))
            with suppress(TooDense):
                return IdentifiedEvents(_without_secrets(events.accepted, redact), rejected)
        return IdentifiedEvents(await _redacted_in_turns(events.accepted, key, lane), rejected)

    async def clean_whole(self, record: SessionRecord, key: bytes, lane: Lane) -> SessionRecord:
        """Do the same for a record that an operator sends as a whole; nothing in it is trusted."""
        record = await lane.run(redact_frame, record)
        if not isinstance(record, EventsRecorded):
            return await self.clean_record(record, lane)
        events: Sequence[Event] = record.events
        if self.strips(record.org_id, record.session_id):
            events = await lane.run(_stripped, events, key)
        redacted = await _redacted_in_turns(events, key, lane)
        self._report(events, redacted)
        return structs.replace(record, events=tuple(redacted))

    def _report(self, before: Iterable[Event | LifecycleRecord], after: Iterable[Event | LifecycleRecord]) -> None:
        """Report what was redacted now; a record that is sent as a whole already has earlier counts."""
        for old, new in zip(before, after, strict=True):
            if old is not new:
                self.on_redacted(Counter(new.redactions) - Counter(old.redactions))


KEEP_ALL_BUT_SECRETS = Privacy()


async def _redacted_in_turns(events: Sequence[Event], key: bytes, lane: Lane) -> list[Event]:
    redact = partial(_redact_or_strip, key=key, effort=Effort())
    redacted: list[Event] = []
    async with AsyncExitStack() as until_done:
        for number, piece in enumerate(_pieces(events)):
            if number == _LONG_PIECES:
                await until_done.enter_async_context(lane.long_work)
            redacted += await lane.run(_without_secrets, piece, redact)
    return redacted


def _pieces(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    begin, size = 0, 0
    for index, event in enumerate(events, 1):
        size += len(memoryview(event.data))
        if size >= _PIECE_BYTES or index == len(events):
            yield events[begin:index]
            begin, size = index, 0


def _without_secrets(events: Sequence[Event], redact: Callable[[Event], Event]) -> list[Event]:
    redacted: list[Event] = []
    for first in range(0, len(events), _GROUP):
        group = events[first : first + _GROUP]
        redacted += map(redact, group) if may_need_redaction(group) else group
    return redacted


def _redact_bounded(event: Event, key: bytes, effort: Effort) -> Event:
    """Redact, and strip a payload that its markers make too large for the log: one full of short secrets."""
    redacted = redact_event(event, effort)
    if redacted is event or len(memoryview(redacted.data)) <= EVENT_BYTES_MAX:
        return redacted
    return strip_event(redacted, key)


def _redact_or_strip(event: Event, key: bytes, effort: Effort) -> Event:
    """Redact, and strip a payload that exceeds the effort; the names that remain are short."""
    try:
        return _redact_bounded(event, key, effort)
    except TooDense:
        stripped = redact_event(strip_event(event, key), Effort())
        return structs.replace(stripped, redactions=dict(Counter(stripped.redactions) + Counter({DENSE: 1})))


def _stripped(events: Sequence[Event], key: bytes) -> list[Event]:
    return [strip_event(event, key) for event in events]
