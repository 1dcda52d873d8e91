"""API section "Agents' own formats": one payload of a hook, and batches of a hook client."""

import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.privacy.policy import Privacy
from schemas.log.records import (
    AnyRecord,
    EventsRecorded,
    MetricsReported,
    SessionCreated,
    SessionDescribed,
    SessionEnded,
)
from tests.support.rigs.write_api import NOW_MS, WriteApi, write_api

PATH = "/hooks/claude-code"
AT = "2026-01-20T10:29:00Z"
AT_MS = NOW_MS - 60_000


def a_payload(event: str = "Stop", session: str = "one", **fields: Any) -> dict[str, Any]:
    return {"session_id": session, "cwd": "/work/mill", "hook_event_name": event, **fields}


def a_hook(event: str = "Stop", session: str = "one", context: Any = None, **fields: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "at": AT, "payload": a_payload(event, session, **fields), "context": context}


def a_batch_of(sessions: int) -> dict[str, Any]:
    """Return hooks of all sessions but one, and a report for that one."""
    hooks = [a_hook(session=f"s{number}") for number in range(sessions - 1)]
    return {"hooks": hooks, "reports": [{"session_id": "another", "work": {"commits": 1}}]}


def events_of(records: Sequence[AnyRecord]) -> list[Any]:
    return [event for record in records if isinstance(record, EventsRecorded) for event in record.events]


async def ends_of(api: WriteApi) -> list[SessionEnded]:
    return [record for record in await api.records() if isinstance(record, SessionEnded)]


def check_refused(reply: httpx.Response, status: int, field: str | None = None) -> Mapping[str, Any]:
    body: Mapping[str, Any] = reply.json()
    assert reply.status_code == status, reply.text
    assert set(body) == {"error", "code", "details", "request_id"}
    assert field is None or field in body["details"], body
    return body


@pytest.mark.parametrize("client", ["claude-code", "codex", "gemini-cli"])
async def test_one_payload_is_204_without_a_body(client: str) -> None:
    """An agent reads a body as an instruction, so there is no body and no content type; the payload stays as sent."""
    sent = b'{ "session_id":"one",\n"hook_event_name": "Stop", "b":1, "a": "\\u00e9" }'
    async with write_api() as api:
        reply = await api.send("POST", f"/hooks/{client}", raw=sent)

        created, recorded = await api.records()
    assert (reply.status_code, reply.content, reply.headers.get("content-type")) == (204, b"", None)
    assert reply.headers["X-Log-Position"] == "0:1"
    assert isinstance(created, SessionCreated)
    assert (created.external_id, created.client) == (f"{client}:one", client)
    (event,) = events_of([recorded])
    assert (event.event_type, event.timestamp, bytes(event.data)) == ("Stop", NOW_MS, sent)


async def test_a_session_of_the_door_is_that_of_a_create() -> None:
    """`POST /sessions` with the same external id returns it."""
    async with write_api() as api:
        await api.send("POST", PATH, a_payload())
        made = await api.create(external_id="claude-code:one")

        assert {str(record.session_id) for record in await api.records()} == {made["id"]}


async def test_a_session_belongs_to_its_caller_and_client() -> None:
    """Equal ids of two users, or of two clients, are different sessions."""
    async with write_api() as api:
        for user, client in (("alice", "codex"), ("bob", "codex"), ("alice", "claude-code")):
            await api.send("POST", f"/hooks/{client}", a_payload(), user=user)

        sessions = {record.session_id: record.actor.user_id for record in await api.records()}
    assert sorted(sessions.values()) == ["alice", "alice", "bob"]


@pytest.mark.parametrize("client", ["", "cursor", "claude_code", "Claude-Code", "codex%2F", "..", "x" * 300])
async def test_another_client_is_not_there(client: str) -> None:
    """The response is 404 for any body."""
    async with write_api() as api:
        for raw in (json.dumps(a_payload()).encode(), b"{"):
            assert (await api.send("POST", f"/hooks/{client}", raw=raw)).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ("Stop", "body"),
        (5, "body"),
        (None, "body"),
        ({}, "session_id"),
        ({"hook_event_name": "Stop"}, "session_id"),
        ({"session_id": "one"}, "hook_event_name"),
        (a_payload("no type!"), "hook_event_name"),
        (a_payload(""), "hook_event_name"),
        (a_payload("x" * 65), "hook_event_name"),
        (a_payload(session=""), "session_id"),
        (a_payload(session="x" * 401), "session_id"),
        (a_payload(session="a\nb"), "session_id"),
        (a_payload(session="\u200bhidden"), "session_id"),
        ({**a_payload(), "session_id": 5}, "session_id"),
        ({**a_payload(), "hook_event_name": None}, "hook_event_name"),
        (a_payload(timestamp="1999-12-31T23:59:59Z"), "timestamp"),
        (a_payload(timestamp="2026-01-21T10:30:01Z"), "timestamp"),
    ],
    ids=str,
)
async def test_what_is_no_payload_is_422(body: Any, field: str) -> None:
    """The error names the field, and nothing is stored."""
    async with write_api() as api:
        check_refused(await api.send("POST", PATH, body), 422, field)

        assert await api.records() == []


LIMITS: dict[str, tuple[bytes, dict[str, str], int]] = {
    "no JSON": (b"{", {}, 400),
    "no UTF-8": (b'{"session_id": "\xff"}', {}, 400),
    "nothing": (b"", {}, 400),
    "deep": (b"[" * 100_000, {}, 400),
    "deep inside": (b'{"hook_event_name": "Stop", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", {}, 400),
    "text": (b"{}", {"content-type": "text/plain"}, 415),
    "brotli": (b"{}", {"content-encoding": "br"}, 415),
    "no gzip": (b"{}", {"content-encoding": "gzip"}, 400),
    "a payload above 1 MiB": (json.dumps(a_payload(x="x" * 1_048_576)).encode(), {}, 413),
    "a hook above 1 MiB": (json.dumps({"hooks": [a_hook(x="x" * 1_048_576)]}).encode(), {}, 413),
    "a body above 10 MiB": (b" " * 10_485_761, {}, 413),
    "5,001 hooks": (json.dumps({"hooks": [a_hook()] * 5_001}).encode(), {}, 422),
    "1,001 reports": (b'{"reports": [' + b"1," * 1_000 + b"1]}", {}, 422),
    "1,001 valid reports": (json.dumps({"reports": [{"session_id": "s", "work": {}}] * 1_001}).encode(), {}, 422),
    "hooks and reports of 1,001 sessions": (json.dumps(a_batch_of(1_001)).encode(), {}, 422),
    "millions of hooks": (b'{"hooks": [' + b"1," * 4_000_000 + b"1]}", {}, 422),
}


@pytest.mark.parametrize("case", LIMITS)
async def test_limits_and_encodings_are_those_of_events(case: str) -> None:
    """Sizes, depth, types and encodings: each violation is a 4xx of the same shape."""
    raw, headers, status = LIMITS[case]
    async with write_api() as api:
        check_refused(await api.send("POST", PATH, raw=raw, headers=headers), status)


async def test_a_batch_may_be_of_a_thousand_sessions() -> None:
    """Each of them is stored."""
    async with write_api() as api:
        reply = await api.send("POST", PATH, a_batch_of(1_000))

        assert (reply.status_code, reply.json()["data"]) == (202, {"accepted": 999, "rejected": []})
        assert sum(isinstance(record, SessionCreated) for record in await api.records()) == 1_000


async def test_a_batch_of_5000_hooks_in_gzip_is_stored() -> None:
    """This is the largest batch."""
    raw = gzip.compress(json.dumps({"hooks": [a_hook(session=str(n % 7)) for n in range(5_000)]}).encode())
    async with write_api(partitions=3) as api:
        reply = await api.send("POST", PATH, raw=raw, headers={"content-encoding": "gzip"})

        assert reply.json()["data"] == {"accepted": 5_000, "rejected": []}
        assert len(events_of(await api.records())) == 5_000


async def test_a_viewer_may_not_and_an_agent_may() -> None:
    """The role for hook clients may write, for its own user."""
    async with write_api() as api:
        check_refused(await api.send("POST", PATH, a_payload(), role="viewer"), 403)
        assert (await api.send("POST", PATH, a_payload(), role="agent")).status_code == 204

        assert {(record.actor.user_id, record.actor.role) for record in await api.records()} == {("alice", "agent")}


async def test_a_copy_is_the_same_event() -> None:
    """A copy within the minute is one event; if the same bytes may happen again, a later copy is another event."""
    now = [NOW_MS]
    repeats = [a_payload("SessionStart", source="startup"), a_payload("SessionEnd"), a_payload("PreCompact")]
    once = [
        a_payload("PreToolUse", tool_use_id="t1"),
        a_payload("PostToolBatch", tool_calls=[{"tool_use_id": "t1"}]),
        a_payload("UserPromptSubmit", prompt_id="p", prompt="go"),
        a_payload("Notification", timestamp=AT),
    ]
    async with write_api(clock=lambda: now[0]) as api:
        for at in (NOW_MS, NOW_MS + 59_999, NOW_MS + 60_000):
            now[0] = at
            for payload in (*repeats, *once):
                await api.send("POST", PATH, payload)

        events = events_of(await api.records())
        ends = await ends_of(api)
    ids = {event.event_id: event.event_type for event in events}
    assert len(events) == 21
    assert sorted(ids.values()) == sorted(
        ["SessionStart", "SessionEnd", "PreCompact"] * 2
        + ["PreToolUse", "PostToolBatch", "UserPromptSubmit", "Notification"]
    )
    assert len({end.fact_id for end in ends}) == 2


@pytest.mark.parametrize(
    ("client", "payload", "event_type"),
    [
        ("gemini-cli", a_payload("BeforeAgent", prompt="go"), "UserPromptSubmit"),
        ("gemini-cli", a_payload("AfterAgent"), "Stop"),
        ("gemini-cli", a_payload("BeforeTool", tool_name="glob"), "PreToolUse"),
        ("gemini-cli", a_payload("AfterTool", tool_response={"llmContent": "fine"}), "PostToolUse"),
        ("gemini-cli", a_payload("AfterTool", tool_response={"error": {"message": "no"}}), "PostToolUseFailure"),
        ("gemini-cli", a_payload("AfterTool", tool_response={"error": None}), "PostToolUse"),
        ("gemini-cli", a_payload("AfterTool", tool_response="text"), "PostToolUse"),
        ("gemini-cli", a_payload("AfterTool"), "PostToolUse"),
        ("gemini-cli", a_payload("BeforeModel"), "BeforeModel"),
        ("gemini-cli", a_payload("WorktreeCreate"), "WorktreeCreate"),
        ("codex", a_payload("AfterTool", tool_response={"error": "no"}), "AfterTool"),
        ("claude-code", a_payload("BeforeAgent"), "BeforeAgent"),
        ("claude-code", a_payload("Brand.New"), "Brand.New"),
    ],
    ids=str,
)
async def test_events_get_known_names(client: str, payload: dict[str, Any], event_type: str) -> None:
    """Names that aren't in a client's table stay; a payload of another shape is stored all the same."""
    async with write_api() as api:
        await api.send("POST", f"/hooks/{client}", payload)

        assert [event.event_type for event in events_of(await api.records())] == [event_type]


@pytest.mark.parametrize(
    ("content", "failed"),
    [
        ("Output: fine\nExit Code: 3\nProcess Group PGID: 7", True),
        ("Output: Exit Code: 3\nProcess Group PGID: 7", False),
        ("Output: fine\nExit Code: 0", False),
        ("Output:\nExit Code: 3\nExit Code: 0", False),
        ([{"text": "Exit Code: 127"}], True),
        ({"text": "Exit Code: -1"}, True),
        ("Exit Code: (none)", False),
        (5, False),
    ],
)
async def test_a_command_of_gemini_fails_by_its_exit_code(content: Any, failed: bool) -> None:
    """The last line that names an exit code counts, for commands only."""
    async with write_api() as api:
        for tool in ("run_shell_command", "read_file"):
            payload = a_payload("AfterTool", tool_name=tool, tool_response={"llmContent": content})
            await api.send("POST", "/hooks/gemini-cli", payload)

        of_command, of_file = (event.event_type for event in events_of(await api.records()))
    assert of_command == ("PostToolUseFailure" if failed else "PostToolUse")
    assert of_file == "PostToolUse"


async def test_a_batch_is_for_several_sessions() -> None:
    """The position names the last record in each partition; times are the client's, else the payload's."""
    hooks = [
        a_hook("SessionStart", "one"),
        a_hook("Stop", "two"),
        a_hook("Stop", "one", timestamp="2026-01-20T01:00:00Z"),
    ]
    del hooks[2]["at"]
    async with write_api(partitions=8) as api:
        reply = await api.send("POST", PATH, {"hooks": hooks})

        ends = await api.log.ends()
        records = await api.records()
    position = ",".join(f"{partition}:{end - 1}" for partition, end in enumerate(ends) if end)
    assert (reply.status_code, reply.json()) == (
        202,
        {"data": {"accepted": 3, "rejected": []}, "meta": {"position": position}},
    )
    assert reply.headers["X-Log-Position"] == position
    assert len({record.session_id for record in records}) == 2
    assert {str(event.event_id): event.timestamp for event in events_of(records)} == {
        hooks[0]["id"]: AT_MS,
        hooks[1]["id"]: AT_MS,
        hooks[2]["id"]: NOW_MS - 34_200_000,
    }
    assert {record.client for record in records if isinstance(record, EventsRecorded)} == {"claude-code"}


async def test_one_wrong_item_does_not_refuse_its_neighbours() -> None:
    """Each invalid item is named by its index; a report by its index among the reports."""
    wrong = [
        5,
        {},
        {**a_hook(), "id": "none"},
        {**a_hook(), "at": "yesterday"},
        {**a_hook(), "at": "1999-01-01T00:00:00Z"},
        {**a_hook(), "payload": []},
        {**a_hook(), "payload": {"session_id": "one"}},
        a_hook(session="a\nb"),
        {**a_hook(), "surprise": 1},
        a_hook(context={"branch": "a\nb"}),
        a_hook(context={"parent": {"session_id": "x", "relation": "marriage"}}),
    ]
    reports = [{"session_id": "one"}, {"session_id": "one", "model_metrics": {"input_tokens": -1}}, 7]
    async with write_api() as api:
        reply = await api.send("POST", PATH, {"hooks": [a_hook(), *wrong, a_hook()], "reports": reports})
        alone = await api.send("POST", PATH, {"hooks": wrong, "reports": reports})

        assert len(events_of(await api.records())) == 2
    found = reply.json()["data"]
    assert (reply.status_code, found["accepted"]) == (202, 2)
    assert [(it["index"], it["code"]) for it in found["rejected"]] == [
        *((n, "timestamp_out_of_range" if n == 5 else "invalid_hook") for n in range(1, 12)),
        *((n, "invalid_report") for n in range(3)),
    ]
    assert len(check_refused(alone, 422, "hooks")["details"]["hooks"]) == 14


@pytest.mark.parametrize("body", [{"hooks": []}, {"reports": []}, {"hooks": [], "reports": []}, {"hooks": None}])
async def test_a_batch_of_nothing_is_422(body: Any) -> None:
    """It names what is missing."""
    async with write_api() as api:
        check_refused(await api.send("POST", PATH, body), 422, "hooks")


async def test_a_payload_may_have_fields_of_a_batch() -> None:
    """An event's name makes it a payload."""
    async with write_api() as api:
        assert (await api.send("POST", PATH, a_payload(hooks=[], reports=5))).status_code == 204


async def test_an_end_ends_and_keeps_its_place() -> None:
    """The record follows its event, so that a later start comes after it; copies of the end are one fact."""
    hooks = [a_hook(event) for event in ("SessionStart", "SessionEnd", "SessionStart", "Stop", "SessionEnd")]
    async with write_api() as api:
        await api.send("POST", PATH, {"hooks": hooks, "reports": [{"session_id": "one", "work": {"commits": 1}}]})
        await api.send("POST", PATH, {"hooks": hooks[1:2]})

        records = await api.records()
    kinds = [type(record) for record in records]
    spans = [EventsRecorded, MetricsReported, SessionEnded, EventsRecorded, SessionEnded]
    assert kinds == [SessionCreated, *spans, EventsRecorded, SessionEnded]
    ends = [record for record in records if isinstance(record, SessionEnded)]
    assert [end.ended_at for end in ends] == [AT_MS] * 3
    assert ends[0].fact_id == ends[2].fact_id != ends[1].fact_id


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"reason": "other"}, None),
        ({"reason": "clear"}, None),
        ({"reason": "logout"}, None),
        ({"reason": "prompt_input_exit"}, None),
        ({"reason": "exit"}, None),
        ({}, None),
        ({"reason": 5, "is_error": "true"}, None),
        ({"reason": "other", "is_error": True}, "failure"),
        ({"reason": "error"}, "failure"),
        ({"reason": "other", "terminal_reason": "api_error"}, "failure"),
        ({"reason": "cancelled"}, "cancelled"),
        ({"reason": "Interrupted"}, "cancelled"),
        ({"terminal_reason": "aborted_tools", "is_error": True}, "cancelled"),
        ({"terminal_reason": "completed", "is_error": False}, "success"),
    ],
)
async def test_the_outcome_is_what_the_client_says(fields: dict[str, Any], outcome: str | None) -> None:
    """The reason for a process's end is not an outcome."""
    async with write_api() as api:
        await api.send("POST", PATH, a_payload("SessionEnd", **fields))

        assert [end.outcome for end in await ends_of(api)] == [outcome]


async def test_what_the_hook_client_knows_is_described() -> None:
    """The last value of each field counts; credentials are removed; a parent is named by its own session."""
    first = {"attended": False, "remote_url": "https://bob:pw@github.com/acme/mill.git", "branch": "old", "process": 7}
    then = {"branch": "main", "client_version": "9.1", "parent": {"session_id": "before", "relation": "clear"}}
    async with write_api() as api:
        await api.send("POST", PATH, a_payload(session="before"))
        await api.send("POST", PATH, {"hooks": [a_hook(context=first), a_hook(context=then)]})

        records = await api.records()
    (said,) = [record for record in records if isinstance(record, SessionDescribed)]
    assert (said.trigger, said.client_version, said.branch) == ("headless", "9.1", "main")
    assert (said.remote_url, said.repo) == ("https://github.com/acme/mill.git", "acme/mill")
    assert (said.parent_id, said.relation) == (records[0].session_id, "clear")


async def test_a_report_is_that_of_a_patch_with_work() -> None:
    """Money is in nano-dollars, active time in milliseconds; a copy is the same fact, another time is a new one."""
    report = {
        "session_id": "one",
        "at": AT,
        "model_metrics": {"models": [{"model": "m", "input_tokens": 5, "cost_usd": 0.000000001}]},
        "work": {"lines_added": 7, "active_seconds": 1.25},
    }
    later = {**report, "at": "2026-01-20T10:29:01Z"}
    async with write_api() as api:
        for reports in ([report], [report, later]):
            assert (await api.send("POST", PATH, {"reports": reports})).json()["data"]["accepted"] == 0

        found = [record for record in await api.records() if isinstance(record, MetricsReported)]
    assert found[0].fact_id == found[1].fact_id != found[2].fact_id
    totals = found[0].report
    assert [(usage.model, usage.input_tokens, usage.cost_nano) for usage in totals.models] == [("m", 5, 1)]
    assert totals.work is not None
    assert (totals.reported_at, totals.work.lines_added, totals.work.active_ms) == (AT_MS, 7, 1_250)


async def test_texts_that_are_no_text_are_kept() -> None:
    """A payload with half an emoji is stored byte for byte, as a single payload and in a batch."""
    half = b'{"session_id": "one", "hook_event_name": "Stop", "last": "\\ud83d", "b": "\\uD83D"}'
    batch = b'{"hooks": [{"id": "%s", "payload": %s}]}' % (str(uuid4()).encode(), half)
    async with write_api() as api:
        replies = [await api.send("POST", PATH, raw=raw) for raw in (half, batch)]

        assert [bytes(event.data) for event in events_of(await api.records())] == [half, half]
    assert [reply.status_code for reply in replies] == [204, 202]


async def test_secrets_and_content_stay_out() -> None:
    """Redaction, and orgs without content, work as for events."""
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    hook = a_hook("PreToolUse", tool_name="Bash", tool_use_id="t1", tool_input={"command": f"deploy {key}"})
    for orgs in (frozenset[str](), frozenset({"acme"})):
        async with write_api(Privacy(metadata_orgs=orgs)) as api:
            replies = [await api.send("POST", PATH, hook["payload"]), await api.send("POST", PATH, {"hooks": [hook]})]
            wrong = await api.send("POST", PATH, {"hooks": [{**hook, key: 1}]})
            stored = b"".join(record.value or b"" for record in await api.log.read(0, 0, 99, 1 << 30))
        assert [reply.status_code for reply in replies] == [204, 202]
        assert key.encode() not in stored
        assert (b"deploy" in stored) == (not orgs)
        assert b'"tool_name":' in stored.replace(b" ", b"")
        assert key not in wrong.text


@pytest.mark.parametrize(
    "body", [a_payload(), {"hooks": [a_hook(session=str(n)) for n in range(20)]}], ids=["one", "batch"]
)
async def test_a_log_that_is_away_is_503(body: Any) -> None:
    """The same request can be sent again, and then the session's beginning is still appended."""
    async with write_api() as api:
        api.log.unavailable = True
        check_refused(await api.send("POST", PATH, body), 503)
        api.log.unavailable = False
        assert (await api.send("POST", PATH, body)).is_success

        assert isinstance((await api.records())[0], SessionCreated)


FIELDS = ("session_id", "hook_event_name", "timestamp", "hooks", "reports", "id", "at", "payload", "context", "reason")
scalars = st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
json_values = st.recursive(
    scalars | st.just(AT) | st.just("one"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=20,
)
odd_payloads = st.fixed_dictionaries(
    {
        "session_id": st.just("one") | json_values,
        "hook_event_name": st.sampled_from(["Stop", "AfterTool"]) | json_values,
    },
    optional=dict.fromkeys(("timestamp", "tool_calls", "reason", "is_error", "tool_response", "hooks"), json_values),
)
odd_hooks = st.fixed_dictionaries(
    {"id": st.just(str(UUID(int=1))) | json_values, "payload": odd_payloads | json_values},
    optional={"at": st.just(AT) | json_values, "context": json_values},
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    odd_payloads | st.fixed_dictionaries({"hooks": st.lists(odd_hooks, max_size=4)}, optional={"reports": json_values})
)
async def test_any_body_is_a_success_or_one_error(body: Any) -> None:
    """No type of a field raises; what is accepted is stored, and in a batch the rest is counted."""
    async with write_api() as api:
        reply = await api.send("POST", "/hooks/gemini-cli", body)

        stored = len(events_of(await api.records()))
    assert reply.status_code in (202, 204, 422), reply.text
    if reply.status_code == 202:
        assert reply.json()["data"]["accepted"] == stored
    else:
        assert stored == (1 if reply.status_code == 204 else 0)
