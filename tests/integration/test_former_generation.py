"""A generation that a fold version below 6 made: readers of this version find its numbers in `amounts` and `rollups`.

All that a session did counts as it started there, and the former projectors may go on writing.
"""

import msgspec
import pytest

from schemas.store.rows import SessionRow, ToolTotals
from store.migrate import migrations
from tests.support.rigs import query_store as rig
from tests.support.rigs.query_store import HOUR_MS, NOON, QueryApi, QueryStore, model, session

pytest_plugins = ["tests.support.rigs.query_fixtures"]

FORMER, LAST_OF_FORMER = 5, 10  # fold version, and its last migration
HOUR = NOON // HOUR_MS * 3_600
SESSION = session(started_at=NOON + 20 * 60_000, project_id="shop", agent_name="reviewer", lines_added=4)
_NAMES = {"project_id": "shop", "repo": None, "agent_name": "reviewer", "user_id": "alice"}
_SESSIONS = {"sessions": 1, "ended": 0, "success": 0, "failure": 0, "timeout": 0, "cancelled": 0, "duration_ms": 0}
_WORK = {"lines_added": 4, "lines_removed": 0, "commits": 0, "pull_requests": 0, "active_ms": 0}
_USAGE = {"output_tokens": 0, "cache_read_tokens": 0, "cache_creation_tokens": 0, "cache_creation_1h_tokens": 0}


@pytest.fixture
def former(query_store: QueryStore, monkeypatch: pytest.MonkeyPatch) -> QueryStore:
    """Return a store whose live generation has the tables of the former version, and nothing in them."""
    monkeypatch.setattr(rig, "migrations", lambda kind: migrations(kind)[:LAST_OF_FORMER])
    query_store.add_generation("g2")
    query_store.switch("g2")
    return query_store


def write(store: QueryStore, row: SessionRow) -> None:
    """Write a session and the rollups of its hour and day, as the former version did."""
    store.put_alone(row, generation="g2")
    counts = {"events": 0, "prompts": 0, "tool_calls": row.tool_calls, "tool_errors": 0}
    cost = {"input_tokens": row.input_tokens, **_USAGE, "cost_nano": row.cost_nano}
    group = {**_NAMES, **_SESSIONS, **counts, "last_active_at": "2026-01-20 12:00:00.000"}
    used = {**_NAMES, "model": "opus", "sessions": 1, **cost}
    lists = {"users": ["alice"], "groups": [group], "model_groups": [used], "work_groups": [{**_NAMES, **_WORK}]}
    for table, bucket in (("rollup_hourly", HOUR), ("rollup_daily", HOUR // 86_400 * 86_400)):
        totals = {"org_id": "acme", "bucket": bucket, "version": row.version, **_SESSIONS, **counts, **cost, **_WORK}
        store.client.raw_insert(
            f"{store.base}_g2.{table}", insert_block=msgspec.json.encode({**totals, **lists}), fmt="JSONEachRow"
        )


def state(version: int) -> SessionRow:
    """Return the session as of a version, which has twice as many tool calls and tokens, and costs as many dollars."""
    tools = [ToolTotals("Bash", 2 * version, 0, 7)]
    usage = model("opus", (2 * version, 0, 0, 0, 0), version * 10**9)
    changes = {"version": version, "models": [usage], "tools": tools, "tool_calls": 2 * version}
    return msgspec.structs.replace(SESSION, input_tokens=2 * version, cost_nano=version * 10**9, **changes)


def migrate(store: QueryStore) -> None:
    """Apply what this version adds to a generation of the former one."""
    store.client.database = f"{store.base}_g2"
    for migration in migrations("generation", FORMER)[LAST_OF_FORMER:]:
        for statement in filter(str.strip, migration.text.split(";\n")):
            store.client.command(statement)


async def test_readers_see_what_was_there_and_what_its_projectors_write(former: QueryStore) -> None:
    """The summary, an agent, a tool and an hour show the state of before the upgrade, then the one written after it."""
    api = QueryApi(former.reader)
    write(former, state(1))
    migrate(former)

    for version in (1, 2):
        if version == 2:
            write(former, state(2))
        days = {"start_date": "2026-01-20", "end_date": "2026-01-20"}
        seen = {
            path: (await api.get(f"sessions/analytics/{path}", {**days, **more})).json()["data"]
            for path, more in {
                "summary": {},
                "by-agent": {"project_id": "shop"},
                "by-tool": {},
                "timeseries": {"interval": "hour", "metric": "cost", "tz": "Europe/Berlin"},
            }.items()
        }

        summary, (agent,), (tool,) = seen["summary"], seen["by-agent"], seen["by-tool"]
        assert (summary["total_cost_usd"], summary["tool_calls"], summary["lines_added"]) == (version, 2 * version, 4)
        assert (agent["cost_usd"], agent["sessions"], agent["lines_added"]) == (version, 1, 4)
        assert (tool["calls"], tool["total_duration_ms"]) == (2 * version, 7)
        assert {one["period_start"]: one["value"] for one in seen["timeseries"] if one["value"]} == {
            "2026-01-20T12:00:00.000Z": version
        }


def test_its_flat_views_stay(former: QueryStore) -> None:
    """BI tools go on as they are until the switch."""
    write(former, state(1))
    migrate(former)

    former.client.database = f"{former.base}_g2"
    for view in ("rollup_hourly_flat", "rollup_daily_flat"):
        assert former.client.query(f"SELECT sum(tool_calls), toFloat64(sum(cost_usd)) FROM {view}").result_rows == [
            (2, 1)
        ]
