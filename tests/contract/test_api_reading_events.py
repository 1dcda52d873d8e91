"""API section "Reading", `GET …/:id/events`, on `up` and `stack`."""

import re
from typing import Any
from uuid import uuid4

import pytest

from tests.support.clients.sending import Org, hook
from tests.support.rigs.installation import Installation

FIELDS = ["event_id", "event_type", "timestamp", "received_at", "seq", "tool_name", "agent_id", "data", "position"]
PAYLOADS = [
    b'{ "b" : 1,\t"a": [1.0, 1e5 , -0] }',
    b'{"a":"\\u0000\\ud83d\\ude00 \\/","a":"twice"}',
    '{"emoji": "😀", "rtl": "\u202eabc", "sep": "\u2028"}'.encode(),
    b'{"n": ' + b"9" * 5_000 + b', "x": 1e999}',
    b"{}",
    rb'{"cut": "\ud83d", "CUT": "x\uD83D", "low": "\udc00", "pair": "\ud83d\ude00\ude00"}',
    rb'{"tool_name": "\ud83d", "agent_id": 7, "after a backslash": "\\\ud800"}',
]


@pytest.fixture
def org(installation: Installation, fresh_org: str) -> Org:
    """Return an org of this test."""
    return Org(installation, fresh_org)


@pytest.mark.fault(row=17)
def test_payloads_come_back_byte_for_byte(org: Org) -> None:
    """White space, order, escapes, duplicate keys, huge numbers and lone surrogates are unchanged."""
    session = org.create()
    events = b",".join(
        b'{"event_type":"Notification","timestamp":"2026-01-20T10:30:00Z","data": ' + payload + b" }"
        for payload in PAYLOADS
    )
    org.write("POST", f"observability/sessions/{session['id']}/events", b'{"events":[' + events + b"]}")

    reply = org.get(f"sessions/{session['id']}/events", per_page=1000)

    assert reply.status_code == 200
    found = re.findall(rb'"data":(\{.*?\}),"position":', reply.content, re.DOTALL)
    assert found == PAYLOADS


def test_each_event_has_every_field(org: Org) -> None:
    """An event has identity, type, both times and log position; absent values are null."""
    session, event_id = org.create(), str(uuid4())
    full = {**hook("PreToolUse", "2026-01-20T12:30:00.5+02:00"), "event_id": event_id, "seq": -7}
    full["data"] = {"tool_name": "Bash", "agent_id": "a1"}
    written = org.record(session, full, hook("BrandNew"))

    reply = org.get(f"sessions/{session['id']}/events")

    first, second = reply.json()["data"]
    assert list(first) == FIELDS
    assert first | {"received_at": ""} == {
        "event_id": event_id,
        "event_type": "PreToolUse",
        "timestamp": "2026-01-20T10:30:00.500Z",
        "received_at": "",
        "seq": -7,
        "tool_name": "Bash",
        "agent_id": "a1",
        "data": full["data"],
        "position": written.json()["meta"]["position"],
    }
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["received_at"])
    assert [second[name] for name in ("seq", "tool_name", "agent_id", "data")] == [None, None, None, {}]
    assert reply.json()["meta"] == {"next_cursor": None}
    assert "X-Complete-Through" in reply.headers


def test_pages_follow_the_log_and_each_event_counts_once(org: Org) -> None:
    """Pages of up to 1,000 have log order, not time order; a resent batch adds nothing; the last cursor is null."""
    session = org.create()
    for batch in (3, 1, 2):
        events = [hook("Stop", f"2026-01-2{batch}T10:00:00.{n:03d}Z", n=n) for n in range(400)]
        org.record(session, *events)
        org.record(session, *events)

    pages = _pages(org, session, per_page=1000)

    assert [len(page) for page in pages] == [1000, 200]
    assert [(event["timestamp"][9], event["data"]["n"]) for page in pages for event in page] == [
        (batch, n) for batch in "312" for n in range(400)
    ]
    assert sum(map(len, _pages(org, session, per_page=400))) == 1200


def test_each_filter(org: Org) -> None:
    """Type, tool, agent, and a range of the events' own times, alone and together; pages keep the filter."""
    session = org.create()
    events = [
        hook("PreToolUse", f"2026-01-20T10:00:0{n}Z", tool_name="Bash" if n % 2 else "Edit", agent_id=f"a{n % 3}", n=n)
        for n in range(8)
    ]
    org.record(session, *events, hook("Stop", "2026-01-20T10:00:09Z", n=9))

    asked: dict[str, list[dict[str, Any]]] = {
        "13579"[:4]: [{"tool_name": "Bash"}],
        "9": [{"event_type": "Stop"}, {"after": "2026-01-20T10:00:07.001Z"}],
        "147": [{"agent_id": "a1"}],
        "0123": [{"before": "2026-01-20T10:00:04Z"}, {"before": "2026-01-20T11:00:04+01:00"}],
        "4567": [{"after": "2026-01-20T10:00:04Z", "before": "2026-01-20T10:00:09Z"}],
        "17": [{"agent_id": "a1", "tool_name": "Bash", "event_type": "PreToolUse"}],
        "": [{"event_type": "stop"}, {"tool_name": ""}, {"agent_id": "' OR 1=1 --"}, {"after": "2027-01-01T00:00:00Z"}],
    }
    for expected, questions in asked.items():
        for params in questions:
            pages = _pages(org, session, per_page=2, **params)
            assert "".join(str(event["data"]["n"]) for page in pages for event in page) == expected, params


@pytest.mark.fault(row=18)
def test_a_cursor_is_url_safe_and_bound_to_org_session_and_filters(org: Org, installation: Installation) -> None:
    """A foreign, forged, malformed or misused cursor is a 422 in the common error shape."""
    one, other = org.create(), org.create()
    for session in (one, other):
        org.record(session, *(hook("Stop", n=n) for n in range(3)))
    neighbour = Org(installation, f"{org.org}-2")
    theirs = neighbour.create()
    neighbour.record(theirs, *(hook("Stop", n=n) for n in range(3)))
    path = f"sessions/{one['id']}/events"
    cursor = org.get(path, per_page=1).json()["meta"]["next_cursor"]
    foreign = neighbour.get(f"sessions/{theirs['id']}/events", per_page=1).json()["meta"]["next_cursor"]

    forged = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    wrong = [org.get(path, cursor=text) for text in (foreign, forged, cursor[1:], "", "%00", "'; --", "x" * 5000)]
    wrong.append(org.get(f"sessions/{other['id']}/events", cursor=cursor))
    wrong.append(org.get(path, cursor=cursor, event_type="Stop"))

    assert re.fullmatch(r"[A-Za-z0-9_.~-]+", cursor)
    for reply in wrong:
        assert (reply.status_code, reply.json()["code"]) == (422, "invalid")
        assert set(reply.json()) == {"error", "code", "details", "request_id"}
        assert set(reply.json()["details"]) == {"cursor"}
    assert [event["data"]["n"] for event in org.data(path, cursor=cursor)] == [1, 2]


def test_there_are_no_numbered_pages(org: Org) -> None:
    """`page` is unknown, `per_page` is 1 to 1,000, and times need an offset."""
    session = org.create()
    path = f"sessions/{session['id']}/events"

    wrong: list[tuple[str, Any]] = [("page", 1), ("per_page", 0), ("per_page", 1001), ("after", "2026-01-20T10:00:00")]
    for name, value in wrong:
        reply = org.get(path, **{name: value})
        assert (reply.status_code, list(reply.json()["details"])) == (422, [name])
    assert org.get(path, per_page=1000).json() == {"data": [], "meta": {"next_cursor": None}}


def test_who_may_read_events(org: Org, installation: Installation) -> None:
    """The owner and roles that see all may; others, other orgs and unknown ids get the same 404."""
    session = org.create()
    org.record(session, hook("Stop"))
    path = f"sessions/{session['id']}/events"
    neighbour = Org(installation, f"{org.org}-2")

    hidden = [
        org.get(path, user="bob", role="member"),
        org.get(path, user="bob", role="viewer"),
        neighbour.get(path),
        org.get("sessions/threads/events"),
        org.get(f"sessions/{uuid4()}/events"),
    ]

    assert {reply.status_code for reply in hidden} == {404}
    assert len({(reply.json()["code"], reply.json()["error"]) for reply in hidden}) == 1
    assert len(org.data(path, user="alice", role="viewer")) == 1
    assert len(org.data(path, user="bob", role="manager")) == 1


def test_what_the_caller_has_is_not_sent_again(org: Org) -> None:
    """The tag of a page returns 304 until the page changes."""
    session = org.create()
    org.record(session, hook("Stop", n=1))
    path = f"/api/v1/{org.org}/sessions/{session['id']}/events"
    tag = org.get(f"sessions/{session['id']}/events").headers["ETag"]

    same = org.client().get(path, headers={"If-None-Match": tag})
    org.record(session, hook("Stop", n=2))
    org.data(f"sessions/{session['id']}/events")
    other = org.client().get(path, headers={"If-None-Match": tag})

    assert (same.status_code, same.content) == (304, b"")
    assert "X-Complete-Through" in same.headers
    assert other.status_code == 200


def _pages(org: Org, session: dict[str, Any], **params: Any) -> list[list[dict[str, Any]]]:
    pages, cursor = [], {}
    while True:
        reply = org.get(f"sessions/{session['id']}/events", **params, **cursor)
        assert reply.status_code == 200, reply.text
        pages.append(reply.json()["data"])
        if reply.json()["meta"]["next_cursor"] is None:
            return pages
        cursor = {"cursor": reply.json()["meta"]["next_cursor"]}
