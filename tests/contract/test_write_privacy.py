"""A request never writes a secret to the log, and only metadata for sensitive sessions and orgs in metadata mode."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ingest.privacy.metadata_only import CHECKS, NAMES
from ingest.privacy.policy import Privacy
from tests.support.corpora.canaries import CANARIES, fill
from tests.support.rigs.write_api import EVENT, WriteApi, data_of, events_path, write_api

TOKEN = f"ghp_{fill(36)}"
CUT = "[redacted:github_token]"
PAYLOAD = {
    "hook_event_name": "PostToolUse",
    "tool_name": "Bash",
    "tool_use_id": "toolu_1",
    "duration_ms": 12,
    "cwd": "/home/alice/acme",
    "tool_input": {"command": "echo content"},
    "tool_response": {"stdout": "content"},
}


@pytest.fixture
async def metadata_api() -> AsyncIterator[WriteApi]:
    """Run the write side with the org in metadata mode."""
    async with write_api(Privacy(frozenset({"acme"}))) as made:
        yield made


def event(**data: Any) -> dict[str, Any]:
    return {**EVENT, "data": data}


async def log_of(api: WriteApi) -> bytes:
    """Return every byte of the log."""
    ends = await api.log.ends()
    records = [await api.log.read(partition, 0, end, 1 << 30) for partition, end in enumerate(ends)]
    return b"\n".join(record.value or b"" for some in records for record in some)


async def test_secrets_are_cut_out_of_events_and_counted_on_them(api: WriteApi) -> None:
    """An event without secrets stays unchanged next to one with two."""
    session = (await api.create())["id"]
    raw = b'{"events": [{"event_type": "Stop", "timestamp": "2026-01-20T10:30:00Z", "data": {"a" :1.0}}, %s]}'
    body = raw % json.dumps(event(command=f"a {TOKEN} b {TOKEN}")).encode()

    reply = await api.send("POST", events_path(session), raw=body)

    record = (await api.records())[-1]
    assert reply.json()["data"]["accepted"] == 2
    assert data_of(record)[0] == b'{"a" :1.0}'
    assert json.loads(data_of(record)[1]) == {"command": f"a {CUT} b {CUT}"}
    assert [event.redactions for event in record.events] == [{}, {"github_token": 2}]


async def test_the_id_of_an_event_follows_from_what_was_sent(api: WriteApi) -> None:
    """Equal bytes are one event, other secrets are other events; a changed rule changes no id."""
    session = (await api.create())["id"]
    bodies = [event(a=f"ghp_{fill(36, salt)}") for salt in ("x", "y", "x")]
    for body in bodies:
        await api.send("POST", events_path(session), {"events": [body]})

    records = (await api.records())[1:]
    first, other, again = (record.events[0] for record in records)
    assert bytes(first.data) == bytes(other.data)
    assert first.event_id == again.event_id != other.event_id


async def test_a_type_that_is_a_secret_is_cut(api: WriteApi) -> None:
    """The type of an event is client text too."""
    session = (await api.create())["id"]
    await api.send("POST", events_path(session), {"events": [{**EVENT, "event_type": TOKEN}]})

    stored = (await api.records())[-1].events[0]
    assert (stored.event_type, stored.redactions) == (CUT, {"github_token": 1})


async def test_secrets_are_cut_out_of_every_text_of_a_create(api: WriteApi) -> None:
    """The reply shows the redacted texts, and the fact has the counts."""
    texts = ("component", "repository_id", "project_id", "agent_name", "model", "branch", "external_id", "title")
    asked = {name: f"{name} {TOKEN}" for name in texts}
    created = await api.create(**asked, remote_url=f"https://example.com/acme/{TOKEN}")

    record = (await api.records())[-1]
    assert {name: created[name] for name in texts} == {name: f"{name} {CUT}" for name in texts}
    assert (created["remote_url"], created["repo"]) == (f"https://example.com/acme/{CUT}", f"acme/{CUT}")
    assert record.redactions == {"github_token": len(texts) + 2}


async def test_an_external_id_that_is_a_secret_still_names_its_session(api: WriteApi) -> None:
    """Ids are derived from the text as sent: two secrets are two sessions, the same secret is one."""
    ids = [(await api.create(external_id=f"ghp_{fill(36, salt)}"))["id"] for salt in ("x", "y", "x")]

    assert ids[0] == ids[2] != ids[1]


async def test_secrets_are_cut_out_of_changes_and_ends(api: WriteApi) -> None:
    """This covers fields, summaries and names of models."""
    session = (await api.create())["id"]
    models = [{"model": f"m {TOKEN}", "input_tokens": 1}]
    change = {"title": f"t {TOKEN}", "summary": f"s\n{TOKEN}", "model_metrics": {"models": models}}
    changed = await api.send("PATCH", f"/sessions/{session}", change)
    alone = await api.send("PATCH", f"/sessions/{session}", {"model_metrics": {"model": TOKEN, "input_tokens": 2}})
    await api.send("POST", f"/sessions/{session}/end", {"summary": f"s {TOKEN}", "model_metrics": {"models": models}})

    data = changed.json()["data"]
    assert (data["title"], data["summary"]) == (f"t {CUT}", f"s\n{CUT}")
    assert data["model_metrics"]["models"] == [{"model": f"m {CUT}", "input_tokens": 1}]
    assert alone.json()["data"]["model_metrics"] == {"model": CUT, "input_tokens": 2}
    assert [record.redactions["github_token"] for record in (await api.records())[1:]] == [3, 1, 2]
    assert TOKEN.encode() not in await log_of(api)


async def test_an_error_does_not_repeat_a_secret(api: WriteApi) -> None:
    """An error quotes neither an unknown field nor a refused event that contains a secret."""
    session = (await api.create())["id"]
    refused = await api.send("POST", "/sessions", {TOKEN: 1})
    events = await api.send("POST", events_path(session), {"events": [EVENT, {**EVENT, TOKEN: 1}]})
    none = await api.send("POST", events_path(session), {"events": [{**EVENT, TOKEN: 1}]})

    assert (refused.status_code, events.status_code, none.status_code) == (422, 202, 422)
    assert refused.json()["details"] == {CUT: ["is not a known field"]}
    assert [TOKEN in reply.text for reply in (refused, events, none)] == [False] * 3
    assert events.json()["data"]["rejected"][0]["index"] == 1


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: f"{canary.rule}-{canary.text[:20]!r}")
async def test_no_secret_of_any_rule_reaches_the_log(api: WriteApi, canary: Any) -> None:
    """Each canary goes through every write endpoint and every free text."""
    text = canary.written
    plain = text.replace("\n", " ")
    session = (await api.create(title=plain, agent_name=plain, external_id=plain))["id"]
    data = {"tool_name": text, "prompt": text, "tool_input": {"deep": [{"er": text}]}, text: text}
    await api.send("POST", events_path(session), {"events": [event(**data), event(text=json.dumps(data))]})
    await api.send("PATCH", f"/sessions/{session}", {"title": plain, "summary": text, "branch": plain})
    await api.send("POST", f"/sessions/{session}/compact", {"instructions": text})
    await api.send("POST", f"/sessions/{session}/end", {"summary": text})

    spellings = {canary.secret.encode(), json.dumps(canary.secret)[1:-1].encode()}
    log = await log_of(api)
    assert not [spelling for spelling in spellings if spelling in log]
    assert log.count(b"[redacted:") >= 8


async def test_a_sensitive_session_keeps_metadata_alone(api: WriteApi) -> None:
    """Log and replies have no title, summary, branch or payload; counted values stay."""
    created = await api.create(sensitive=True, title="content", branch="content", project_id="prj", agent_name="a")
    session = created["id"]
    await api.send("POST", events_path(session), {"events": [event(**PAYLOAD), event(prompt="content")]})
    changed = await api.send(
        "PATCH", f"/sessions/{session}", {"title": "content", "summary": "content", "project_id": "prj_2"}
    )
    await api.send("POST", f"/sessions/{session}/compact", {"instructions": "content", "max_characters": 300})
    await api.send("POST", f"/sessions/{session}/end", {"summary": "content", "outcome": "success"})

    records = await api.records()
    assert (created["title"], created["branch"], created["project_id"]) == (None, None, "prj")
    assert [json.loads(data) for data in data_of(records[1])] == [
        {"duration_ms": 12, "hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_use_id": "toolu_1"},
        {},
    ]
    assert changed.json()["data"] == {"id": session, "title": None, "summary": None, "project_id": "prj_2"}
    assert b"content" not in await log_of(api)


async def test_an_org_whose_capture_mode_is_metadata_keeps_no_content(metadata_api: WriteApi) -> None:
    """Sessions that are not marked as sensitive are reduced in the same way."""
    created = await metadata_api.create(title="content")
    await metadata_api.send("POST", events_path(created["id"]), {"events": [event(**PAYLOAD)]})

    assert (created["sensitive"], created["title"]) == (False, None)
    assert b"content" not in await log_of(metadata_api)
    assert b'"tool_name":"Bash"' in await log_of(metadata_api)


@pytest.mark.parametrize("name", [*NAMES, *CHECKS])
async def test_text_in_the_place_of_metadata_is_content(metadata_api: WriteApi, name: str) -> None:
    """Text in any metadata field is removed, and a secret that looks like a name is redacted."""
    session = (await metadata_api.create())["id"]
    values = ["some content that a person wrote", {"content": 1}, ["content"], "content " * 100, TOKEN]
    await metadata_api.send("POST", events_path(session), {"events": [event(**{name: value}) for value in values]})

    log = await log_of(metadata_api)
    assert b"content" not in log
    assert TOKEN.encode() not in log


async def test_names_that_are_none_still_tell_what_is_the_same(metadata_api: WriteApi) -> None:
    """Equal names have equal digests and others differ, so pairs and counts stay correct."""
    session = (await metadata_api.create())["id"]
    names = ["two words", "two words", "other words"]
    await metadata_api.send("POST", events_path(session), {"events": [event(tool_use_id=name) for name in names]})

    first, again, other = (json.loads(data)["tool_use_id"] for data in data_of((await metadata_api.records())[-1]))
    assert first == again != other
    assert first.startswith("digest:")


async def test_a_payload_that_would_outgrow_the_log_keeps_its_metadata(api: WriteApi) -> None:
    """Almost one MiB with short secrets would grow beyond it when redacted."""
    session = (await api.create())["id"]
    data = {"tool_name": "Bash", "a": "?pwd=a, and so on. " * 6_000 + "words " * 150_000}
    reply = await api.send("POST", events_path(session), {"events": [event(**data)]})

    stored = (await api.records())[-1].events[0]
    assert reply.status_code == 202
    assert bytes(stored.data) == b'{"tool_name":"Bash"}'
    assert stored.redactions["password"] > 1_000
