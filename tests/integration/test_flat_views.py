"""The flat views of the rollups, for analysts and BI tools: each measure may be summed under any grouping."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from schemas.store.rows import SessionRow
from tests.support.oracles import analytics as slow
from tests.support.rigs.query_store import DAY_MS, HOUR_MS, NOON, QueryStore, model, session

pytest_plugins = ["tests.support.rigs.query_fixtures"]

NAMES = (None, "a", "")


def some_sessions(draw: Random, count: int) -> list[SessionRow]:
    return [
        session(
            started_at=NOON - draw.randrange(3) * DAY_MS - draw.randrange(3) * HOUR_MS,
            last_event_at=draw.choice([None, NOON + draw.randrange(1000)]),
            user_id=draw.choice("xy"),
            **{name: draw.choice(NAMES) for name in ("project_id", "repo", "agent_name")},
            tool_calls=draw.randrange(9),
            models=[model(name, draw.choices(range(99), k=5), draw.randrange(10**12)) for name in draw.sample("mn", 2)],
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize(("view", "period"), [("rollup_hourly_flat", "hour"), ("rollup_daily_flat", "day")])
@pytest.mark.parametrize("dimension", ["project_id", "repo", "agent_name", "user_id"])
def test_sums_of_a_flat_view_are_those_of_the_sessions(
    view: str, period: str, dimension: str, query_store: QueryStore
) -> None:
    """In one query session measures, tokens and exact money add up by any dimension and in total."""
    stored = some_sessions(Random(7), 60)
    query_store.put(*stored)
    by_name = {name: group.started for name, group in slow.grouped(slow.Range(stored, []), dimension).items()}

    found = asked(
        query_store,
        f"""SELECT {dimension} AS name, sum(sessions) AS sessions, sum(tool_calls) AS calls,
                   sum(input_tokens) AS tokens, sum(cost_usd) AS usd, uniqExact(user_id) AS users,
                   uniqExact({period}) AS periods
            FROM {view} WHERE org_id = 'acme' GROUP BY name""",
    )

    assert {row["name"]: row for row in found} == {
        name: {
            "name": name,
            "sessions": len(rows),
            "calls": sum(row.tool_calls for row in rows),
            "tokens": sum(row.input_tokens for row in rows),
            "usd": Decimal(sum(row.cost_nano for row in rows)) / 10**9,
            "users": len({row.user_id for row in rows}),
            "periods": len({row.started_hour if period == "hour" else slow.day_of(row.started_at) for row in rows}),
        }
        for name, rows in by_name.items()
    }


def test_a_flat_view_shows_a_bucket_as_it_is_now(query_store: QueryStore) -> None:
    """It has only the newest version of a bucket; by model, it counts the sessions that used the model."""
    row = session(models=[model("m", cost_nano=1), model("n")], last_event_at=NOON)
    query_store.put(row)
    query_store.put(session(project_id="p", models=[model("m")]))

    found = asked(
        query_store,
        """SELECT model, sum(sessions) AS sessions, sum(model_sessions) AS used, max(last_active_at) AS active
           FROM rollup_hourly_flat GROUP BY model ORDER BY model NULLS FIRST""",
    )

    assert [(line["model"], line["sessions"], line["used"]) for line in found] == [
        (None, 2, 0),
        ("m", 0, 2),
        ("n", 0, 1),
    ]
    assert [line["active"] is None for line in found] == [False, True, True]


def asked(store: QueryStore, sql: str) -> list[dict[str, Any]]:
    store.client.database = f"{store.base}_g1"
    return list(store.client.query(sql).named_results())
