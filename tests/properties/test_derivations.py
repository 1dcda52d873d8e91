"""Digests and analyses agree with a plain recount of the log, for any payloads and at any time of reading."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.derivations.run import batches, derive_rows
from processors.derivations.session_facts import DerivationRequest
from schemas.findings import Findings
from schemas.log.codec import decode
from schemas.log.position import LogRecord
from schemas.log.records import CompactionRequested, Event, SessionEnded
from tests.support.builders import LogBuilder, compaction_requested, created, ended, hook, recorded, session_id
from tests.support.examples import examples
from tests.support.oracles.derivations import expected_analyses, expected_compactions
from tests.support.rigs.projection import new_pipeline
from tests.support.rigs.store import Options, TestStore, new_address, new_store
from tests.support.strategies import PARTITIONS, crowded_logs, logs

SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
_NUMBERS = re.compile(r"(\d+) prompts?, (\d+) tool calls?, (\d+) failed")


@pytest.fixture(scope="module")
def two(engine: Options) -> Iterator[TestStore]:
    """Return a store for two partitions, which each example empties."""
    yield from new_store(new_address(engine), PARTITIONS)


def _project(store: TestStore, log: list[LogRecord]) -> None:
    """Deliver a log in several batches; copies within one insert would disappear before a read could see them twice."""

    async def run() -> None:
        pipeline = new_pipeline(store, log)
        for i in range(0, len(log), 7):
            await pipeline.project(log[i : i + 7])
        await pipeline.drain()

    store.empty()
    asyncio.run(run())


@given(log=crowded_logs() | logs(max_size=30))
@settings(SLOW, max_examples=examples(15))
def test_digests_and_analyses_are_what_a_plain_recount_finds(two: TestStore, log: list[LogRecord]) -> None:
    """Each request that counts has a digest, and each session that ended an analysis, with the right numbers."""
    _project(two, log)

    _check_digests(two, log)
    _check_analyses(two, log)


def _check_digests(two: TestStore, log: list[LogRecord]) -> None:
    """Each request that counts has one row, as of its position and within its limit."""
    expected = expected_compactions(log)
    asked: dict[tuple[str, str, str], int | None] = {}
    for record in _records(log):
        if isinstance(record, CompactionRequested):  # if two requests in a session have the same id, the first counts
            asked.setdefault((record.org_id, str(record.session_id), str(record.fact_id)), record.max_characters)

    rows = two.rows("SELECT * FROM {db}.compactions FINAL")
    assert {(row["org_id"], str(row["session_id"]), str(row["compaction_id"])) for row in rows} == set(expected)
    for row in rows:
        key = (row["org_id"], str(row["session_id"]), str(row["compaction_id"]))
        wanted = expected[key]
        assert {name: row[name] for name in ("version", "covered_events")} == {
            name: wanted[name] for name in ("version", "covered_events")
        }
        if asked[key] is None:
            assert len(row["digest"]) <= 8_000
            assert [int(number) for number in _NUMBERS.search(row["digest"]).groups()] == [  # type: ignore[union-attr]
                wanted["prompts"],
                wanted["calls"],
                wanted["failed"],
            ]


def _check_analyses(two: TestStore, log: list[LogRecord]) -> None:
    """It is as of the latest end that counts; the parts of the time add up; the schema is the documented one."""
    expected = expected_analyses(log)

    rows = two.rows("SELECT * FROM {db}.analyses FINAL")
    assert {(row["org_id"], str(row["session_id"])) for row in rows} == set(expected)
    for row in rows:
        wanted = expected[row["org_id"], str(row["session_id"])]
        found = msgspec.json.decode(row["findings"], type=Findings)
        split = found.time_split
        assert {
            "version": row["version"],
            "covered_events": row["covered_events"],
            "total_ms": split.total_ms,
            "longest_gap": found.longest_gaps[0].duration_ms if found.longest_gaps else 0,
            "calls": {rate.tool_name: rate.calls for rate in found.tool_error_rates if rate.calls},
            "files_edited": {file.path: file.edits for file in found.files_edited},
        } == wanted
        assert split.total_ms == split.tools_ms + split.model_ms + split.waiting_for_user_ms + split.idle_ms


@given(log=crowded_logs() | logs(max_size=30), data=st.data())
@settings(SLOW, max_examples=examples(8))
def test_what_is_derived_does_not_depend_on_what_came_later_or_on_what_else_is_asked(
    two: TestStore, log: list[LogRecord], data: st.DataObject
) -> None:
    """Derived one by one, in portions of any size, from a table with far more rows: the bytes are the same."""
    _project(two, log)
    wanted = [
        DerivationRequest(record.partition, record.offset, fact, data.draw(st.sampled_from([1, 50_000])))
        for record, fact in zip(_readable(log), _records(log), strict=True)
        if isinstance(fact, CompactionRequested | SessionEnded)
    ]
    if not wanted:
        return
    warehouse = two.warehouse()

    together = derive_rows(warehouse, wanted)
    apart = [
        derive_rows(warehouse, [one])
        for one in sorted(wanted, key=lambda one: (*one.session[:1], one.session[1].int, one.offset))
    ]
    portioned = [derive_rows(warehouse, some) for some in batches(wanted)]

    for parts in (apart, portioned):
        assert sorted(b"".join(compactions for compactions, _ in parts)) == sorted(together[0])
        assert sorted(b"".join(analyses for _, analyses in parts)) == sorted(together[1])


HOSTILE = [
    b'{"prompt":"\\ud800 half a character"}',
    b'{"prompt":"\xff\xfe no UTF-8"}',
    b'{"prompt":"nul \\u0000 \\u001b[31m"}',
    b'{"prompt":{"deep":' + b"[" * 2000 + b"]" * 2000 + b"}}",
    b'{"prompt":[{"type":"text","text":"in a block"}],"source":7,"cwd":{}}',
    b'{"tool_name":"Bash","tool_use_id":"x","tool_input":"ls"}',
    b'{"tool_name":"Bash","tool_use_id":"y","tool_input":{"command":{"a":[1]}}}',
    b'{"tool_name":"Edit","tool_input":[{"file_path":"p"}],"error":5,"duration_ms":1e999}',
    b'{"tool_name":"Edit","tool_input":{"file_path":"' + b"long/" * 5000 + b'"}}',
    b'{"task_id":{},"task_subject":[]}',
    b'{"last_assistant_message":9007199254740993,"agent_id":[]}',
    b'{"compact_summary":true,"notification_type":[],"prompt":"one","prompt":"two"}',
    b"{}",
]
TYPES = (
    *("UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied", "Stop", "StopFailure"),
    *("SubagentStop", "PostCompact", "Notification", "TaskCreated", "TaskCompleted", "SessionStart", "SessionEnd"),
)


def test_no_payload_breaks_a_derivation(two: TestStore) -> None:
    """Wrong types, half characters, invalid UTF-8, deep nesting: the session still has a digest and an analysis."""
    session = session_id("hostile")
    log = LogBuilder(PARTITIONS)
    events = [Event(UUID(int=0), kind, 5, msgspec.Raw(data), data_base64=data) for kind in TYPES for data in HOSTILE]
    log.add(created(session, repo="a/b"), recorded(session, *events), compaction_requested(session), ended(session))

    _project(two, log.records)

    (row,) = two.rows("SELECT covered_events, digest FROM {db}.compactions FINAL")
    (analysis,) = two.rows("SELECT covered_events, findings FROM {db}.analyses FINAL")
    assert row["covered_events"] == analysis["covered_events"] == len(events)
    assert "in a block" in row["digest"]
    assert msgspec.json.decode(analysis["findings"], type=Findings).suggested_title


def test_a_copy_of_an_event_or_of_a_request_counts_for_nothing(two: TestStore) -> None:
    """In any batch, the first write of an event is shown, and the first copy of a request gets the digest."""
    session, event_id, fact_id = session_id("copied"), UUID(int=7), UUID(int=8)
    log = LogBuilder(PARTITIONS)
    for text in ("the first", *["a copy"] * 8):
        log.add(recorded(session, *[hook("UserPromptSubmit", event_id=event_id, prompt=text)] * 3))
    log.add(*[compaction_requested(session, fact_id=fact_id)] * 9)

    _project(two, log.records)

    (row,) = two.rows("SELECT covered_events, version, digest FROM {db}.compactions FINAL")
    assert (row["covered_events"], row["version"]) == (1, 10)
    assert "1. the first" in row["digest"]
    assert "copy" not in row["digest"]
    assert "asked" not in row["digest"]


def test_a_long_prompt_is_cut_before_it_leaves_the_store(two: TestStore) -> None:
    """A megabyte of multi-part emoji costs no more than a digest may show, and no emoji is split."""
    session = session_id("long")
    family = "👨‍👩‍👧‍👦"
    log = LogBuilder(PARTITIONS)
    log.add(
        recorded(session, hook("UserPromptSubmit", prompt=family * 20_000)),
        compaction_requested(session, max_characters=100_000),
    )

    _project(two, log.records)

    (row,) = two.rows("SELECT digest FROM {db}.compactions FINAL")
    shown = row["digest"].partition("1. ")[2].removesuffix("…")
    assert 7_000 < len(shown) <= 8_000
    assert shown == family * (len(shown) // len(family))


def _records(log: list[LogRecord]) -> list[Any]:
    return [decode(record, PARTITIONS) for record in _readable(log)]


def _readable(log: list[LogRecord]) -> list[LogRecord]:
    return [record for record in log if record.value and record.value[0] == ord("{")]
