"""Sessions and orgs are erased on the real engine: nothing shows them, and a replay of the rewritten log agrees."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from generations.erasure_check import ErasureCheck
from generations.prove.words import in_words
from processors.sweeping import Sweeper
from query_api.erasure.checks import Left
from schemas.log.records import Event
from schemas.log.topics import partition_of, record_key
from store.reading.guard import HIDDEN
from tests.support.builders import (
    ORG,
    changed,
    compaction_requested,
    created,
    ended,
    erased,
    hook,
    positions_erased,
    recorded,
    records_erased,
)
from tests.support.builders import session_id as named
from tests.support.clients.in_process import in_process
from tests.support.needles import found_in
from tests.support.oracles.openapi import Schema
from tests.support.oracles.openapi import operations as documented
from tests.support.rigs.audited import OTHER, Operations, token, worked_on
from tests.support.rigs.projection import new_pipeline, settle
from tests.support.rigs.store import Options, TestStore, new_address, new_store
from tests.support.rigs.two_generations import LIVE, PROVED, TwoGenerations

pytest_plugins = ["tests.support.rigs.audit_fixtures", "tests.support.rigs.prove_fixtures"]
GONE = named(0)
OURS = [record_key(GONE), record_key(named(2))]
WORD = "tangerine"  # it is said in the session that is erased alone
ASKED = {"q": WORD, "start_date": "2026-01-01", "end_date": "2026-01-31"}


def partition(session: UUID) -> int:
    return partition_of(record_key(session), 4)


async def test_a_replay_of_the_rewritten_log_equals_what_obeyed(both: TwoGenerations) -> None:
    """One generation projected everything, and then erased a session and an org; the other one never had them."""
    both.empty()
    log = worked_on(sessions=8)
    late = recorded(GONE, hook("UserPromptSubmit", prompt=WORD))
    of_other = [named(n, OTHER) for n in (1, 3, 5, 7)]
    log.add(records_erased(partition(GONE), GONE), late, recorded(named(2), hook("Stop")))
    log.add(*[records_erased(number, org_id=OTHER) for number in range(4)])
    log.add(late, recorded(of_other[0], hook("Stop"), org_id=OTHER), created(named(9, OTHER), org_id=OTHER))
    orgs = {record_key(GONE): ORG, **{record_key(one): OTHER for one in (*of_other, named(9, OTHER))}}
    stubs = [erased(one, orgs[one.key]) if one.key in orgs else one for one in log.records]

    await both.project(log.records, LIVE)
    await both.project(stubs, PROVED)

    proof = await both.prove()
    assert in_words(proof)[0] == "g2 equals g1."
    assert (proof.equal, proof.differences, proof.moving) == (True, [], {})
    ((left,),) = both.rows("SELECT uniqExact(org_id, session_id) FROM {db}.sessions WHERE NOT is_erased")
    assert left == 3
    assert both.rows("SELECT count() FROM {db}.facts WHERE org_id = 'globex'") == [(0,)]


async def test_a_replay_without_some_records_equals_what_obeyed(both: TwoGenerations) -> None:
    """A session goes on without a few of its records, another loses all; the other generation never had them."""
    both.empty()
    log = worked_on(sessions=4)
    log.add(changed(GONE, title=WORD), compaction_requested(GONE), recorded(GONE, *said(WORD)), ended(GONE))
    there = [record for record in log.records if record.partition == partition(GONE)]
    of_gone = [record.offset for record in there if record.key == record_key(GONE)]
    gone = {*of_gone[1::2], *(record.offset for record in there if record.key == record_key(named(2)))}
    log.add(positions_erased(partition(GONE), *gone), recorded(GONE, hook("Stop")))
    stubs = [
        erased(one) if one.partition == partition(GONE) and one.offset in gone and one.key in OURS else one
        for one in log.records
    ]

    await both.project(log.records, LIVE)
    await both.project(stubs, PROVED)

    proof = await both.prove()
    assert (in_words(proof)[0], proof.equal, proof.differences, proof.moving) == ("g2 equals g1.", True, [], {})


@pytest.mark.fault(row=32)
async def test_a_store_that_is_restored_from_before_erases_again(both: TwoGenerations) -> None:
    """The copy has neither what was erased nor the receipt of the erasure, so the record is projected again."""
    both.empty()
    log = worked_on(sessions=2)
    await both.project(log.records)
    copy = both.keep()
    log.add(records_erased(partition(GONE), GONE))
    await both.project(log.records)
    shown = f"SELECT count() FROM {{db}}.sessions FINAL WHERE session_id = '{GONE}' AND NOT is_erased"
    before = both.rows(shown)

    both.restore(copy)
    restored = both.rows(shown)
    await both.project(log.records)

    assert (before, restored, both.rows(shown)) == ([(0,)], [(1,)], [(0,)])
    assert (await both.prove()).equal


async def test_no_route_shows_an_erased_session(operations: Operations) -> None:
    """Each route with its id answers 404, none says its words, and all others reply as if it had never been there."""
    log = worked_on(sessions=4)
    log.add(recorded(GONE, hook("UserPromptSubmit", prompt=WORD), hook("Stop", last_assistant_message=WORD)))
    await operations.project(log.records)
    shown = await replies(operations)
    log.add(records_erased(partition(GONE), GONE))

    await operations.project(log.records[-1:])

    hidden = await replies(operations)
    assert len(hidden) == len(shown) > 15
    of_it = {path for path in shown if str(GONE) in path}
    assert len(of_it) == 6
    assert {path: status for path, (status, _) in shown.items() if status != 200} == {}
    assert {path: status for path, (status, _) in hidden.items() if status != 200} == dict.fromkeys(of_it, 404)
    assert any(WORD in text for _, text in shown.values())
    assert not [path for path, (_, text) in hidden.items() if WORD in text]
    assert [path for path, (_, text) in hidden.items() if str(GONE) in text] == [f"/api/v1/{ORG}/erasures"]
    assert any(str(named(2)) in text for _, text in hidden.values())


async def replies(operations: Operations) -> dict[str, tuple[int, str]]:
    """Ask every route of the org that reads; return status and text by path."""
    ids = {"org_id": ORG, "session_id": GONE, "position": f"{partition(GONE)}:0"}
    found: dict[str, tuple[int, str]] = {}
    async with in_process(operations.app, headers=token(ORG, "owner")) as client:
        document: Schema = (await client.get("/schema/openapi.json")).json()
        for path, method, operation in documented(document):
            if method == "get" and path.startswith("/api/v1/{org_id}/") and "{erasure_id}" not in path:
                takes = {parameter.get("name") for parameter in operation.get("parameters", ())}
                params = {name: value for name, value in ASKED.items() if name in takes}
                if path.startswith("/api/v1/{org_id}/erasures/"):
                    params["user_id"] = "alice"
                reply = await client.get(path.format_map(ids), params=params)
                found[path.format_map(ids)] = reply.status_code, reply.text
    return found


@pytest.fixture
def swept_store(embedded_engine: Options) -> Iterator[TestStore]:
    """Return a store in this process, whose old parts live for a second instead of eight minutes."""
    for store in new_store(new_address(embedded_engine), 4):
        for table in HIDDEN:
            store.client.command(f"ALTER TABLE {store.database}.{table} MODIFY SETTING old_parts_lifetime = 1")
        yield store


async def test_a_sweep_leaves_no_byte_of_what_is_erased(swept_store: TestStore, embedded_engine: Options) -> None:
    """Its words are in the files before, and in none after; its neighbour's stay. One projector does it, a day on."""
    folder, needle, neighbour = Path(embedded_engine["path"]), "needle-5d1f0c", "neighbour-77a2"
    log = worked_on(sessions=4)
    for session, word in ((GONE, needle), (named(2), neighbour)):
        log.add(changed(session, title=f"title {word}", summary=word, branch=word))
        log.add(recorded(session, *said(word)), compaction_requested(session, instructions=word), ended(session))
    log.add(records_erased(partition(GONE), GONE))
    pipeline = new_pipeline(swept_store, log.records)
    await pipeline.project(log.records)
    await settle(pipeline)
    before, left = found_in(folder, needle, neighbour), await check(swept_store)

    asked = []

    async def rewrite_log() -> int:
        asked.append(1)
        return 7

    await Sweeper(swept_store.warehouse(), {1: 1}, rewrite_log).sweep_if_due()  # another projector's work
    assert asked == []
    await Sweeper(swept_store.warehouse(), {0: 1}, rewrite_log).sweep_if_due()
    await Sweeper(swept_store.warehouse(), {0: 1}, rewrite_log).sweep_if_due()  # nothing is left to do
    after, left_after = found_in(folder, needle, neighbour), await check(swept_store)
    assert min(len(before[needle]), len(before[neighbour])) >= 5  # tables
    assert (len(after[needle]), asked) == (0, [1])
    assert ({*left.tables} >= {"facts", "tasks"}, left_after) == (True, Left({}, [], []))
    assert after[neighbour]
    assert swept_store.rows("SELECT log_partition FROM {db}.swept") == [{"log_partition": partition(GONE)}]


async def test_a_sweep_leaves_no_byte_of_the_records_that_are_erased(
    swept_store: TestStore, embedded_engine: Options
) -> None:
    """The session goes on, with the words of its other records."""
    folder, needle, neighbour = Path(embedded_engine["path"]), "needle-5d1f0d", "neighbour-77a3"
    log = worked_on(sessions=1)
    log.add(recorded(GONE, *said(neighbour)))
    gone = log.add(
        changed(GONE, title=f"title {needle}", summary=needle, branch=needle),
        *(recorded(GONE, *said(needle)), compaction_requested(GONE, instructions=needle), ended(GONE)),
    )
    pipeline = new_pipeline(swept_store, log.records)
    await pipeline.project(log.records)
    await settle(pipeline)
    before = found_in(folder, needle, neighbour)
    erasure = log.add(positions_erased(partition(GONE), *(record.offset for record in gone)))
    await pipeline.project(erasure)
    await settle(pipeline)
    left = await check(swept_store)

    for _ in range(2):  # the second one waits for parts that the store replaced meanwhile
        await Sweeper(swept_store.warehouse(), {0: 1}, None).sweep(lambda *_: None)

    after = found_in(folder, needle, neighbour)
    assert min(len(before[needle]), len(before[neighbour])) >= 3
    assert {*left.tables} >= {"facts", "sessions", "tasks"}
    assert (after[needle], await check(swept_store)) == (set(), Left({}, [], []))
    assert after[neighbour]
    assert swept_store.rows("SELECT count() AS sessions FROM {db}.sessions FINAL WHERE NOT is_erased") == [
        {"sessions": 1}
    ]


async def check(store: TestStore) -> Left:
    return await ErasureCheck(store.warehouse(), [], store.partitions).run(lambda *_: None)


def said(word: str) -> list[Event]:
    """Return events that say a word in every field that a client can fill."""
    texts = dict.fromkeys(("prompt", "last_assistant_message", "agent_type", "agent_id", "tool_use_id", "cwd"), word)
    task = {"task_subject": word, "task_id": word, "compact_summary": word}
    tool = {"tool_name": word, "tool_input": {"command": word, "file_path": f"/{word}"}, "error": word}
    types = ("UserPromptSubmit", "PreToolUse", "PostToolUseFailure", "Stop", "SubagentStart", "PostCompact")
    return [hook(kind, **texts, **task, **tool) for kind in (*types, "TaskCreated")]
