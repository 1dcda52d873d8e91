"""Whole runs of coding agents through the hooks endpoint: as single payloads, as batches, and both."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.log.records import EventsRecorded, SessionCreated, SessionDescribed, SessionEnded
from tests.support.clients.recorded import RECORDINGS, Recording, batches_of, singles_of
from tests.support.rigs.write_api import NOW_MS, WriteApi, write_api

BEGIN_MS = NOW_MS - 7_200_000
recordings = pytest.mark.parametrize("recording", RECORDINGS.values(), ids=list(RECORDINGS))


class Clock:
    """Each request is a minute later, so that no payload is a copy of an earlier one."""

    def __init__(self) -> None:
        self.now = BEGIN_MS

    def __call__(self) -> int:
        self.now += 60_000
        return self.now


async def send_singles(api: WriteApi, recording: Recording) -> None:
    for payload in singles_of(recording):
        reply = await api.send("POST", f"/hooks/{recording.client}", payload)
        assert (reply.status_code, reply.content) == (204, b""), reply.text


async def send_batches(api: WriteApi, recording: Recording, size: int) -> None:
    for body in batches_of(recording, BEGIN_MS, size):
        reply = await api.send("POST", f"/hooks/{recording.client}", body)
        assert reply.status_code == 202, reply.text
        assert reply.json()["data"] == {"accepted": len(body["hooks"]), "rejected": []}


async def stored(api: WriteApi) -> Mapping[str, Any]:
    """Return what the log contains: the types of each session's events in order, and how often each session ended."""
    records = await api.records()
    name = {it.session_id: (it.external_id or "").partition(":")[2] for it in records if isinstance(it, SessionCreated)}
    types: dict[str, list[str]] = {session: [] for session in name.values()}
    seen: set[UUID] = set()
    for record in records:
        for event in record.events if isinstance(record, EventsRecorded) else ():
            if event.event_id not in seen:
                types[name[record.session_id]].append(event.event_type)
            seen.add(event.event_id)
    ended = {it.fact_id: name[it.session_id] for it in records if isinstance(it, SessionEnded)}
    return {"types": types, "ends": dict(Counter(ended.values()))}


@recordings
@pytest.mark.parametrize("size", [1, 7, 1_000])
async def test_batches_of_any_size_are_the_same_as_single_payloads(recording: Recording, size: int) -> None:
    """Both give the same events of the same sessions in the same order, with as many ends; copies add nothing."""
    async with write_api(clock=Clock()) as singly, write_api() as batched:
        await send_singles(singly, recording)
        await send_batches(batched, recording, size)
        await send_batches(batched, recording, 5)

        assert await stored(batched) == await stored(singly)


@recordings
async def test_every_event_gets_a_known_type(recording: Recording) -> None:
    """Each session has as many spans as ends, and its event types are known ones."""
    async with write_api() as api:
        await send_batches(api, recording, 1_000)

        found = await stored(api)
    assert {kind for types in found["types"].values() for kind in types} <= KNOWN_EVENT_TYPES
    assert found["ends"] == recording.spans
    assert found["types"].keys() == recording.counts.keys()


@recordings
async def test_the_plain_counts_follow_from_the_types(recording: Recording) -> None:
    """Failures and compactions appear under their known names."""
    async with write_api() as api:
        await send_batches(api, recording, 1_000)

        found = (await stored(api))["types"]
    for session, types in found.items():
        counts = recording.counts[session]
        assert types.count("PreCompact") == counts.get("compactions", 0)
        refused = recording.name == "claude long" and 2  # named only by PostToolBatch
        assert types.count("PostToolUseFailure") + refused == counts.get("tool_errors", 0)


async def test_a_family_is_described_by_the_hook_client() -> None:
    """The fork and the cleared session name the first as their parent; whether each was attended is known."""
    async with write_api() as api:
        await send_batches(api, RECORDINGS["claude family"], 1_000)

        records = await api.records()
    first, *_ = [record.session_id for record in records]
    said = [record for record in records if isinstance(record, SessionDescribed)]
    assert [(it.relation, it.parent_id, it.trigger) for it in said] == [
        (None, None, "interactive"),
        ("fork", first, "headless"),
        ("clear", first, "interactive"),
    ]
    assert {(it.repo, it.branch, it.client_version) for it in said} == {("acme/mill", "flour", "2.1.332")}
