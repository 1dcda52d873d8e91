"""Clients that repeat, reorder, contradict, send wrong times or exhaust resources, on both kinds of installation."""

import random
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import NAMESPACE_OID, uuid4, uuid5

import httpx
import msgspec
import pytest

from runtime.settings.secrets import id_secrets
from schemas.ids import mint, new_thread
from tests.support.clients.agents import CANARY
from tests.support.clients.journal import Journal, SentEvent
from tests.support.clients.sending import Org, hook, wait_for_all
from tests.support.oracles.checker import Checker
from tests.support.rigs.installation import Installation, eventually_ok
from tests.support.rigs.write_api import EVENT

SEED = random.randrange(1 << 20)
IDLE = 2_000
BOUND_S = 10.0  # less than the silence after which a connection is closed: no client waited for that


@pytest.fixture
def org(installation: Installation, fresh_org: str) -> Org:
    """Return an org that only this test uses."""
    return Org(installation, fresh_org)


@pytest.mark.fault(row=11)
def test_a_batch_sent_ten_times_by_eight_clients_and_cut_in_every_way_is_stored_once(
    installation: Installation, fresh_org: str
) -> None:
    """Events are stored once, although shuffled, split anywhere, and interleaved; half of them have no id."""
    print(f"seed {SEED}")
    journal, http = Journal(), installation.client("member", fresh_org)
    path = f"/api/v1/{fresh_org}"
    session = eventually_ok(http, "POST", f"{path}/sessions", json={}).json()["data"]["id"]
    journal.created(session, fresh_org)
    batches = [[_event(f"{n}-{i}") for i in range(100)] for n in "ab"]

    def send(chance: random.Random) -> None:
        copies = [events for events in batches for _ in range(10)]
        pieces = [piece for events in copies for piece in _cut(events, chance)]
        chance.shuffle(pieces)
        for events in pieces:
            body = b'{"events":[' + b",".join(event.as_json() for event in events) + b"]}"
            headers = {"Content-Type": "application/json"}
            address = f"{path}/observability/sessions/{session}/events"
            reply = eventually_ok(http, "POST", address, content=body, headers=headers)
            journal.noted(reply.status_code, reply.headers["X-Log-Position"], reply.content)
            journal.accepted(session, events)

    _at_once([lambda n=n: send(random.Random(SEED + n)) for n in range(8)])  # type: ignore[misc]  # bound at once

    assert Checker(installation, journal).check() == {}
    assert journal.events == sum(map(len, batches))


def _event(name: str) -> SentEvent:
    data = {"n": name, "tool_name": "Bash", "tool_use_id": name[:-1], "secret": CANARY}
    event_id = str(uuid5(NAMESPACE_OID, name)) if int(name[2:]) % 2 else None
    return SentEvent("PreToolUse", "2026-01-20T10:30:00.000Z", msgspec.json.encode(data), event_id)


def _cut(events: list[SentEvent], chance: random.Random) -> list[list[SentEvent]]:
    places = sorted({0, *(chance.randrange(len(events)) for _ in range(chance.randrange(4))), len(events)})
    return [events[start:stop] for start, stop in pairwise(places)]


def _at_once(works: list[Callable[[], None]]) -> None:
    """Run the callables in threads, and raise what one of them raises."""
    failed: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # raised by the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.fault(row=12)
def test_facts_count_in_any_order(installation: Installation, org: Org) -> None:
    """An end without a create, and events in reverse order, after the end and forty days late, all count."""
    now = datetime.now(UTC)
    early = now - timedelta(days=40)
    secrets = id_secrets(installation.data / "secrets")
    never_created = str(mint(secrets, "session", org.org, new_thread(None), False, None))
    org.write("POST", f"sessions/{never_created}/end", {"outcome": "timeout"})
    late = org.create(started_at=_text(early), agent_name="late")
    org.write("POST", f"sessions/{late['id']}/end", {"outcome": "success", "ended_at": _text(early)})
    for session in ({"id": never_created}, late):
        for i in reversed(range(5)):
            at = _text(early + timedelta(minutes=i))
            use = {"tool_name": "Bash", "tool_use_id": f"t{i}"}
            org.record(session, hook("PostToolUse", at, **use))
            org.record(session, hook("PreToolUse", at, **use), hook("UserPromptSubmit", at))

    ended, started = org.data(f"sessions/{never_created}"), org.data(f"sessions/{late['id']}")
    assert (ended["status"], ended["outcome"]) == ("ended", "timeout")
    assert (started["started_at"], started["ended_at"], started["outcome"]) == (_text(early), _text(early), "success")
    for shown in (ended, started):
        assert (shown["counts"]["events"], shown["counts"]["tool_calls"], shown["counts"]["prompts"]) == (15, 5, 5)
    days = {"start_date": str(early.date()), "end_date": str(now.date())}
    periods = org.data("sessions/analytics/timeseries", **days)
    counted = {period["period_start"][:10]: period["value"] for period in periods if period["value"]}
    assert counted == {str(early.date()): 1, ended["started_at"][:10]: 1}
    assert org.data("ops/recount", **days)["differences"] == []


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.fault(row=13)
def test_the_first_of_contradicting_copies_wins_in_its_session(
    installation: Installation, org: Org, fresh_org: str
) -> None:
    """A copy with another body, time or type changes nothing; in another session or org it is a separate event."""
    first = {**hook("UserPromptSubmit", "2026-01-20T10:30:00.000Z", prompt="first"), "event_id": str(uuid4())}
    other_org = Org(installation, f"{fresh_org}-other")
    here, there, abroad = org.create(), org.create(), other_org.create()
    org.record(here, first)
    for change in ({"data": {"prompt": "late"}}, {"timestamp": "2026-01-21T10:30:00Z"}, {"event_type": "Stop"}):
        org.record(here, {**first, **change})
    org.record(there, {**first, "data": {"prompt": "elsewhere"}})
    other_org.record(abroad, {**first, "data": {"prompt": "abroad"}})

    found = {
        whose.data(f"sessions/{session['id']}/events")[0]["data"]["prompt"]: whose.data(f"sessions/{session['id']}")
        for whose, session in ((org, here), (org, there), (other_org, abroad))
    }

    assert set(found) == {"first", "elsewhere", "abroad"}
    assert all(shown["counts"] | {"events": 1, "prompts": 1} == shown["counts"] for shown in found.values())
    assert org.data(f"sessions/{here['id']}/events")[0] | first == org.data(f"sessions/{here['id']}/events")[0]
    assert org.get(f"sessions/{abroad['id']}").status_code == httpx.codes.NOT_FOUND


@pytest.mark.fault(row=14)
def test_clients_whose_clocks_are_wrong_are_refused_by_item_or_land_in_the_right_hour(org: Org) -> None:
    """An error of a day is accepted; 1970, 2106 and 9999 are refused. A repeated local hour is two UTC hours."""
    now = datetime.now(UTC)
    taken = [_text(now - timedelta(days=1)), _text(now + timedelta(hours=23, minutes=50)), "2025-03-30T03:30:00+02:00"]
    refused = ["1970-01-01T00:00:00Z", "2106-02-07T06:28:16Z", "9999-12-31T23:59:59Z", _text(now + timedelta(days=2))]
    session = org.create()
    reply = org.record(session, *(hook("Stop", at) for at in (*refused, *taken)))

    assert [item["index"] for item in reply.json()["data"]["rejected"]] == list(range(len(refused)))
    assert {item["code"] for item in reply.json()["data"]["rejected"]} == {"timestamp_out_of_range"}
    shown = [event["timestamp"] for event in org.data(f"sessions/{session['id']}/events")]
    assert shown == [*taken[:2], "2025-03-30T01:30:00.000Z"]

    twice = ("2025-10-26T02:30:00+02:00", "2025-10-26T02:30:00+01:00")
    for at in twice:
        org.create(started_at=at)
    day = {"start_date": "2025-10-26", "end_date": "2025-10-26", "interval": "hour"}
    periods = org.data("sessions/analytics/timeseries", **day)
    assert {period["period_start"][11:13] for period in periods if period["value"] == 1} == {"00", "01"}
    assert org.data("ops/recount", start_date="2025-10-26")["differences"] == []


@pytest.fixture
def many_files() -> Iterator[None]:
    """Raise the limit of open files as far as possible."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.fault(row=20)
def test_silent_and_slow_connections_hold_up_no_other_client(
    installation: Installation, org: Org, many_files: None
) -> None:
    """2,000 silent connections, 100 with half a head and 100 with half a body do not delay other clients."""
    session = org.create()
    token = org.client().headers["authorization"]
    head = f"POST /api/v1/{org.org}/observability/sessions/{session['id']}/events HTTP/1.1\r\nHost: x\r\n"
    half = f"{head}Authorization: {token}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
    words = [b""] * IDLE + [head.encode()] * 100 + [half.encode()] * 100
    connections = [socket.create_connection(("127.0.0.1", installation.port), timeout=30) for _ in words]
    try:
        for connection, word in zip(connections, words, strict=True):
            connection.sendall(word)

        begun = time.monotonic()
        org.record(session, hook("Stop"))
        assert org.data(f"sessions/{session['id']}")["counts"]["events"] == 1
        assert httpx.get(f"{installation.url}/readyz", trust_env=False, timeout=30).status_code == httpx.codes.OK
        assert time.monotonic() - begun < BOUND_S
    finally:
        for connection in connections:
            connection.close()


@pytest.mark.fault(row=21)
def test_one_session_and_one_org_with_nearly_all_of_the_load_leave_room_for_others(
    installation: Installation, org: Org, fresh_org: str
) -> None:
    """Events written meanwhile in another session or org become visible although the load never pauses."""
    busy, small = org.create(), org.create()
    other_org = Org(installation, f"{fresh_org}-other")
    other = other_org.create()
    over = threading.Event()
    sent: list[int] = []

    def load() -> None:
        http = installation.client("member", org.org)
        while not over.is_set():
            events = [{**EVENT, "event_id": str(uuid4())} for _ in range(400)]
            path = f"/api/v1/{org.org}/observability/sessions/{busy['id']}/events"
            eventually_ok(http, "POST", path, json={"events": events})
            sent.append(len(events))

    def look() -> None:
        try:
            for n in range(1, 4):
                for whose, session in ((org, small), (other_org, other)):
                    whose.record(session, hook("Stop", n=n))
                    assert whose.data(f"sessions/{session['id']}")["counts"]["events"] == n
        finally:
            over.set()

    _at_once([load, load, look])

    wait_for_all(org.client(), org.org)
    assert org.data(f"sessions/{busy['id']}")["counts"]["events"] == sum(sent) > 0
