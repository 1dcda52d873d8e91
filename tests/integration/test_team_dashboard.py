"""The queries of the team dashboard on the store's engine: they run, and their numbers equal the sessions'."""

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from schemas.store.rows import SessionRow
from tests.support.grafana import ALL, Values, clickhouse_text, dashboard, queries, variables
from tests.support.rigs.query_store import DAY_MS, HOUR_MS, NOON, QueryApi, QueryStore, model, session

pytest_plugins = ["tests.support.rigs.query_fixtures"]

BOARD = dashboard("teams")
SINCE, UNTIL = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (NOON - 2 * DAY_MS, NOON))
QUOTED = "O'Brien \\ co"  # a name that must not end the text of a query
AGENTS, PROJECTS, USERS = (None, "reviewer", QUOTED), (None, "shop", ""), ("x", "y", QUOTED)
EVERYTHING = {"agent": ALL, "project": ALL, "user": ALL}


def some_sessions(draw: Random, count: int) -> list[SessionRow]:
    """Return sessions of three days with all names, and a few of another org or from earlier."""
    return [
        session(
            draw.choice(["acme", "acme", "acme", "globex"]),
            started_at=NOON - draw.choice([0, 1, 5]) * DAY_MS - draw.randrange(3) * HOUR_MS,
            user_id=draw.choice(USERS),
            agent_name=draw.choice(AGENTS),
            project_id=draw.choice(PROJECTS),
            tool_calls=draw.randrange(9),
            models=[model(name, draw.choices(range(99), k=5), draw.randrange(10**12)) for name in draw.sample("mn", 2)],
        )
        for _ in range(count)
    ]


@pytest.fixture
def stored(query_store: QueryStore) -> list[SessionRow]:
    """Return the stored sessions."""
    made = some_sessions(Random(11), 90)
    query_store.put(*made)
    return made


def asked(store: QueryStore, text: str, **chosen: str | tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the rows that a query returns for these choices."""
    values: Values = {"control": store.base, "database": f"{store.base}_g1", "org": "acme", **EVERYTHING, **chosen}
    store.client.database = "default"
    return list(store.client.query(clickhouse_text(text, values, SINCE, UNTIL)).named_results())


def shown(store: QueryStore, title: str, **chosen: str | tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the rows of a panel."""
    (text,) = [query.text for query in queries(BOARD) if query.title == title]
    return asked(store, text, **chosen)


def of_acme(stored: Sequence[SessionRow]) -> list[SessionRow]:
    """Return the sessions in the range of the dashboard."""
    return [row for row in stored if row.org_id == "acme" and row.started_at >= NOON - 2 * DAY_MS]


def measures(rows: Sequence[SessionRow]) -> dict[str, Any]:
    """Return the measures of some sessions."""
    return {
        "sessions": len(rows),
        "tool_calls": sum(row.tool_calls for row in rows),
        "input_tokens": sum(row.input_tokens for row in rows),
        "output_tokens": sum(row.output_tokens for row in rows),
        "cost_usd": pytest.approx(sum(row.cost_nano for row in rows) / 10**9),
    }


async def test_the_totals_are_those_of_the_api(query_store: QueryStore, stored: list[SessionRow]) -> None:
    """A manager and a reader of the dashboard see the same numbers."""
    days = {"start_date": "2026-01-18", "end_date": "2026-01-20"}
    api = (await QueryApi(query_store.reader).get("sessions/analytics/summary", days)).json()["data"]

    assert shown(query_store, "Sessions") == [{"sessions": api["total_sessions"]}]
    assert shown(query_store, "Cost") == [{"cost_usd": pytest.approx(api["total_cost_usd"])}]
    assert shown(query_store, "Input tokens") == [{"input_tokens": api["input_tokens"]}]
    assert shown(query_store, "Output tokens") == [{"output_tokens": api["output_tokens"]}]
    assert shown(query_store, "Tool calls") == [{"tool_calls": measures(of_acme(stored))["tool_calls"]}]
    assert shown(query_store, "Active users") == [{"users": len({row.user_id for row in of_acme(stored)})}]


@pytest.mark.parametrize(
    ("title", "name", "column"),
    [("By agent", "agent", "agent_name"), ("By project", "project", "project_id"), ("By user", "user", "user_id")],
)
def test_each_table_adds_up_by_its_name(
    query_store: QueryStore, stored: list[SessionRow], title: str, name: str, column: str
) -> None:
    """Each name has its sessions; sessions without a name also have a row."""
    rows = of_acme(stored)
    names = {getattr(row, column) for row in rows}

    found = {
        line.pop(name): {key: value for key, value in line.items() if key != "users"}
        for line in shown(query_store, title)
    }

    assert found == {
        "(none)" if one is None else one: measures([row for row in rows if getattr(row, column) == one])
        for one in names
    }


def test_a_model_has_its_tokens_and_its_money(query_store: QueryStore, stored: list[SessionRow]) -> None:
    """A session of two models counts for both, and rows without a model add no name."""
    used = [one for row in of_acme(stored) for one in row.models]

    found = {line["model_name"]: line for line in shown(query_store, "By model")}

    assert set(found) == {"m", "n"} == {line["model_name"] for line in shown(query_store, "Cost by model")}
    for name, line in found.items():
        mine = [one for one in used if one.model == name]
        assert line["sessions"] == len(mine)
        assert line["input_tokens"] == sum(one.input_tokens for one in mine)
        assert line["cost_usd"] == pytest.approx(sum(one.cost_nano for one in mine) / 10**9)


@pytest.mark.parametrize(
    ("title", "measure", "column"),
    [
        ("Cost by model", "cost_usd", "cost_usd"),
        ("Tokens", "input_tokens", "input"),
        ("Sessions by agent", "sessions", "sessions"),
        ("Sessions by hour", "sessions", "sessions"),
    ],
)
def test_the_sum_over_time_is_the_total(
    query_store: QueryStore, stored: list[SessionRow], title: str, measure: str, column: str
) -> None:
    """No point of time is counted twice, and none is left out."""
    lines = shown(query_store, title)

    assert len({line["time"] for line in lines}) == (2 if title != "Sessions by hour" else 6)
    assert float(sum(line[column] for line in lines)) == measures(of_acme(stored))[measure]


def test_choices_restrict_every_panel_and_any_name_can_be_chosen(
    query_store: QueryStore, stored: list[SessionRow]
) -> None:
    """A name with a quote and a backslash is found, and nothing else."""
    mine = [row for row in of_acme(stored) if row.agent_name == QUOTED and row.user_id in {"x", QUOTED}]
    chosen = {"agent": (QUOTED,), "user": ("x", QUOTED)}

    assert mine
    assert shown(query_store, "Sessions", **chosen) == [{"sessions": len(mine)}]
    assert [line["agent"] for line in shown(query_store, "By agent", **chosen)] == [QUOTED]
    assert {line["user"] for line in shown(query_store, "By user", **chosen)} == {row.user_id for row in mine}
    assert sum(line["sessions"] for line in shown(query_store, "Sessions by hour", **chosen)) == len(mine)


def test_the_choices_are_the_names_of_the_org(query_store: QueryStore, stored: list[SessionRow]) -> None:
    """No name of another org is offered; sessions without a name appear only under All."""
    offered = {
        name: {line["name"] for line in asked(query_store, variable["query"])}
        for name, variable in variables(BOARD).items()
        if variable["type"] == "query"
    }
    acme = [row for row in stored if row.org_id == "acme"]

    assert offered == {
        "database": {f"{query_store.base}_g1"},
        "org": {"acme", "globex"},
        "agent": {row.agent_name for row in acme} - {None},
        "project": {row.project_id for row in acme} - {None},
        "user": {row.user_id for row in acme},
    }


def test_the_dashboard_follows_a_switch(query_store: QueryStore) -> None:
    """The database is that of the live generation."""
    query_store.add_generation("g2")
    before = asked(query_store, variables(BOARD)["database"]["query"])

    query_store.switch("g2")

    after = asked(query_store, variables(BOARD)["database"]["query"])
    assert [line["name"] for line in (*before, *after)] == [f"{query_store.base}_g1", f"{query_store.base}_g2"]


def test_every_panel_is_asked_here(query_store: QueryStore) -> None:
    """On an empty store, with a choice of each kind, every query runs."""
    some = {"agent": ("a",), "project": ("p", "q"), "user": ("u",)}

    for query in queries(BOARD):
        assert len(asked(query_store, query.text, **some)) <= 1, query.title
