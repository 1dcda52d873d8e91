"""The last three steps of `ingest.intake.steps` for a request that brings facts of several sessions.

Sessions are appended concurrently, the records of one session in order: its creation, what the client says about it,
then its facts in the client's order. If one append fails, others of the request may be durable. A copy of the request
has the same fact ids, so it may be sent again unchanged.
"""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from ingest.body import Body
from ingest.dependencies import AgentWrite
from ingest.intake.agent_sessions.session import SessionFacts, created, described
from ingest.intake.events.identify import IdentifiedEvents, to_records
from ingest.intake.steps import append
from schemas.http.responses import RejectedEvent
from schemas.log.codec import encode
from schemas.log.position import Position
from schemas.log.records import Event, LifecycleRecord

SESSIONS_AT_ONCE = 16  # of one request; each holds one record on its way to the log


class Stored(NamedTuple):
    """What became of a request: the refusals, without secrets, and the last position in each partition."""

    rejected: list[RejectedEvent]
    positions: Sequence[Position]

    @property
    def position(self) -> str:
        """The text for `X-Log-Position`, which `X-Wait-For-Position` accepts; empty if nothing was appended."""
        return ",".join(map(str, self.positions))


async def store_sessions(
    write: AgentWrite, sessions: Sequence[SessionFacts], rejected: list[RejectedEvent], body: Body
) -> Stored:
    """Strip, redact and append the facts of a request; each session occurs once, and only if it has facts.

    ``body`` is the text that is searched for secrets, so it must contain every payload as stored. Where payloads are
    made from something else, it is the text of the payloads themselves.

    Raises `LogUnavailable`, or `ApiError` (429) before any append if the org has fewer writes left than sessions here.
    """
    await write.charge(len(sessions))
    context, _, _, privacy, lane, metrics, _ = write.command
    events = IdentifiedEvents(await _without_content(write, sessions, body), rejected)
    events = await privacy.redact_events(events, body, context.secrets.seed_key, lane)
    if events.accepted or events.rejected:
        metrics.events(events.accepted, events.rejected)
    redacted = iter(events.accepted)
    cleaned = []
    for session in sessions:  # with these events in place of their own
        facts = [next(redacted) if isinstance(fact, Event) else fact for fact in session.facts]
        cleaned.append(session._replace(facts=facts))
    ends = await _append_all(write, cleaned, body)
    last_of_each_partition = {position.partition: position for position in sorted(ends)}
    return Stored(events.rejected, list(last_of_each_partition.values()))


async def _without_content(write: AgentWrite, sessions: Iterable[SessionFacts], body: Body) -> list[Event]:
    """Return the events of all sessions in their order, without content where none may be stored."""
    context, privacy = write.command.context, write.command.privacy
    events: list[Event] = []
    for session, facts, *_ in sessions:
        own = [fact for fact in facts if isinstance(fact, Event)]
        if privacy.strips(context.org_id, session.session_id):
            stripped = await privacy.strip_events(IdentifiedEvents(own, []), body, context.secrets.seed_key)
            own = stripped.accepted
        events += own
    return events


async def _append_all(write: AgentWrite, sessions: Sequence[SessionFacts], body: Body) -> list[Position]:
    if len(sessions) == 1:
        return [await _append_session(write, sessions[0], body)]
    turns = asyncio.Semaphore(SESSIONS_AT_ONCE)

    async def in_turn(session: SessionFacts) -> Position:
        async with turns:
            return await _append_session(write, session, body)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_turn(session)) for session in sessions]
    except ExceptionGroup as errors:  # the others are cancelled; the client sends all of them again
        raise errors.exceptions[0] from errors
    return [task.result() for task in tasks]


async def _append_session(write: AgentWrite, session: SessionFacts, body: Body) -> Position:
    """Append what one session brings; return the position of its last record."""
    context = write.command.context
    who, facts, said, client = session
    started_at = min((fact.timestamp for fact in facts if isinstance(fact, Event)), default=None)
    await _append_once(write, created(who, started_at, context))
    if (description := described(who, said, context)) is not None:
        await _append_once(write, description)
    for are_events, group in groupby(facts, lambda fact: isinstance(fact, Event)):
        if are_events:
            events = [fact for fact in group if isinstance(fact, Event)]
            records = await body.place.run(to_records, events, context.of_session(who.session_id), client)
        else:
            records = [await _private(write, fact) for fact in group if not isinstance(fact, Event)]
        position = await append(write.command.log, who.session_id, records)
    return position


async def _append_once(write: AgentWrite, record: LifecycleRecord) -> None:
    """Append a record of the session unless this process did so recently; only a durable one is remembered."""
    if record.fact_id in write.appended:
        return
    await append(write.command.log, record.session_id, [await _private(write, record)])
    write.appended.add(record.fact_id)


async def _private(write: AgentWrite, record: LifecycleRecord) -> bytes:
    """Return the record's value, without content where none may be stored, and without secrets."""
    return encode(await write.command.privacy.clean_record(record, write.command.lane))
