"""What comes of an erased session is refused at each door, in a process that made the erasure or has read of it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from ingest.erased import KnownErasures
from ingest.intake.agent_sessions.session import agent_session
from schemas.log.records import EventsRecorded, RecordsErased
from tests.support.clients import otlp
from tests.support.rigs.agent_write import CONTEXT
from tests.support.rigs.write_api import EVENT, WriteApi, a_session, events_path, token

GONE, LEFT = (agent_session("claude-code", name, CONTEXT).session_id for name in ("gone", "left"))
HOOKS = "/hooks/claude-code"
Send = Callable[[WriteApi, str], Any]


def hook_of(name: str) -> dict[str, Any]:
    return {"session_id": name, "hook_event_name": "Stop"}


def batch_of(*names: str, reports: tuple[str, ...] = ()) -> dict[str, Any]:
    hooks = [{"id": str(uuid4()), "at": "2026-01-20T10:29:00Z", "payload": hook_of(name)} for name in names]
    return {"hooks": hooks, "reports": [{"session_id": name, "work": {"commits": 1}} for name in reports]}


async def erase(api: WriteApi, *session_ids: UUID) -> httpx.Response:
    subject = {"kind": "sessions", "session_ids": [*map(str, session_ids)]}
    return await api.send("POST", "/erasures", {"subject": subject}, role="admin")


async def stored(api: WriteApi) -> set[UUID]:
    """Return the sessions of which the log has something."""
    return {record.session_id for record in await api.records() if not isinstance(record, RecordsErased)}


DOORS: dict[str, Send] = {
    "create": lambda api, name: api.send("POST", "/sessions", {"external_id": f"claude-code:{name}"}),
    "change": lambda api, name: api.send("PATCH", f"/sessions/{of(name)}", {"title": "x"}),
    "end": lambda api, name: api.send("POST", f"/sessions/{of(name)}/end", {"outcome": "success"}),
    "compact": lambda api, name: api.send("POST", f"/sessions/{of(name)}/compact", {}),
    "events": lambda api, name: api.send("POST", events_path(of(name)), {"events": [EVENT]}),
    "hook": lambda api, name: api.send("POST", HOOKS, hook_of(name)),
}


def of(name: str) -> UUID:
    return GONE if name == "gone" else LEFT


@pytest.mark.fault(row=32)
@pytest.mark.parametrize("door", DOORS)
async def test_a_request_about_an_erased_session_is_refused(api: WriteApi, door: str) -> None:
    """It is accepted before, and for another session afterwards. Nothing of it gets into the log."""
    before = await DOORS[door](api, "gone")
    await erase(api, GONE)
    count = len(await api.records())

    refused = await DOORS[door](api, "gone")

    assert before.is_success, before.text
    assert (refused.status_code, refused.json()["code"]) == (410, "session_erased")
    assert len(await api.records()) == count
    assert (await DOORS[door](api, "left")).is_success


async def test_a_batch_of_hooks_says_which_items_were_erased(api: WriteApi) -> None:
    """The others are accepted. Another user's session with the same id is another session."""
    await erase(api, GONE)

    some = await api.send("POST", HOOKS, batch_of("left", "gone", reports=("gone", "left")))
    others = await api.send("POST", HOOKS, batch_of("gone"), user="bob")

    rejected = some.json()["data"]["rejected"]
    assert (some.status_code, some.json()["data"]["accepted"]) == (202, 1)
    assert [(one["index"], one["code"]) for one in rejected] == [(1, "erased"), (0, "erased_report")]
    assert (others.status_code, others.json()["data"]["rejected"]) == (202, [])
    assert GONE not in await stored(api)


async def test_a_batch_of_nothing_else_is_no_mistake(api: WriteApi) -> None:
    """The client could not know. It is 422 only if something is invalid as well and nothing is accepted."""
    await erase(api, GONE)

    alone = await api.send("POST", HOOKS, batch_of("gone", "gone"))
    mixed = await api.send("POST", HOOKS, batch_of("gone", ""))

    assert (alone.status_code, alone.json()["data"]["accepted"]) == (202, 0)
    assert [one["code"] for one in alone.json()["data"]["rejected"]] == ["erased", "erased"]
    assert "X-Log-Position" not in alone.headers
    assert (mixed.status_code, [one["code"] for one in mixed.json()["details"]["hooks"]]) == (
        422,
        ["erased", "invalid_hook"],
    )


async def test_an_exporter_learns_of_the_erasure_in_its_partial_success(api: WriteApi) -> None:
    """The other records of the request are stored."""
    await erase(api, GONE)
    records = [otlp.claude_record("user_prompt", **{"session.id": name}) for name in ("gone", "left")]

    reply = await api.send("POST", "/otlp/v1/logs", otlp.logs(records))

    partial = reply.json()["partialSuccess"]
    assert (reply.status_code, partial["rejectedLogRecords"]) == (200, "1")
    assert "of an erased session" in partial["errorMessage"]
    assert await stored(api) == {LEFT}


async def test_nothing_is_taken_for_an_erased_org(api: WriteApi) -> None:
    """Not for a session of before, nor for a new one."""
    await api.send("POST", "/erasures", {"subject": {"kind": "org", "confirm": "acme"}}, role="owner")

    replies = [await DOORS[door](api, name) for door in DOORS for name in ("gone", "left")]
    new = await api.send("POST", "/sessions", {})

    assert {reply.status_code for reply in (*replies, new)} == {410}
    assert await stored(api) == set()


async def test_what_was_erased_is_erased_once(api: WriteApi) -> None:
    """A second request gets the first one's id; a copy of the first, with its key, is no second request."""
    body = {"subject": {"kind": "session", "session_id": str(GONE)}}
    first = await api.send("POST", "/erasures", body, role="admin", headers={"Idempotency-Key": "k"})
    count = len(await api.records())

    again = await api.send("POST", "/erasures", body, role="admin")
    copy = await api.send("POST", "/erasures", body, role="admin", headers={"Idempotency-Key": "k"})
    more = await erase(api, GONE, LEFT)

    assert (again.status_code, again.json()["code"]) == (409, "already_erased")
    assert again.json()["details"] == {"erasure": [first.json()["data"]["id"]]}
    assert (copy.status_code, copy.json()["data"]["id"]) == (202, first.json()["data"]["id"])
    assert more.status_code == 202
    assert len(await api.records()) == count + 2


async def test_another_process_learns_of_it_from_the_log(api: WriteApi) -> None:
    """It reads what is new, and keeps what it knows while the log is away."""
    other = KnownErasures(api.log)
    await other.look()
    nothing = GONE in other.of("acme")
    await erase(api, GONE)

    await other.look()
    await erase(api, LEFT)
    await other.look()

    assert (nothing, GONE in other.of("acme"), LEFT in other.of("acme")) == (False, True, True)
    assert (GONE in other.of("globex"), a_session() in other.of("acme")) == (False, False)


async def test_a_dead_letter_of_an_erased_session_is_not_redriven(api: WriteApi) -> None:
    """Its record is whole, so that only the erasure refuses it."""
    await DOORS["events"](api, "gone")
    (record,) = await api.records()
    assert isinstance(record, EventsRecorded)
    await erase(api, GONE)

    headers = {"authorization": f"Bearer {token('operator', 'operator')}"}
    reply = await api.client.post("/api/v1/operator/dead-letters/0:0/redrive", json={}, headers=headers)

    assert (reply.status_code, reply.json()["code"]) == (410, "session_erased")
