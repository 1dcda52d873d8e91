"""A server whose clock jumps while it accepts writes: responses stay true, and every number still equals a recount."""

import asyncio
from typing import Any

import pytest

from tests.support.oracles.sessions import recount
from tests.support.rigs.projected import project
from tests.support.rigs.store import TestStore
from tests.support.rigs.write_api import EVENT, NOW_MS, events_path, write_api

HOUR_MS, DAY_MS, QUARTER_MS = 3_600_000, 86_400_000, 900_000
JUMPS = (0, -DAY_MS, 40 * DAY_MS, 40 * DAY_MS - 1, -HOUR_MS, 0)


@pytest.mark.fault(row=14)
async def test_a_server_clock_that_jumps_moves_no_session_and_loses_no_event(store: TestStore) -> None:
    """After jumps of a day back and forty days ahead, a session stays in its first hour and nothing counts twice."""
    now = NOW_MS
    async with write_api(clock=lambda: now, partitions=store.partitions) as api:
        sessions: list[dict[str, Any]] = []
        for jump in JUMPS:
            now = NOW_MS + jump
            sessions.append(await api.create())
            for session in sessions:  # the older ones as well, at their new time
                sent = await api.send("POST", events_path(session["id"]), {"events": [EVENT]})
                assert sent.status_code == 202, sent.text
            await api.send("POST", f"/sessions/{sessions[0]['id']}/end", {})
        ends = await api.log.ends()
        log = [record for p, end in enumerate(ends) for record in await api.log.read(p, 0, end, 1 << 30)]

    await asyncio.to_thread(project, store, log)

    expected = recount([record.value or b"" for record in log])
    rows = store.rows("SELECT * FROM {db}.sessions FINAL")
    assert len(rows) == len(JUMPS)
    for row in rows:
        wanted = expected[row["org_id"], str(row["session_id"])]
        shown = {name: round(row[name].timestamp() * 1000) for name in ("started_at", "ended_at") if row[name]}
        assert shown == {name: wanted[name] for name in ("started_at", "ended_at") if wanted[name]}
        assert row["events"] == wanted["events"] == 1  # the same event each time
    assert {row["started_at"].timestamp() * 1000 - NOW_MS for row in rows} == set(JUMPS)
    of_quarters = "FROM {db}.rollups FINAL WHERE seconds = 900 AND n > 0"
    buckets = f"SELECT toUnixTimestamp(bucket) AS start, sessions AS n {of_quarters} ORDER BY start"
    starts = [(NOW_MS + jump) // QUARTER_MS * 900 for jump in JUMPS]
    assert store.rows(buckets) == [{"start": start, "n": starts.count(start)} for start in sorted(set(starts))]
