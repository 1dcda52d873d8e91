"""The proof of a large generation in bounded memory."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from msgspec import UNSET

from store.reading import reader as reader_module
from tests.support.rigs.two_generations import LIVE, PROVED, TwoGenerations

INSERTED_AT_ONCE = 250_000
_FACTS = """
INSERT INTO {db}.facts (org_id, session_id, kind, user_id, role, received_at, log_partition, log_offset, log_index,
    event_id, place, timestamp, event_type, tool_name, tool_use_id, seq, data)
WITH
    toUInt64(number) AS n,
    intDiv(n, 50) AS of_session,
    lower(hex(sipHash128(of_session))) AS digits,
    toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + toIntervalSecond(of_session * 60 + n) AS at
SELECT
    if(of_session = 0, 'small', 'large'),
    toUUID(concat(substring(digits, 1, 8), '-', substring(digits, 9, 4), '-4', substring(digits, 14, 3), '-8',
        substring(digits, 18, 3), '-', substring(digits, 21, 12))),
    'events_recorded', 'user', 'member', at, 0, intDiv(n, 25), n % 25,
    toUUID(concat('00000000-0000-4000-8000-', substring(lower(hex(sipHash64(n))), 1, 12))),
    intDiv(n, 25) * 65536 + n % 25,
    at, if(n % 2 = 0, 'PreToolUse', 'PostToolUse'), 'Bash', concat('toolu_', toString(intDiv(n, 2))),
    if(n % 3 = 0, NULL, n),
    concat('{"tool_input":{"command":"pytest -q tests/test_', toString(sipHash64(n, 1) MOD 500), '.py"},',
        '"tool_response":"', repeat(hex(sipHash64(n, 2)), 24), '"}')
FROM numbers({since}, {count})
"""
_SESSIONS = """
INSERT INTO {db}.sessions (org_id, started_hour, session_id, version, log_partition, created, user_id, started_at,
    last_event_at, events, tool_calls, tools)
SELECT org_id, toStartOfHour(min(timestamp)), session_id, max(log_offset) + 1, 0, true, 'user', min(timestamp),
    max(timestamp), count(), uniqExact(tool_use_id), [('Bash', uniqExact(tool_use_id), 0, 0)]
FROM {db}.facts
GROUP BY org_id, session_id
"""
_AMOUNTS = """
INSERT INTO {db}.amounts (org_id, bucket, session_id, version, log_partition, user_id, tools)
SELECT org_id, toStartOfFifteenMinutes(started_at), session_id, version, 0, 'user', tools
FROM {db}.sessions
"""
_TASKS = """
INSERT INTO {db}.tasks (org_id, session_id, kind, task_id, version, log_partition, name, status, started_at, ended_at)
SELECT org_id, session_id, 'tool', tool_use_id, max(log_offset) + 1, 0, 'Bash', 'completed', min(timestamp),
    max(timestamp)
FROM {db}.facts
GROUP BY org_id, session_id, tool_use_id
"""
_RECEIPTS = """
INSERT INTO {db}.receipts (log_partition, log_offset, record_id, outcome, org_id, session_id, kind, received_at, facts,
    added)
SELECT 0, log_offset, min(event_id), 'projected', any(org_id), any(session_id), 'events_recorded', min(received_at),
    count(), count()
FROM {db}.facts
GROUP BY log_offset
"""
_MARK = """
INSERT INTO {db}.rollup_progress (log_partition, rolled_up, complete_through)
SELECT 0, max(log_offset) + 1, now64(3)
FROM {db}.receipts
"""


def fill(both: TwoGenerations, generation: str, facts: int) -> None:
    """Fill an empty generation."""
    for since in range(0, facts, INSERTED_AT_ONCE):
        count = min(INSERTED_AT_ONCE, facts - since)
        both.alter(_FACTS.replace("{since}", str(since)).replace("{count}", str(count)), generation)
    for statement in (_SESSIONS, _AMOUNTS, _TASKS, _RECEIPTS):
        both.alter(statement, generation)
    both.alter(_MARK, generation)
    quarters = both.rows("SELECT DISTINCT org_id, toUnixTimestamp(bucket) FROM {db}.amounts", generation)
    both.warehouse(generation).refresh_rollups([(org_id, start) for org_id, start in quarters])


pytest_plugins = ["tests.support.rigs.prove_fixtures"]

FACTS = 1_000_000
MEMORY = 400 << 20


@pytest.fixture
def limited(both: TwoGenerations) -> Iterator[TwoGenerations]:
    """Provide two generations whose reader refuses to use more memory for a question."""
    both.empty()
    with patch.object(reader_module, "LIMITS", {**reader_module.LIMITS, "max_memory_usage": MEMORY}):
        both.reader._allowed = None
        yield both
    both.reader._allowed = None
    both.empty()


@pytest.mark.slow
async def test_a_million_facts_are_compared_in_questions_of_little_memory(limited: TwoGenerations) -> None:
    """Every query stays below its limits; one changed byte is found, and nothing else."""
    for generation in (LIVE, PROVED):
        fill(limited, generation, FACTS)

    equal = await limited.prove()
    limited.alter(
        "INSERT INTO {db}.facts SELECT * REPLACE (concat(data, ' ') AS data)"
        " FROM {db}.facts WHERE log_offset = 777 AND log_index = 7"
    )
    proof = await limited.prove()

    assert (equal.equal, equal.moving, equal.compared["facts"]) == (True, {}, FACTS)
    assert equal.compared["tasks"] == FACTS // 2
    assert [one.column for one in proof.differences] == ["data"]
    assert all(one.generation is UNSET for one in proof.differences)
