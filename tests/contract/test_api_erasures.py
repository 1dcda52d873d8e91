"""API section "Erasures", and the commands of an operator, on a running installation and over a fake log."""

import json
from collections.abc import AsyncIterator
from itertools import chain
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from click.testing import CliRunner

from cli import erasures
from cli.erasures import erase
from schemas.log.records import PositionsErased, RecordsErased
from schemas.log.topics import erasures_id, partition_of, record_key
from tests.support.clients.session_client import SessionClient
from tests.support.rigs.installation import Installation, eventually_ok
from tests.support.rigs.write_api import WriteApi, a_session, write_api

WORD = "persimmon"


def of_sessions(*session_ids: str) -> dict[str, Any]:
    return {"subject": {"kind": "sessions", "session_ids": [*session_ids]}}


async def erasures_in(api: WriteApi) -> list[RecordsErased]:
    """Return the records of the log, which are all erasures."""
    records = await api.records()
    assert all(isinstance(record, RecordsErased) for record in records)
    return cast("list[RecordsErased]", records)


def of_session(session_id: object, **more: Any) -> dict[str, Any]:
    return {"subject": {"kind": "session", "session_id": str(session_id)}, **more}


def test_an_erased_session_is_gone_and_what_comes_later_is_too(installation: Installation, fresh_org: str) -> None:
    """It is found before; then no read finds it, its records say so, and a later event is refused."""
    path = f"/api/v1/{fresh_org}"
    with SessionClient(installation, fresh_org, title=WORD) as session, SessionClient(installation, fresh_org) as other:
        session.record(("UserPromptSubmit", {"prompt": WORD}))
        other.record(("Stop", {}))
        before, first = session.read(""), session.position
        found = session.client.get(f"{path}/sessions/search", params={"q": WORD}).json()["data"]

        erased = eventually_ok(
            session.client, "POST", f"{path}/erasures", json=of_session(session.id, reason="DSR-118")
        )
        late = session.client.post(f"{path}/sessions/{session.id}/end", json={"outcome": "success"})

        wait = {"X-Wait-For-Position": erased.headers["X-Log-Position"]}
        parts = ("", "events", "hierarchy", "spend", "compactions")
        replies = {part: session.read(part, headers=wait).status_code for part in parts}
        assert (before.status_code, [one["id"] for one in found]) == (200, [session.id])
        assert set(replies.values()) == {404}
        assert (late.status_code, late.json()["code"]) == (410, "session_erased")
        assert erased.status_code == 202
        id_ = erased.json()["data"]["id"]
        assert erased.json()["data"] == {
            "id": id_,
            "subject": {"kind": "session", "session_id": session.id},
            "state": "recorded",
        }
        assert session.client.get(f"{path}/sessions/search", params={"q": WORD}).json()["data"] == []
        assert [one["id"] for one in session.client.get(f"{path}/sessions").json()["data"]] == [other.id]
        (listed,) = session.client.get(f"{path}/erasures").json()["data"]
        assert listed["requested_at"].endswith("Z")
        assert {name: listed[name] for name in ("id", "session_id", "state", "reason", "position")} == {
            "id": id_,
            "session_id": session.id,
            "state": "hidden",
            "reason": "DSR-118",
            "position": erased.json()["meta"]["position"],
        }
        receipt = session.client.get(f"{path}/ops/receipts/{first}").json()["data"]
        assert (receipt["outcome"], receipt["facts"], receipt["received_at"]) == ("erased", None, None)


def test_a_session_is_erased_by_a_command(installation: Installation, fresh_org: str) -> None:
    """It asks unless it is given `--yes`, says where the erasure is, and refuses ids that are not of the org."""
    with SessionClient(installation, fresh_org) as session:
        asked = installation.command("erase", "session", session.id, "--org", fresh_org)
        refused = installation.command("erase", "session", str(uuid4()), "--org", fresh_org, "--yes")
        done = installation.command(
            "erase", "session", session.id, "--org", fresh_org, "--reason", "A-1", "--yes", "--json"
        )
        erasure = json.loads(done.stdout)
        wait = {"X-Wait-For-Position": erasure["meta"]["position"]}
        eventually_ok(session.client, "GET", f"/api/v1/{fresh_org}/erasures", headers=wait)
        listed = installation.command("erasures", "list", "--org", fresh_org)
        shown = installation.command("erasures", "show", erasure["data"]["id"], "--org", fresh_org)
        unknown = installation.command("erasures", "show", str(uuid4()), "--org", fresh_org)
        certificate = installation.command("erasures", "certificate", erasure["data"]["id"], "--org", fresh_org)

    assert shown.returncode == 0, shown.stderr
    assert "1 session, 1 record, hidden" in shown.stdout
    assert "waits: g1 is swept after" in shown.stdout
    assert (unknown.returncode, "is not the id of an erasure of" in unknown.stderr) == (1, True)
    assert (certificate.returncode, "not certified yet" in certificate.stderr) == (1, True)
    assert (asked.returncode, refused.returncode) == (1, 1)
    assert f"Erase session {session.id} of {fresh_org} for good?" in asked.stdout
    assert "is not the id of a session of" in refused.stderr
    assert (done.returncode, json.loads(done.stdout)["data"]["subject"]["session_ids"]) == (0, [session.id])
    assert listed.returncode == 0, listed.stderr
    assert session.id in listed.stdout


def test_the_sessions_of_a_user_are_erased_by_a_command(
    installation: Installation, fresh_org: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how many there are, and takes several requests for many of them. Those of others stay."""
    with installation.client("member", fresh_org, "mia") as mia, SessionClient(installation, fresh_org) as other:
        path = f"/api/v1/{fresh_org}/sessions"
        begun = [eventually_ok(mia, "POST", path, json={}) for _ in range(5)]
        ids = {reply.json()["data"]["id"] for reply in begun}
        wait = {"X-Wait-For-Position": begun[-1].headers["X-Log-Position"]}
        assert mia.get(path, headers=wait).json()["meta"]["total_count"] == 5
        monkeypatch.setattr(erasures, "SESSIONS_ERASED_MAX", 2)
        where = ("--org", fresh_org, "--data", str(installation.data))

        asked = CliRunner().invoke(erase, ["user", "mia", *where])
        done = CliRunner().invoke(erase, ["user", "mia", *where, "--yes", "--json"])
        replies = [json.loads(line) for line in done.output.splitlines()]
        after = {"X-Wait-For-Position": replies[-1]["meta"]["position"]}
        left = mia.get(path, headers=after).json()["meta"]["total_count"]
        none = CliRunner().invoke(erase, ["user", "mia", *where, "--yes"])

        assert (asked.exit_code, done.exit_code, left) == (1, 0, 0)
        assert (
            f"Erase 5 sessions that mia began in {fresh_org}, and what mia sent for 0 sessions of others,"
            in asked.output
        )
        subjects = [reply["data"]["subject"]["session_ids"] for reply in replies]
        assert ([len(some) for some in subjects], {*chain(*subjects)}) == ([2, 2, 1], ids)
        assert (none.exit_code, "mia has sent nothing" in none.output) == (1, True)
        assert other.read("").status_code == 200


def test_what_a_user_sent_for_sessions_of_others_is_erased_by_a_command(
    installation: Installation, fresh_org: str
) -> None:
    """The session goes on with what the other user sent, and no read shows a word of the user; so do its sums."""
    with installation.client("owner", fresh_org, "mia") as mia, SessionClient(installation, fresh_org) as shared:
        path = f"/api/v1/{fresh_org}"
        shared.record(("UserPromptSubmit", {"prompt": "of the owner"}))
        event = {"event_type": "UserPromptSubmit", "timestamp": "2026-01-20T10:30:00Z", "data": {"prompt": WORD}}
        sent = eventually_ok(mia, "POST", f"{path}/observability/sessions/{shared.id}/events", json={"events": [event]})
        wait = {"X-Wait-For-Position": sent.headers["X-Log-Position"]}
        before = mia.get(f"{path}/sessions/{shared.id}", headers=wait).json()["data"]
        preview = mia.get(f"{path}/erasures/preview", params={"user_id": "mia"}).json()["data"]
        listed = mia.get(f"{path}/erasures/positions", params={"user_id": "mia"}).json()["data"]
        positions = [one["position"] for one in listed]
        rest = mia.get(f"{path}/erasures/positions", params={"user_id": "mia", "after": positions[-1]}).json()["data"]
        where = ("--org", fresh_org, "--data", str(installation.data))

        asked = CliRunner().invoke(erase, ["user", "mia", *where])
        done = CliRunner().invoke(erase, ["user", "mia", *where, "--yes", "--json"])
        (reply,) = [json.loads(line) for line in done.output.splitlines()]
        after = {"X-Wait-For-Position": reply["meta"]["position"]}
        left = mia.get(f"{path}/sessions/{shared.id}", headers=after).json()["data"]
        events = mia.get(f"{path}/sessions/{shared.id}/events").text
        receipt = mia.get(f"{path}/ops/receipts/{positions[0]}").json()["data"]
        none = mia.get(f"{path}/erasures/positions", params={"user_id": "mia"}).json()["data"]

    assert (preview["sessions"], preview["shared_sessions"], preview["events"]) == (0, 1, 1)
    assert (positions, rest) == ([sent.headers["X-Log-Position"]], [])
    assert "what mia sent for 1 session of others, for good?" in asked.output
    assert reply["data"]["subject"] == {"kind": "records", "positions": positions}
    assert (before["counts"]["prompts"], left["counts"]["prompts"]) == (2, 1)
    assert ("of the owner" in events, WORD in events) == (True, False)
    assert receipt["outcome"] == "erased"
    assert none == []


def test_an_erased_org_is_empty_and_stays_so(installation: Installation, fresh_org: str) -> None:
    """Nothing of it is found or counted, and nothing is accepted later. The command asks, and other orgs stay."""
    path = f"/api/v1/{fresh_org}"
    with SessionClient(installation, fresh_org) as session, SessionClient(installation, f"{fresh_org}-2") as other:
        session.use("Bash", {"command": WORD}, "t1")
        other.record(("Stop", {}))
        totals = [_totals(session.client, fresh_org, session.position)]

        asked = installation.command("erase", "org", "--org", fresh_org)
        done = installation.command("erase", "org", "--org", fresh_org, "--reason", "A-2", "--yes", "--json")

        later = session.client.post(f"{path}/sessions", json={})
        totals.append(_totals(session.client, fresh_org, json.loads(done.stdout)["meta"]["position"]))
        replies = [session.read("").status_code, later.status_code, other.read("").status_code]
        listed = session.client.get(f"{path}/sessions").json()["data"]
        states = [one["state"] for one in session.client.get(f"{path}/erasures").json()["data"]]

    assert asked.returncode == 1
    assert f"Erase every session of {fresh_org}, and refuse new ones, for good?" in asked.stdout
    assert (done.returncode, json.loads(done.stdout)["data"]["subject"]) == (0, {"kind": "org", "confirm": fresh_org})
    assert totals == [(1, 1), (0, 0)]
    assert (replies, listed, states) == ([404, 410, 200], [], ["hidden"])


def _totals(client: httpx.Client, org: str, position: str) -> tuple[int, int]:
    """Return the sessions and tool calls of the org, as the analytics count them once ``position`` is visible."""
    wait, days = {"X-Wait-For-Position": position}, {"start_date": "2026-01-01"}
    found = client.get(f"/api/v1/{org}/sessions/analytics/summary", headers=wait, params=days).json()["data"]
    return found["total_sessions"], found["tool_calls"]


@pytest.fixture
async def of_four() -> AsyncIterator[WriteApi]:
    """Return the service over a log of four partitions."""
    async with write_api(partitions=4) as service:
        yield service


async def test_an_org_is_erased_in_every_partition_by_an_owner_who_names_it(of_four: WriteApi) -> None:
    """An admin may not, and another name than its own is a mistake."""
    body = {"subject": {"kind": "org", "confirm": "acme"}}

    refused = await of_four.send("POST", "/erasures", body, role="admin")
    mistaken = await of_four.send("POST", "/erasures", {"subject": {"kind": "org", "confirm": "globex"}}, role="owner")
    nothing = await of_four.records()
    done = await of_four.send("POST", "/erasures", body, role="owner")

    records = await erasures_in(of_four)
    assert (refused.status_code, mistaken.status_code, nothing) == (403, 422, [])
    assert list(mistaken.json()["details"]) == ["subject.confirm"]
    assert [record.session_id for record in records] == [erasures_id(number, 4) for number in range(4)]
    assert {(record.org_id, record.sessions, str(record.erasure)) for record in records} == {
        ("acme", (), done.json()["data"]["id"])
    }
    assert done.headers["X-Log-Position"] == done.json()["meta"]["position"] == "0:0,1:0,2:0,3:0"


async def test_several_sessions_are_one_erasure_with_a_record_for_each_partition(of_four: WriteApi) -> None:
    """Each record names those of its partition; one id of another org refuses all."""
    sessions = [a_session() for _ in range(12)]
    ids = [*map(str, sessions)]

    refused = await of_four.send("POST", "/erasures", of_sessions(*ids, str(uuid4())), role="admin")
    nothing = await of_four.records()
    done = await of_four.send("POST", "/erasures", of_sessions(*ids, ids[0]), role="admin")

    records = await erasures_in(of_four)
    assert (refused.status_code, nothing, done.status_code) == (404, [], 202)
    assert len({record.erasure for record in records}) == 1
    assert sorted(one for record in records for one in record.sessions) == sorted(sessions)
    for record in records:
        found = {partition_of(record_key(one), 4) for one in record.sessions}
        assert {erasures_id(number, 4) for number in found} == {record.session_id}


async def test_records_are_erased_by_their_positions(of_four: WriteApi) -> None:
    """One record for each partition, whose offsets rise; a copy of the request has the same id."""
    places = [(await of_four.send("POST", "/sessions", {})).headers["X-Log-Position"] for _ in range(8)]
    body = {"subject": {"kind": "records", "positions": [*reversed(places), places[0]]}, "reason": "DSR-3"}

    replies = [
        await of_four.send("POST", "/erasures", body, role="admin", headers={"Idempotency-Key": "again"})
        for _ in range(2)
    ]

    found = [record for record in await of_four.records() if isinstance(record, PositionsErased)]
    named = {(partition, offset) for partition, offset in (map(int, place.split(":")) for place in places)}
    assert [reply.status_code for reply in replies] == [202, 202]
    assert {str(record.erasure) for record in found} == {reply.json()["data"]["id"] for reply in replies}
    assert len({record.erasure for record in found}) == 1
    assert {
        (number, offset)
        for record in found
        for number in range(4)
        if erasures_id(number, 4) == record.session_id
        for offset in record.offsets
    } == named
    assert all([*record.offsets] == sorted({*record.offsets}) for record in found)
    assert {(record.reason, record.partitions, record.org_id) for record in found} == {("DSR-3", 4, "acme")}


@pytest.mark.parametrize("positions", [["0:1"], ["4:0"], ["0:0", "1"], ["0:-1"], []])
async def test_positions_that_are_none_are_refused(of_four: WriteApi, positions: list[str]) -> None:
    """Malformed, of no partition, or beyond the end: nothing is written."""
    body = {"subject": {"kind": "records", "positions": positions}}

    refused = await of_four.send("POST", "/erasures", body, role="admin")

    assert (refused.status_code, await of_four.records()) == (422, [])


async def test_an_erasure_is_one_record_in_the_partition_of_its_session(api: WriteApi) -> None:
    """It names the session, the ticket and nothing else; with an `Idempotency-Key` every copy has the same id."""
    session, headers = a_session(), {"Idempotency-Key": "again"}

    replies = [
        await api.send("POST", "/erasures", of_session(session, reason="DSR-118"), role="owner", headers=headers)
        for _ in range(2)
    ]

    first, second = await api.records()
    assert isinstance(first, RecordsErased)
    assert isinstance(second, RecordsErased)
    partitions = api.log.partitions
    of_partition = erasures_id(partition_of(record_key(session), partitions), partitions)
    assert (first.org_id, first.sessions, first.session_id) == ("acme", (session,), of_partition)
    assert (first.reason, first.erasure == second.erasure, first.record_id != second.record_id) == (
        "DSR-118",
        True,
        True,
    )
    assert {reply.json()["data"]["id"] for reply in replies} == {str(first.erasure)}


async def test_only_an_owner_has_it_swept_at_once(api: WriteApi) -> None:
    """The record says so."""
    body = of_session(a_session(), now=True)

    refused = await api.send("POST", "/erasures", body, role="admin")
    done = await api.send("POST", "/erasures", body, role="owner")

    (record,) = await erasures_in(api)
    assert (refused.status_code, done.status_code, record.now) == (403, 202, True)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (of_session(a_session("globex")), 404, None),
        (of_session(uuid4()), 404, None),
        (of_session("1"), 422, "subject.session_id"),
        (of_sessions(), 422, "subject.session_ids"),
        ({"subject": {"kind": "user", "session_id": str(a_session())}}, 422, "subject.kind"),
        (of_session(a_session(), reason="Bob Smith"), 422, "reason"),
        (of_session(a_session(), reason="AKIAIOSFODNN7EXAMPLE"), 422, "reason"),
        ({}, 422, "subject"),
    ],
)
async def test_what_can_not_be_erased_is_refused(api: WriteApi, body: Any, status: int, field: str | None) -> None:
    """Ids of no session of the org, other subjects, and reasons that would name somebody for good."""
    reply = await api.send("POST", "/erasures", body, role="admin")

    assert reply.status_code == status, reply.text
    assert field is None or list(reply.json()["details"]) == [field]
    assert await api.records() == []
