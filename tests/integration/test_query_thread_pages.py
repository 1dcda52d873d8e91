"""Pages of threads found through candidates, compared with the stored rows."""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import pytest

from query_api.sessions import threads
from schemas.http.responses import Session
from schemas.store.rows import SessionRow
from tests.integration.test_query_list_pages import a_session, changed
from tests.support.rigs.query_store import NOON, QueryApi, QueryStore, session

pytest_plugins = ["tests.support.rigs.query_fixtures"]

MINUTE_MS = 60_000


def fill(store: QueryStore, chance: random.Random) -> list[SessionRow]:
    """Store threads of one to four conversations.

    Some rows were replaced, even by rows with less activity or another thread: an agent's client may name a session's
    parent after it began.
    """
    threads = [UUID(int=chance.getrandbits(128)) for _ in range(40)]
    rows = [
        a_session(chance, 1, thread_id=thread, last_event_at=activity(chance), events=chance.randrange(9))
        for thread in threads
        for _ in range(chance.randint(1, 4))
    ]
    replaced = [
        changed(chance, row, 2, thread_id=chance.choice([row.thread_id, *threads[:2]]), last_event_at=activity(chance))
        for row in chance.sample(rows, 30)
    ]
    store.put_alone(*rows)
    store.put_alone(*replaced, session(org_id="other"))
    return [*{row.session_id: row for row in (*rows, *replaced)}.values()]


def activity(chance: random.Random) -> int | None:
    return chance.choice([None, NOON - chance.randrange(60) * MINUTE_MS, NOON - chance.randrange(9_999) * MINUTE_MS])


def expected(rows: Iterable[SessionRow]) -> list[Mapping[str, Any]]:
    """Return id, number of conversations and events of each thread, in the order of the list."""
    threads: dict[UUID, list[SessionRow]] = defaultdict(list)
    for row in rows:
        threads[row.thread_id].append(row)

    def order(thread: UUID) -> tuple[int, int, int]:
        active = max(row.started_at if row.last_event_at is None else row.last_event_at for row in threads[thread])
        return -active, thread.int & (1 << 64) - 1, thread.int >> 64  # the store compares the second half first

    return [
        {"id": str(id_), "sessions": len(threads[id_]), "events": sum(row.events for row in threads[id_])}
        for id_ in sorted(threads, key=order)
    ]


@pytest.mark.parametrize("rows_each", [1, 4])
@pytest.mark.parametrize("seed", range(4))
async def test_pages_of_threads_are_those_of_the_whole_list(
    seed: int, rows_each: int, query_store: QueryStore, query_api: QueryApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Order, totals and count equal those of all rows, whether the candidates suffice or not."""
    monkeypatch.setattr(threads, "ROWS_EACH", rows_each)
    whole = expected(fill(query_store, random.Random(seed)))

    for page, size in ((1, 3), (2, 3), (1, 10), (2, 10), (1, 40), (9, 9)):
        reply = (await query_api.get("sessions/threads", {"page": page, "per_page": size})).json()

        found = [
            {"id": thread["thread_id"], **{name: thread["totals"][name] for name in ("sessions", "events")}}
            for thread in reply["data"]
        ]
        assert found == whole[size * (page - 1) : size * page], (page, size)
        assert reply["meta"]["total_count"] == len(whole)


async def test_a_session_that_changes_its_thread_meanwhile_is_left_out(
    query_store: QueryStore, query_api: QueryApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page was decided before; the next one shows the session in its new thread."""
    chance, load = random.Random(1), threads.load_sessions
    row = a_session(chance, 1, thread_id=UUID(int=1))
    query_store.put_alone(row)

    async def move_and_load(*arguments: Any) -> list[Session]:
        query_store.put_alone(changed(chance, row, 2, thread_id=UUID(int=2)))
        return await load(*arguments)

    monkeypatch.setattr(threads, "load_sessions", move_and_load)
    pages = [(await query_api.get("sessions/threads", {})).json()["data"] for _ in range(2)]

    assert [(page[0]["thread_id"], len(page[0]["conversations"])) for page in pages] == [
        (str(UUID(int=1)), 0),
        (str(UUID(int=2)), 1),
    ]


async def test_candidates_suffice_for_the_first_pages(query_store: QueryStore, query_api: QueryApi) -> None:
    """The test above would also pass without candidates."""
    fill(query_store, random.Random(1))
    asked: list[str] = []
    ask = query_store.reader.query

    async def counting(generation: Any, name: str, params: Mapping[str, object]) -> Any:
        asked.append(name)
        return await ask(generation, name, params)

    query_store.reader.query = counting  # type: ignore[method-assign]  # only this test counts
    await query_api.get("sessions/threads", {"per_page": 3})

    assert asked.count("query_api.sessions.thread_count") == 1
