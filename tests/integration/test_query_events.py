"""Reading hook events over HTTP, from tables that the real pipeline filled."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from query_api.sessions import events
from query_api.sessions import one as one_session
from query_api.sessions.events import EventsPageRow, within_bytes
from schemas.log.position import LogRecord
from schemas.times import instant
from tests.support.agent_facts import EVENT_TYPES
from tests.support.builders import ORG, T0, LogBuilder, created, hook, recorded
from tests.support.builders import session_id as named
from tests.support.rigs.projected import api_over, project
from tests.support.rigs.query_store import QueryApi
from tests.support.rigs.store import Options, TestStore, new_address, new_store
from tests.support.strategies import PARTITIONS, logs

SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
Event = dict[str, Any]
SESSION = named("s")


@pytest.fixture(autouse=True, scope="module")
def any_id_is_ours() -> Iterator[None]:
    """Accept every id: the logs here have ids that no installation made, which would otherwise be a 404."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one_session, "_minted_here", lambda *_: True)
        yield


@pytest.fixture(scope="module")
def two(engine: Options) -> Iterator[TestStore]:
    """Provide a store for two partitions, emptied by each example."""
    yield from new_store(new_address(engine), PARTITIONS)


class Pages(NamedTuple):
    """The read side over a store, and the event loop that all examples share: a reader belongs to one."""

    api: QueryApi
    loop: asyncio.Runner

    def of(self, org: str, session: str, params: dict[str, Any]) -> list[Event]:
        """Return all events of a session."""
        return self.loop.run(_all_pages(self.api, org, session, params))


@pytest.fixture(scope="module")
def pages(two: TestStore) -> Iterator[Pages]:
    """Compose the read side once, which takes longer than an example."""
    with api_over(two) as api, asyncio.Runner() as loop:
        yield Pages(api, loop)


filters = st.fixed_dictionaries(
    {},
    optional={
        "event_type": st.sampled_from(EVENT_TYPES),
        "tool_name": st.sampled_from(["x1", "Bash", ""]),
        "agent_id": st.sampled_from(["x1", "x2", ""]),
        "after": st.integers(-2, 30),
        "before": st.integers(-2, 30),
    },
)


@given(log=logs(max_size=40), asked=filters, per_page=st.integers(1, 5))
@settings(SLOW, max_examples=25)
def test_the_pages_of_a_session_are_its_events_in_log_order(
    two: TestStore, pages: Pages, log: list[LogRecord], asked: dict[str, Any], per_page: int
) -> None:
    """With any filters the pages equal a plain walk through the log: the same order, each id once."""
    for name in {"after", "before"} & set(asked):
        asked[name] = instant(1_768_900_000_000 + asked[name] * 1_200_000)
    two.empty()
    project(two, log)

    for org, session in {(org, session) for org, session, _ in _walk(log)}:
        expected = [event for at, of, event in _walk(log) if (at, of) == (org, session) and _matches(event, asked)]
        assert pages.of(org, session, {**asked, "per_page": per_page}) == expected


def _walk(log: list[LogRecord]) -> Iterator[tuple[str, str, Event]]:
    """Return the hook events of a log, by org and session; the first fact with an id counts."""
    seen: set[tuple[str, str, str]] = set()
    for log_record in sorted(log, key=lambda log_record: (log_record.partition, log_record.offset)):
        if not log_record.value or log_record.value[:1] != b"{":
            continue
        record = msgspec.json.decode(log_record.value)
        if record["kind"] == "prices_loaded":  # it belongs to no session
            continue
        events = record.get("events", [])
        for one in events or [record]:
            key = (record["org_id"], record["session_id"], one["event_id"] if events else one["fact_id"])
            if key not in seen and events:
                yield record["org_id"], record["session_id"], _shown(log_record, record, one)
            seen.add(key)


def _shown(log_record: LogRecord, record: Event, event: Event) -> Event:
    def text(name: str) -> str | None:
        value = event["data"].get(name)
        return value if isinstance(value, str) and value else None

    return {
        "event_id": event["event_id"],
        "event_type": event["event_type"],
        "timestamp": instant(event["timestamp"]),
        "received_at": instant(record["received_at"]),
        "seq": event.get("seq"),
        "tool_name": _tool(record.get("client"), text("tool_name")),
        "agent_id": text("agent_id"),
        "data": event["data"],
        "position": f"{log_record.partition}:{log_record.offset}",
    }


def _tool(client: str | None, name: str | None) -> str | None:
    """Return the known name of a tool; the logs have one other name for one."""
    return "Bash" if (client, name) == ("gemini-cli", "run_shell_command") else name


def _matches(event: Event, asked: dict[str, Any]) -> bool:
    equal = all(event[name] == asked[name] for name in ("event_type", "tool_name", "agent_id") if name in asked)
    return equal and asked.get("after", "") <= event["timestamp"] < asked.get("before", "9")


async def _all_pages(api: QueryApi, org: str, session: str | UUID, params: dict[str, Any]) -> list[Event]:
    found: list[Event] = []
    cursor = None
    while True:
        page = await api.get(f"sessions/{session}/events", {**params, "cursor": cursor}, org=org)
        assert page.status_code == 200, page.text
        assert len(page.json()["data"]) <= params["per_page"]
        found += page.json()["data"]
        cursor = page.json()["meta"]["next_cursor"]
        if cursor is None:
            return found


@pytest.fixture(scope="module")
def filled(engine: Options) -> Iterator[TestStore]:
    """Provide a session with 30 events in three records, another one, one without events, and one of another org."""
    for store in new_store(new_address(engine)):
        project(store, events_of_four().records)
        yield store


def events_of_four() -> LogBuilder:
    """Return the log of these sessions."""
    log = LogBuilder()
    log.add(created(SESSION), created(named("other")), created(named("silent")))
    log.add(created(named("foreign"), org_id="other"))
    log.add(recorded(named("foreign"), *(hook("Stop", T0 + n) for n in range(3)), org_id="other"))
    for n in range(3):
        log.add(recorded(SESSION, *(hook("Stop", T0 + 10 * n + i, text="x" * 100) for i in range(10))))
    log.add(recorded(named("other"), hook("Stop")))
    return log


async def test_a_page_ends_early_where_payloads_are_large(filled: TestStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page has a byte limit and at least one event, and its cursor continues after it."""
    monkeypatch.setattr(events, "PAGE_BYTES_MAX", 350)
    with api_over(filled) as api:
        first = (await api.get(f"sessions/{SESSION}/events", {"per_page": 30})).json()
        everything = await _all_pages(api, ORG, SESSION, {"per_page": 30})

    assert len(first["data"]) == 3
    assert [event["timestamp"] for event in everything] == [instant(T0 + n) for n in range(30)]


@pytest.mark.parametrize(("sizes", "shown"), [([], 0), ([9], 1), ([3, 3, 2], 3), ([3, 3, 3], 2), ([9, 0], 1)])
def test_a_page_holds_at_least_one_event(sizes: list[int], shown: int) -> None:
    """A page has as many of the first events as fit, and the first even if it does not."""
    places = [EventsPageRow(n, size) for n, size in enumerate(sizes)]

    assert len(within_bytes(places, 8)) == shown


@pytest.fixture(scope="module")
def of_two_tools(shared_store: TestStore) -> TestStore:
    """Provide a session with eight calls of two tools by three agents, and a last event."""
    log = LogBuilder(shared_store.partitions)
    start = 1_768_903_200_000  # 2026-01-20T10:00:00Z
    uses = [
        hook("PreToolUse", start + n * 1000, tool_name="Bash" if n % 2 else "Edit", agent_id=f"a{n % 3}", n=n)
        for n in range(8)
    ]
    log.add(created(SESSION), recorded(SESSION, *uses, hook("Stop", start + 9000, n=9)))
    project(shared_store, log.records)
    return shared_store


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"tool_name": "Bash"}, "1357"),
        ({"event_type": "Stop"}, "9"),
        ({"after": "2026-01-20T10:00:07.001Z"}, "9"),
        ({"agent_id": "a1"}, "147"),
        ({"before": "2026-01-20T10:00:04Z"}, "0123"),
        ({"before": "2026-01-20T11:00:04+01:00"}, "0123"),
        ({"after": "2026-01-20T10:00:04Z", "before": "2026-01-20T10:00:09Z"}, "4567"),
        ({"agent_id": "a1", "tool_name": "Bash", "event_type": "PreToolUse"}, "17"),
        ({"event_type": "stop"}, ""),
        ({"tool_name": ""}, ""),
        ({"agent_id": "' OR 1=1 --"}, ""),
        ({"after": "2027-01-01T00:00:00Z"}, ""),
    ],
    ids=str,
)
async def test_each_filter(params: dict[str, Any], expected: str, of_two_tools: TestStore) -> None:
    """Type, tool, agent, and a range of times, separately and together; pages keep the filter."""
    with api_over(of_two_tools) as api:
        found = await _all_pages(api, ORG, SESSION, {**params, "per_page": 2})

    assert "".join(str(event["data"]["n"]) for event in found) == expected


def test_a_page_is_sent_again_once_it_changes(store: TestStore) -> None:
    """The tag of a page returns 304 until the page changes."""
    log, path = LogBuilder(store.partitions), f"sessions/{SESSION}/events"

    def get(**headers: str) -> httpx.Response:
        with api_over(store) as api:
            return asyncio.run(api.get(path, headers=headers))

    log.add(created(SESSION), recorded(SESSION, hook("Stop", n=1)))
    project(store, log.records)
    tag = get().headers["ETag"]
    same = get(**{"If-None-Match": tag})
    log.add(recorded(SESSION, hook("Stop", n=2)))
    project(store, log.records)
    other = get(**{"If-None-Match": tag})

    assert (same.status_code, same.content) == (304, b"")
    assert "X-Complete-Through" in same.headers
    assert (other.status_code, [event["data"]["n"] for event in other.json()["data"]]) == (200, [1, 2])


@pytest.mark.fault(row=18)
async def test_a_cursor_is_url_safe_and_bound_to_org_session_and_filters(filled: TestStore) -> None:
    """A foreign, forged, malformed or misused cursor is a 422 in the common error shape."""
    with api_over(filled) as api:
        path = f"sessions/{SESSION}/events"
        cursor = (await api.get(path, {"per_page": 2})).json()["meta"]["next_cursor"]
        typed = (await api.get(path, {"per_page": 2, "event_type": "Stop"})).json()["meta"]["next_cursor"]
        theirs = await api.get(f"sessions/{named('foreign')}/events", {"per_page": 1}, org="other")
        foreign = theirs.json()["meta"]["next_cursor"]
        forged = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
        texts = (foreign, forged, "", "x", cursor[1:], cursor[:-1], cursor + "A", "A" * 32, "é", "%00", "'; --")
        wrong: list[httpx.Response] = [
            await api.get(f"sessions/{named('other')}/events", {"cursor": cursor}),
            await api.get(path, {"cursor": cursor, "event_type": "Stop"}),
            await api.get(path, {"cursor": typed}),
            *[await api.get(path, {"cursor": text}) for text in (*texts, "x" * 5000)],
        ]
        right = [
            await api.get(path, {"cursor": cursor, "per_page": 7}),
            await api.get(path, {"cursor": typed, "event_type": "Stop"}),
        ]

    assert re.fullmatch(r"[A-Za-z0-9_.~-]+", cursor)
    assert foreign is not None
    for reply in wrong:
        assert (reply.status_code, reply.json()["code"], *reply.json()["details"]) == (422, "invalid", "cursor")
        assert set(reply.json()) == {"error", "code", "details", "request_id"}
    assert {reply.status_code for reply in right} == {200}
    assert [event["timestamp"] for event in right[0].json()["data"]] == [instant(T0 + n) for n in range(2, 9)]


@pytest.mark.parametrize(
    "params",
    [
        {"page": 1},
        {"per_page": 0},
        {"per_page": 1001},
        {"after": "yesterday"},
        {"after": "2026-01-20T10:00:00"},
        {"before": "2026-01-20"},
        {"sort": "x"},
    ],
    ids=str,
)
async def test_what_cannot_be_asked_of_events(params: dict[str, Any], filled: TestStore) -> None:
    """An unknown, mistyped or out-of-range parameter is a 422 that names it; there are no numbered pages."""
    with api_over(filled) as api:
        reply = await api.get(f"sessions/{SESSION}/events", params)

    assert (reply.status_code, list(reply.json()["details"])) == (422, list(params))


async def test_a_page_may_have_a_thousand_events(filled: TestStore) -> None:
    """A session without events has an empty page and no cursor."""
    with api_over(filled) as api:
        reply = await api.get(f"sessions/{named('silent')}/events", {"per_page": 1000})

    assert reply.json() == {"data": [], "meta": {"next_cursor": None}}
