"""Searching sessions over HTTP, on the real engine."""

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Any

import pytest

from schemas.ids import mint, new_thread
from schemas.store.rows import SessionRow
from tests.support.rigs.query_store import HOUR_MS, NOON, SECRETS, QueryApi, QueryStore, model, session
from tests.support.seeds import seeds

pytest_plugins = ["tests.support.rigs.query_fixtures"]

PATH = "sessions/search"
VERSIONS, SESSIONS = 4, 60
orgs: Iterator[str] = (f"org-{number}" for number in count())


async def found(api: QueryApi, q: str, org: str = "acme", **params: Any) -> set[str]:
    """Return the ids of the sessions on the first page of a search."""
    reply = await api.get(PATH, {"q": q, "per_page": 100, **params}, org=org)
    assert reply.status_code == 200, reply.text
    return {item["id"] for item in reply.json()["data"]}


async def test_every_text_of_a_session_is_searched(query_store: QueryStore, query_api: QueryApi) -> None:
    """Each text finds its session, as do words of different texts; matches are marked."""
    row = session(
        summary="Fixed the Login.",
        title="Déjà vu",
        repo="acme/backend",
        agent_name="reviewer",
        branch="feature/x1",
        component="api",
        project_id="prj_7",
        model="claude-sonnet-4-5",
        models=[model("claude-haiku"), model("claude-sonnet-4-5")],
        first_prompts=["please rename it", "and test it"],
    )
    query_store.put(row, session(summary="something else"))
    where = {
        "login": ("summary", "Fixed the «Login»."),
        "DEJA": ("title", "«Déjà» vu"),
        "backend": ("repo", "acme/«backend»"),
        "Reviewer": ("agent", "«reviewer»"),
        "feature": ("branch", "«feature»/x1"),
        "API": ("component", "«api»"),
        "prj": ("project", "«prj»_7"),
        "sonnet": ("model", "claude-«sonnet»-4-5"),
        "haiku": ("model", "claude-«haiku»"),
        "rename": ("prompts", "please «rename» it"),
        '"test it"': ("prompts", "and «test it»"),
    }

    for q, (field, text) in where.items():
        (item,) = (await query_api.get(PATH, {"q": q})).json()["data"]
        assert item["id"] == str(row.session_id)
        assert item["highlights"] == [{"field": field, "text": text}]
    (item,) = (await query_api.get(PATH, {"q": "it LOGIN acme"})).json()["data"]
    assert [(mark["field"], mark["text"]) for mark in item["highlights"]] == [
        ("summary", "Fixed the «Login»."),
        ("repo", "«acme»/backend"),
        ("prompts", "please rename «it»"),
        ("prompts", "and test «it»"),
    ]


async def test_an_item_is_the_whole_session(query_store: QueryStore, query_api: QueryApi) -> None:
    """An item is the session object of the list, with highlights."""
    query_store.put(session(title="one word", models=[model("m", (1, 2, 3, 4, 0), 5)], tool_calls=3))

    listed = (await query_api.get("sessions")).json()["data"]
    searched = (await query_api.get(PATH, {"q": "word"})).json()["data"]

    assert [item.pop("highlights") for item in searched] == [[{"field": "title", "text": "one «word»"}]]
    assert searched == listed


async def test_words_are_whole_and_phrases_are_within_one_text(query_store: QueryStore, query_api: QueryApi) -> None:
    """A part of a word finds nothing; a phrase needs its words in order in one text, with any separators."""
    row = session(title="debug the log-in", summary="page opens", first_prompts=["fix a", "bug now"])
    query_store.put(row)

    hits = ("debug", "log in", '"log in"', '"THE LOG"', '"the log" fix', '"bug now" "fix a"', '"debug', 'de"bug')
    misses = ("bug2", "deb", "login", '"in log"', '"in page"', '"fix a bug"', '"a bug"', '"debug log"', "de bug")

    assert [q for q in hits if await found(query_api, q)] == [*hits[:-1]]
    assert [q for q in misses if await found(query_api, q)] == []


async def test_a_question_without_a_word_finds_nothing(query_store: QueryStore, query_api: QueryApi) -> None:
    """The question is well-formed, so it is answered."""
    query_store.put(session(title="- 🚀"))
    nothing = {"current_page": 3, "per_page": 25, "total_pages": 0, "total_count": 0}

    for q in ("-", '"', '""', "«»", "🚀", "\x00", " ", "\u0301"):
        reply = await query_api.get(PATH, {"q": q, "page": 3})

        assert reply.status_code == 200, q
        assert reply.json() == {"data": [], "meta": nothing}, q


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "q"),
    ({"q": ""}, "q"),
    ({"q": "x" * 201}, "q"),
    ({"q": "é" * 201}, "q"),
    ({"q": "x", "status": "open"}, "status"),
    ({"q": "x", "per_page": 101}, "per_page"),
    ({"q": "x", "query": "x"}, "query"),
    ({"q": "x", "sort": "rank"}, "sort"),
]


async def test_what_cannot_be_asked_for(query_api: QueryApi) -> None:
    """No text, a long text and wrong parameters of the list are a 422 that names the parameter."""
    for params, field in REFUSED:
        reply = await query_api.get(PATH, params)
        assert (reply.status_code, set(reply.json()["details"])) == (422, {field}), params

    assert (await query_api.get(PATH, {"q": "é" * 200})).status_code == 200
    assert (await query_api.get(PATH, {"q": "a " * 100})).status_code == 200


async def test_a_search_can_be_filtered_sorted_and_paged(query_store: QueryStore, query_api: QueryApi) -> None:
    """It has the filters and orders of the list, and counts what matches text and filters."""
    rows = [
        session(
            title=f"word {'odd' if number % 2 else 'even'}",
            project_id=f"p{number % 3}",
            user_id="bob" if number == 4 else "alice",
            started_at=NOON - number * HOUR_MS,
            models=[model("m", cost_nano=number)],
        )
        for number in range(6)
    ]
    query_store.put(*rows)
    ids = [str(row.session_id) for row in rows]

    pages = [(await query_api.get(PATH, {"q": "word", "per_page": 4, "page": page})).json() for page in (1, 2, 3)]
    dear = (await query_api.get(PATH, {"q": "word", "sort": "-cost_usd"})).json()["data"]

    assert [[item["id"] for item in page["data"]] for page in pages] == [ids[:4], ids[4:], []]
    assert [(page["meta"]["total_count"], page["meta"]["total_pages"]) for page in pages] == [(6, 2)] * 3
    assert [item["id"] for item in dear] == ids[::-1]
    assert await found(query_api, "even", project_id="p0") == {ids[0]}
    assert await found(query_api, "even", user_id="bob") == {ids[4]}
    assert await found(query_api, "word", started_after="2026-01-20T10:30:00Z") == {*ids[:2]}


async def test_who_finds_what(query_store: QueryStore, query_api: QueryApi) -> None:
    """Members and viewers find their own sessions, other roles the org's; no search finds sensitive ones."""
    mine, theirs = session(title="word", user_id="bob"), session(title="word", user_id="alice")
    sensitive = mint(SECRETS, "session", "acme", new_thread(None), True, None)
    query_store.put(mine, theirs, session("other", title="word"))
    query_store.put(session(session_id=sensitive, sensitive=True, repo="word", user_id="bob"))

    for role in ("member", "viewer"):
        reply = await query_api.get(PATH, {"q": "word"}, user="bob", role=role)
        assert [item["id"] for item in reply.json()["data"]] == [str(mine.session_id)]
        assert (await query_api.get(PATH, {"q": "word", "user_id": "alice"}, user="bob", role=role)).status_code == 403
    reply = await query_api.get(PATH, {"q": "word"}, user="bob", role="manager")
    assert {item["id"] for item in reply.json()["data"]} == {str(mine.session_id), str(theirs.session_id)}


async def test_a_word_that_is_gone_finds_nothing(query_store: QueryStore, query_api: QueryApi) -> None:
    """An outdated row with the word, in an unmerged part, does not match."""
    row = session(title="before")
    query_store.put(row)
    changed = {"session_id": row.session_id, "started_at": row.started_at, "version": 2}
    query_store.put(session(title="after", **changed))
    query_store.put(session(title="other"))

    assert await found(query_api, "before") == set()
    assert await found(query_api, "after") == {str(row.session_id)}


@pytest.mark.parametrize("seed", seeds(3, 20))
async def test_a_search_finds_what_the_newest_rows_have(org_store: QueryStore, seed: int) -> None:
    """For any spread of versions over parts, late ones too, only the newest version counts."""
    org, draw = next(orgs), Random(seed)
    stored: dict[str, SessionRow] = {}
    sessions = [session(org, started_at=NOON - number % 3 * HOUR_MS) for number in range(SESSIONS)]
    for _ in range(draw.randrange(1, 6)):
        part = [_version_of(draw, row) for row in draw.sample(sessions, draw.randrange(1, SESSIONS))]
        org_store.put(*part)
        for row in part:
            known = stored.get(str(row.session_id))
            if known is None or row.version > known.version:
                stored[str(row.session_id)] = row
    api = QueryApi(org_store.reader)

    for words in ("a", "b c", "d", "a b c d", "e"):
        wanted = {id_ for id_, row in stored.items() if set(words.split()) <= set((row.title or "").split())}
        assert await found(api, words, org=org) == wanted
    for phrase in ("a b", "b a", "c c", "d a"):
        assert await found(api, f'"{phrase}"', org=org) == {id_ for id_, row in stored.items() if row.title == phrase}


def _version_of(draw: Random, row: SessionRow) -> SessionRow:
    """Return a version of a session; equal version means equal content."""
    version = draw.randrange(1, VERSIONS)
    words = Random(f"{row.session_id} {version}").choices("abcd", k=2)
    return session(
        row.org_id, session_id=row.session_id, started_at=row.started_at, version=version, title=" ".join(words)
    )


async def test_a_search_in_events_says_until_when_it_may_miss_some(
    query_store: QueryStore, query_api: QueryApi
) -> None:
    """Records of an earlier version have no words: their org's searches say so, and only those in events."""
    org, other = next(orgs), next(orgs)
    receipt = {"log_offset": 1, "org_id": org, "outcome": "projected", "received_at": NOON / 1000}
    rows = [receipt, {**receipt, "log_offset": 2, "has_words": True, "received_at": NOON / 1000 + 60}]
    query_store.put_receipts(*rows, {**receipt, "log_offset": 3, "org_id": other, "has_words": True})

    said = [
        (await query_api.get(PATH, {"q": "x", **params}, org=one)).json()["meta"].get("events_missing_until")
        for one, params in ((org, {"events": True}), (org, {}), (other, {"events": True}))
    ]

    assert said == ["2026-01-20T12:00:00.000Z", None, None]
