"""A generation with any number of facts, made by SQL: sessions, receipts and rollups agree with them."""

from tests.support.rigs.two_generations import TwoGenerations

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
    last_event_at, events, tool_calls)
SELECT org_id, toStartOfHour(min(timestamp)), session_id, max(log_offset) + 1, 0, true, 'user', min(timestamp),
    max(timestamp), count(), uniqExact(tool_use_id)
FROM {db}.facts
GROUP BY org_id, session_id
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
    for statement in (_SESSIONS, _TASKS, _RECEIPTS):
        both.alter(statement, generation)
    both.alter(_MARK, generation)
    hours = both.rows("SELECT DISTINCT org_id, toUnixTimestamp(started_hour) FROM {db}.sessions", generation)
    both.warehouse(generation).refresh_rollups([(org_id, hour) for org_id, hour in hours])
