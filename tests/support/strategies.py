"""Logs as hypothesis draws them: few sessions and few ids, so that collisions are frequent."""

from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from prices.log import COMMAND_LINE
from schemas.log.codec import encode
from schemas.log.position import LogRecord
from schemas.log.price import Price
from schemas.log.records import (
    PRICES_ID,
    Actor,
    AnyRecord,
    CompactionRequested,
    Event,
    EventsRecorded,
    MetricsReport,
    MetricsReported,
    ModelUsage,
    PricesLoaded,
    SessionChanged,
    SessionCreated,
    SessionEnded,
)
from schemas.log.topics import partition_of, record_key
from schemas.permissions import OPERATOR_ORG
from tests.support.agent_facts import BASE_MS, SESSIONS, AgentFacts, Traits

PARTITIONS = 2
# Half of them in two hours, so that they are equal, or in another order than their events.
times = (st.integers(0, 6) | st.integers(-2, 30)).map(lambda n: BASE_MS + n * 1_200_000)
names = st.sampled_from([None, "a", "b"])
_below = cache(lambda count: st.integers(0, count - 1))

price_loads = st.integers(0, 3).map(
    lambda n: PricesLoaded(
        v=1,
        record_id=UUID(int=1 + n),
        org_id=OPERATOR_ORG,
        session_id=PRICES_ID,
        actor=COMMAND_LINE,
        received_at=BASE_MS,
        prices=(Price("other", BASE_MS + n, *[n] * 5),),
        loaded_us=BASE_MS * 1000,
    )
)


@st.composite
def traits(draw: st.DrawFn) -> Traits:
    """Draw what the facts of a log have in common: some events are odd, and a record may have several."""
    return Traits.drawn(lambda count: draw(_below(count)), odd=1, event_ids=40, batch=6)


@st.composite
def facts(draw: st.DrawFn, common: Traits | None = None) -> AnyRecord:
    """Draw a fact about one of a few sessions."""
    made = AgentFacts(lambda count: draw(_below(count)), common or draw(traits()))
    org, session = draw(st.sampled_from(["acme", "acme", "acme", "globex"])), draw(st.sampled_from(SESSIONS))
    return made.fact(draw(st.integers(1, 1 << 100)), org, session)


@st.composite
def crowded_facts(draw: st.DrawFn, events: int = 12) -> AnyRecord:
    """Draw facts that collide: a handful of ids, two hours, and mostly one org, so that writers conflict."""
    at = st.sampled_from([0, 1, 2]).map(lambda n: BASE_MS + n * 1_800_000)
    common: dict[str, Any] = {
        "v": 1,
        "record_id": UUID(int=draw(st.integers(1, 1 << 64))),
        "org_id": draw(st.sampled_from(["acme", "acme", "acme", "globex"])),
        "session_id": draw(st.sampled_from(SESSIONS)),
        "actor": Actor("alice", "member"),
        "received_at": draw(at),
    }
    fact_id = UUID(int=draw(st.integers(100, 104)))
    kind = draw(st.sampled_from([*["events"] * 5, "created", "changed", "metrics", "ended", "compact"]))
    if kind == "events":
        types = st.sampled_from(
            [*["PreToolUse", "PostToolUse"] * 2, "UserPromptSubmit", "SubagentStart", "TaskCreated"]
        )
        uses = [{"tool_use_id": use, "tool_name": "Bash"} for use in "uvwx"]
        ids_of_things = st.sampled_from([{}, {"agent_id": "y"}, *uses])
        event = st.builds(
            Event,
            event_id=st.integers(1, events).map(lambda n: UUID(int=n)),
            event_type=types,
            timestamp=at,
            data=ids_of_things.map(lambda payload: msgspec.Raw(msgspec.json.encode(payload))),
        )
        return EventsRecorded(**common, events=tuple(draw(st.lists(event, min_size=1, max_size=3))))
    if kind == "created":
        return SessionCreated(
            **common, fact_id=fact_id, run_id=UUID(int=7), repo=draw(names), started_at=draw(st.none() | at)
        )
    if kind == "changed":
        return SessionChanged(**common, fact_id=fact_id, agent_name=draw(names))
    if kind == "metrics":
        usage = ModelUsage("other", input_tokens=draw(st.integers(0, 9)), cost_nano=draw(st.integers(0, 9)))
        return MetricsReported(**common, fact_id=fact_id, report=MetricsReport((usage,)))
    if kind == "ended":
        return SessionEnded(**common, fact_id=fact_id, ended_at=draw(st.none() | at))
    return CompactionRequested(**common, fact_id=fact_id)


@st.composite
def logs(draw: st.DrawFn, max_size: int = 30) -> list[LogRecord]:
    """Draw a log of two partitions, with some poison, in an order in which it could have been written."""
    one = facts(draw(traits())) | st.just(None) | price_loads
    values = draw(st.lists(one, min_size=1, max_size=max_size))
    return log_of(values)


@st.composite
def crowded_logs(draw: st.DrawFn) -> list[LogRecord]:
    """Draw a log of one session with frequent copies, and a digest request and an end as its last records."""
    drawn: list[AnyRecord | None] = [
        msgspec.structs.replace(fact, org_id="acme", session_id=SESSIONS[0])
        for fact in draw(st.lists(facts(draw(traits())), min_size=6, max_size=30))
    ]
    common: dict[str, Any] = {"v": 1, "org_id": "acme", "session_id": SESSIONS[0], "received_at": BASE_MS}
    common |= {"actor": Actor("alice", "member"), "record_id": UUID(int=1)}
    asked = CompactionRequested(**common, fact_id=UUID(int=201))
    return log_of([*drawn, asked, SessionEnded(**common, fact_id=UUID(int=202))])


def log_of(values: list[AnyRecord | None]) -> list[LogRecord]:
    """Give facts their partitions and dense offsets; None becomes an undecodable record."""
    ends = [0] * PARTITIONS
    records = []
    for fact in values:
        key = record_key(fact.session_id if fact else SESSIONS[0])
        partition = partition_of(key, PARTITIONS)
        value = encode(fact) if fact else b"\x00garbage"
        records.append(LogRecord(partition, ends[partition], key, value, BASE_MS))
        ends[partition] += 1
    return records


def one_event(n: int) -> EventsRecorded:
    """Return the n-th event of one session, in its own record."""
    event = Event(event_id=UUID(int=n + 1), event_type="Stop", timestamp=BASE_MS + n, data=msgspec.Raw(b"{}"))
    return EventsRecorded(
        v=1,
        record_id=UUID(int=n + 1),
        org_id="acme",
        session_id=SESSIONS[0],
        actor=Actor("alice", "member"),
        received_at=BASE_MS,
        events=(event,),
    )
