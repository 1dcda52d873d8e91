"""Lists of the sessions that spent something between two times."""

import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from schemas.store.rows import QUARTER_S, AmountsRow, SessionRow
from schemas.times import instant
from tests.support.rigs.query_store import NOON, QueryApi, QueryStore, amounts_of, model, session

pytest_plugins = ["tests.support.rigs.query_fixtures"]

QUARTER_MS = QUARTER_S * 1000
START = NOON // QUARTER_MS * QUARTER_MS
QUARTERS = 8


def _sessions(chance: random.Random) -> Iterator[tuple[SessionRow, list[AmountsRow]]]:
    """Yield sessions that all started at once, each with what happened in a few quarters of an hour."""
    for number in range(12):
        used = {"models": [model("m"), model("n")], "user_id": chance.choice(("alice", "bob"))}
        row = session(started_at=START - number, title=f"upload {number}", **used)
        parts = []
        for quarter in chance.sample(range(QUARTERS), chance.randrange(4)):
            tokens, cost = chance.choice((0, chance.randrange(-50, 50))), chance.randrange(-50, 50)
            spent = msgspec.structs.replace(
                row, models=chance.choice(([], [model("m", (tokens, 1, 1, 1, 0), cost), model("n", (1,) * 5, 2)]))
            )
            at = START + quarter * QUARTER_MS + chance.randrange(QUARTER_MS)
            commits = {"commits": chance.choice((0, 0, 1))}
            parts.append(msgspec.structs.replace(amounts_of(spent, at), **commits))
        yield row, parts


def _spent(parts: list[AmountsRow], after: int, before: int, name: str | None) -> tuple[int, int] | None:
    """Return the tokens and the cost in these quarters (with a model), or None if nothing happened in them."""
    within = [part for part in parts if after <= (part.bucket * 1000 - START) // QUARTER_MS < before]
    used = [one for part in within for one in part.models if name in (None, one.model)]
    if not used and (name or not any(part.commits for part in within)):
        return None
    return sum(sum(one[1:5]) for one in used), sum(one.cost_nano for one in used)


@pytest.mark.parametrize("seed", range(3))
async def test_a_list_has_the_sessions_that_spent_something(
    seed: int, query_store: QueryStore, query_api: QueryApi
) -> None:
    """It has what each spent in that time, and orders by it; times are rounded down to quarters of an hour."""
    chance = random.Random(seed)
    sessions = list(_sessions(chance))
    query_store.put_alone(*(row for row, _ in sessions))
    query_store.put_amounts(*(part for _, parts in sessions for part in parts))

    for after, before, name in ((0, QUARTERS, None), (2, 4, None), (3, 3, None), (None, 4, "m"), (5, None, "n")):
        wanted = {
            str(row.session_id): spent
            for row, parts in sessions
            if (spent := _spent(parts, after or 0, QUARTERS if before is None else before, name)) is not None
        }
        asked: dict[str, Any] = {"per_page": 100, "model": name}
        asked |= {} if after is None else {"spent_after": instant(START + after * QUARTER_MS + 1)}
        asked |= {} if before is None else {"spent_before": instant(START + before * QUARTER_MS + QUARTER_MS - 1)}
        for path, more in (
            *(("sessions", {"sort": sort}) for sort in (None, "-cost_usd", "-tokens")),
            ("sessions/search", {"q": "upload", "sort": "-cost_usd"}),
        ):
            reply = (await query_api.get(path, {**asked, **more})).json()
            found = {item["id"]: (item["spent"]["tokens"], item["spent"]["cost_usd"]) for item in reply["data"]}
            assert found == {name: (tokens, cost / 10**9) for name, (tokens, cost) in wanted.items()}
            assert reply["meta"]["total_count"] == len(wanted)
            if more.get("sort"):
                measure = [found[item["id"]][more["sort"] == "-cost_usd"] for item in reply["data"]]
                assert measure == sorted(measure, reverse=True)
        threads = (await query_api.get("sessions/threads", asked)).json()["data"]
        assert {item["id"] for thread in threads for item in thread["conversations"]} == wanted.keys()


async def test_without_times_nothing_is_said(query_store: QueryStore, query_api: QueryApi) -> None:
    """A session has `spent` only in a list by time."""
    query_store.put(row := session())

    listed = (await query_api.get("sessions")).json()["data"]
    alone = (await query_api.get(f"sessions/{row.session_id}")).json()["data"]

    assert ["spent" in item for item in (*listed, alone)] == [False, False]
