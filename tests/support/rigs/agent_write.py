"""What the agent endpoints (hooks and OTLP) do with a request, on a fake log: for tests of their shared code."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec import Raw
from prometheus_client import CollectorRegistry

from ingest.body import Bodies, Body
from ingest.dependencies import AgentWrite, Write
from ingest.erased import KnownErasures
from ingest.intake.agent_sessions.memory import Remembered
from ingest.intake.agent_sessions.session import AgentSession, SessionFacts, agent_session
from ingest.intake.agent_sessions.store import Stored, store_sessions
from ingest.intake.context import CommandContext
from ingest.lane import ON_THE_LOOP, Lane
from ingest.log.port import EventLog
from ingest.metrics import IngestMetrics
from ingest.privacy.policy import KEEP_ALL_BUT_SECRETS, Privacy
from schemas.log.codec import decode
from schemas.log.records import Actor, AnyRecord, Event
from tests.support.fakes.log import FakeEventLog
from tests.support.rigs.write_api import NOW_MS, SECRETS

CONTEXT = CommandContext("acme", Actor("alice", "member"), NOW_MS, SECRETS, uuid4)


def agent_write(log: EventLog, privacy: Privacy = KEEP_ALL_BUT_SECRETS, remembered: int = 100) -> AgentWrite:
    """Return the arguments that an agent endpoint's route gets in a process that has appended nothing yet."""
    write = Write(CONTEXT, Bodies().read, log, privacy, Lane(), IngestMetrics(CollectorRegistry()), KnownErasures(log))
    return AgentWrite(write, Remembered(remembered), _charge_nothing)


async def _charge_nothing(_writes: int) -> None:
    """Count nothing: there is no limit."""


def session_of(name: str, client: str = "claude-code") -> AgentSession:
    """Return the session that alice's client calls ``name``."""
    return agent_session(client, name, CONTEXT)


def an_event(event_type: str = "Stop", at: int = NOW_MS, event_id: UUID | None = None, **data: Any) -> Event:
    """Return an event with this payload."""
    return Event(event_id or uuid4(), event_type, at, Raw(msgspec.json.encode(data)))


async def store(write: AgentWrite, *sessions: SessionFacts) -> Stored:
    """Store the facts of one request, whose body contains the payloads."""
    events = [fact for session in sessions for fact in session.facts if isinstance(fact, Event)]
    body = Body(b"\n".join(bytes(event.data) for event in events), ON_THE_LOOP)
    return await store_sessions(write, sessions, [], body)


async def records_of(log: FakeEventLog, session: AgentSession | None = None) -> Sequence[AnyRecord]:
    """Return the log's records, or those of one session, in order of partition and offset."""
    ends = enumerate(await log.ends())
    found = [await log.read(partition, 0, end, 1 << 30) for partition, end in ends]
    records = [decode(record, log.partitions) for of_partition in found for record in of_partition]
    return [record for record in records if session is None or record.session_id == session.session_id]
