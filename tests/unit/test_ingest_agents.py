"""Code that the agent endpoints share: known sessions, and facts of several sessions in one request."""

from collections import Counter
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ingest.intake.agent_sessions.memory import Remembered
from ingest.intake.agent_sessions.session import (
    Description,
    SessionFacts,
    agent_session,
    described,
    is_client_session_id,
)
from ingest.intake.agent_sessions.store import SESSIONS_AT_ONCE
from ingest.intake.sessions.create import decide
from ingest.privacy.policy import Privacy
from schemas.http.requests import CreateSession
from schemas.ids import is_sensitive
from schemas.log.position import LogUnavailable, Position
from schemas.log.records import Actor, EventsRecorded, SessionCreated, SessionDescribed, SessionEnded
from tests.support.fakes.log import FakeEventLog
from tests.support.rigs.agent_write import CONTEXT, agent_write, an_event, records_of, session_of, store
from tests.support.rigs.write_api import NOW_MS

NAMES = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=400).filter(str.isprintable)
ONE = session_of("one")


def an_end(session: UUID, at: int = NOW_MS) -> SessionEnded:
    return SessionEnded(**CONTEXT.head_of(session), fact_id=uuid4(), ended_at=at)


class CountingLog(FakeEventLog):
    """It records how many appends were in progress at once, and fails for one session."""

    def __init__(self, refused: bytes = b"") -> None:
        super().__init__(4)
        self.in_progress = self.most = 0
        self.refused = refused

    async def append(self, key: bytes, value: bytes) -> Position:
        if key == self.refused:
            raise LogUnavailable("not this one")
        self.in_progress += 1
        self.most = max(self.most, self.in_progress)
        try:
            return await super().append(key, value)
        finally:
            self.in_progress -= 1


@given(NAMES, st.text(min_size=1, max_size=9), st.text(min_size=1, max_size=9))
def test_a_session_has_the_ids_of_a_create_with_its_external_id(name: str, org: str, user: str) -> None:
    """An agent endpoint and `POST /sessions` give it the same ids, including its fact's."""
    context = structs.replace(CONTEXT, org_id=org, actor=Actor(user, "member"))

    session = agent_session("codex", name, context)
    asked = decide(CreateSession(external_id=f"codex:{name}"), context)

    assert (session.session_id, session.run_id) == (asked.session_id, asked.run_id)
    assert not is_sensitive(session.session_id)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("ab"), NAMES), min_size=2, max_size=2, unique=True))
def test_sessions_of_other_users_or_names_are_others(owners: list[tuple[str, str, str]]) -> None:
    """User, client and the client's id all count."""
    found = [
        agent_session(client, name, structs.replace(CONTEXT, actor=Actor(user, "agent")))
        for user, client, name in owners
    ]

    assert len({session.session_id for session in found}) == len({session.run_id for session in found}) == 2


@pytest.mark.parametrize("name", ["", "x" * 401, "a\nb", "a\x00", "\ud83d", None, 7, ["a"]])
def test_what_is_no_id_of_a_session(name: object) -> None:
    """An id has 1 to 400 printable characters."""
    assert not is_client_session_id(name)
    assert is_client_session_id("x" * 400)


def test_the_same_words_are_the_same_fact() -> None:
    """Another process that receives the same description appends the same fact; any difference makes another fact."""
    words = [
        Description(client_version="2.1.332"),
        Description(attended=True),
        Description(attended=False),
        Description(parent=session_of("parent"), relation="fork"),
        Description(parent=session_of("parent"), relation="clear"),
        Description(remote_url="git@github.com:acme/shop"),
        Description(branch="main"),
    ]

    facts = [described(ONE, said, CONTEXT) for said in words]
    again = [described(ONE, said, CONTEXT) for said in words]

    assert [fact and fact.fact_id for fact in facts] == [fact and fact.fact_id for fact in again]
    assert len({fact and fact.fact_id for fact in facts}) == len(words)
    assert described(ONE, Description(), CONTEXT) is None


def test_a_description_holds_no_credentials() -> None:
    """The slug is derived from the URL, as in a create."""
    fact = described(ONE, Description(remote_url="https://bob:secret@github.com/acme/shop.git"), CONTEXT)

    assert fact is not None
    assert (fact.remote_url, fact.repo) == ("https://github.com/acme/shop.git", "acme/shop")


async def test_a_session_begins_with_its_earliest_payload() -> None:
    """The beginning comes first, then the description, then the facts in the client's order."""
    log = FakeEventLog()
    end = an_end(ONE.session_id)
    events = [an_event("SessionEnd", NOW_MS), an_event("SessionStart", NOW_MS - 5_000), an_event("Stop")]

    await store(
        agent_write(log), SessionFacts(ONE, [events[0], end, *events[1:]], Description(branch="main"), "claude-code")
    )

    first, second, *others = await records_of(log)
    assert isinstance(first, SessionCreated)
    assert (first.external_id, first.client, first.started_at) == ("claude-code:one", "claude-code", NOW_MS - 5_000)
    assert isinstance(second, SessionDescribed)
    assert second.branch == "main"
    assert [type(record) for record in others] == [EventsRecorded, SessionEnded, EventsRecorded]
    recorded = [record for record in others if isinstance(record, EventsRecorded)]
    assert [event.event_id for record in recorded for event in record.events] == [event.event_id for event in events]
    assert {record.client for record in recorded} == {"claude-code"}


async def test_what_is_durable_is_not_appended_again() -> None:
    """A process appends beginning and description once; a new description is appended too."""
    log = FakeEventLog()
    write = agent_write(log)

    for branch in ("main", "main", "fix", "main"):
        await store(write, SessionFacts(ONE, [an_event()], Description(branch=branch)))

    kinds = Counter(type(record) for record in await records_of(log))
    assert kinds == {SessionCreated: 1, SessionDescribed: 2, EventsRecorded: 4}


async def test_what_failed_is_appended_again() -> None:
    """Nothing is remembered before it is in the log."""
    log = FakeEventLog()
    write = agent_write(log)
    log.unavailable = True
    with pytest.raises(LogUnavailable):
        await store(write, SessionFacts(ONE, [an_event()]))
    log.unavailable = False

    await store(write, SessionFacts(ONE, [an_event()]))

    assert [type(record) for record in await records_of(log)] == [SessionCreated, EventsRecorded]


async def test_one_session_that_fails_fails_the_request() -> None:
    """The error is the log's, whichever session fails."""
    sessions = [session_of(str(number)) for number in range(40)]
    log = CountingLog(refused=sessions[20].session_id.bytes)

    with pytest.raises(LogUnavailable):
        await store(agent_write(log), *(SessionFacts(session, [an_event()]) for session in sessions))


@pytest.mark.parametrize("count", [1, 3, 50])
async def test_the_answer_names_the_last_position_of_each_partition(count: int) -> None:
    """A reader that waits for them sees everything; the number of concurrent appends is limited."""
    log = CountingLog()

    stored = await store(
        agent_write(log), *(SessionFacts(session_of(str(number)), [an_event()]) for number in range(count))
    )

    ends = {partition: end for partition, end in enumerate(await log.ends()) if end}
    assert stored.position == ",".join(f"{partition}:{end - 1}" for partition, end in ends.items())
    assert [Position.parse(text) for text in stored.position.split(",")] == stored.positions
    assert log.most == min(count, SESSIONS_AT_ONCE)


async def test_secrets_and_content_stay_out_of_every_record() -> None:
    """Redaction covers the client's texts, and an org without content stores none."""
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    said = Description(branch=key)
    for privacy, content in ((Privacy(), "ls"), (Privacy(metadata_orgs=frozenset({"acme"})), None)):
        log = FakeEventLog()
        event = an_event("PreToolUse", tool_name="Bash", tool_input={"command": f"ls {key}"})

        await store(agent_write(log, privacy), SessionFacts(ONE, [event], said))

        values = b"".join(record.value or b"" for record in await log.read(0, 0, 9, 1 << 20))
        assert key.encode() not in values
        assert (b"ls" in values) == (content is not None)
        assert b"tool_name" in values


async def test_nothing_is_appended_for_no_facts() -> None:
    """A request of dropped records has no position."""
    log = FakeEventLog()

    assert (await store(agent_write(log))).position == ""
    assert await records_of(log) == []


@given(st.lists(st.integers(0, 20), max_size=60), st.integers(1, 8))
def test_the_memory_holds_those_used_last(used: list[int], room: int) -> None:
    """Its size is bounded, and it contains the most recently used ones."""
    memory = Remembered(room)
    for number in used:
        if UUID(int=number) not in memory:
            memory.add(UUID(int=number))

    latest = list(dict.fromkeys(reversed(used)))[:room]
    assert len(memory) == len(latest)
    assert all(UUID(int=number) in memory for number in latest)
