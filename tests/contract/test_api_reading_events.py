"""API section "Reading", `GET …/:id/events`."""

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


def _pages(org: Org, session: dict[str, Any], **params: Any) -> list[list[dict[str, Any]]]:
    pages, cursor = [], {}
    while True:
        reply = org.get(f"sessions/{session['id']}/events", **params, **cursor)
        assert reply.status_code == 200, reply.text
        pages.append(reply.json()["data"])
        if reply.json()["meta"]["next_cursor"] is None:
            return pages
        cursor = {"cursor": reply.json()["meta"]["next_cursor"]}
