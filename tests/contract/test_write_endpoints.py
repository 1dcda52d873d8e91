"""The replies of the write endpoints, and the facts that they append."""

import gzip
import json

import cramjam
import pytest
from msgspec import structs

from schemas.http.requests import CreateSession
from schemas.http.responses import Session
from schemas.ids import thread_id, thread_of, verify
from schemas.log.records import (
    CompactionRequested,
    EventsRecorded,
    MetricsReported,
    ModelUsage,
    SessionChanged,
    SessionCreated,
    SessionEnded,
)
from tests.support.rigs.write_api import EVENT, SECRETS, WriteApi, data_of, events_path, token

KEY = {"idempotency-key": "again"}
INVALID_EVENTS = [
    {**EVENT, "timestamp": "1999-12-31T23:59:59.999Z"},
    {**EVENT, "timestamp": "2026-01-21T10:30:00.001Z"},
    {**EVENT, "timestamp": "9999-12-31T23:59:59Z"},
    {**EVENT, "timestamp": "2026-01-20 half past ten"},
    {**EVENT, "timestamp": "2026-01-20T10:30:00"},
    {**EVENT, "timestamp": 1768905000},
    {**EVENT, "data": []},
    {**EVENT, "data": None},
    {**EVENT, "data": "{}"},
    {**EVENT, "event_type": ""},
    {**EVENT, "event_type": "with space"},
    {**EVENT, "event_type": "x" * 65},
    {**EVENT, "event_id": "x"},
    {**EVENT, "seq": 1.5},
    {**EVENT, "more": 1},
    {"event_type": "Stop"},
    7,
    None,
]


async def test_create_answers_the_whole_session_as_asked(api: WriteApi) -> None:
    """The reply has every field of the session object, zero counts, and the position of the fact."""
    reply = await api.send("POST", "/sessions", {"remote_url": "https://u:secret@example.com/acme/backend.git"})

    data = reply.json()["data"]
    assert reply.status_code == 201
    assert reply.json()["meta"] == {"position": "0:0"}
    assert reply.headers["x-log-position"] == data["position"] == "0:0"
    assert (data["repo"], data["remote_url"]) == ("acme/backend", "https://example.com/acme/backend.git")
    assert (data["status"], data["trigger"], data["user_id"], data["org_id"]) == (
        "active",
        "interactive",
        "alice",
        "acme",
    )
    assert data["started_at"] == "2026-01-20T10:30:00.000Z"
    assert set(data["counts"].values()) == {0}
    assert data["models"] == data["tools"] == []
    assert [*data, "spent"] == [*Session.__struct_fields__]  # it is in lists only


async def test_every_reply_has_the_common_headers(api: WriteApi) -> None:
    """A reply has the caller's request id if it is valid, no caching, and JSON in UTF-8."""
    reply = await api.send("POST", "/sessions", {}, headers={"x-request-id": "my.id-1"})
    odd = await api.send("POST", "/sessions", {}, headers={"x-request-id": "no spaces please"})

    assert reply.headers["x-request-id"] == "my.id-1"
    assert " " not in odd.headers["x-request-id"]
    assert reply.headers["cache-control"] == "private, no-cache"
    assert reply.headers["content-type"] == "application/json; charset=utf-8"


async def test_an_empty_create_and_one_of_nulls_are_the_same(api: WriteApi) -> None:
    """In reply and fact absent fields are null, except ids, trigger and time."""
    empty, nulls = await api.create(), await api.create(**dict.fromkeys(CreateSession.__struct_fields__))

    generated = {"id", "run_id", "thread_id", "position", "session_id", "record_id", "fact_id"}
    facts = [structs.asdict(record) for record in await api.records()]
    for one, other in ((empty, nulls), facts):
        assert {name: value for name, value in one.items() if name not in generated} == {
            name: value for name, value in other.items() if name not in generated
        }
    assert (empty["trigger"], empty["sensitive"], empty["started_at"]) == (
        "interactive",
        False,
        "2026-01-20T10:30:00.000Z",
    )
    for name in ("title", "summary", "agent_name", "project_id", "repo", "remote_url", "parent_id", "external_id"):
        assert empty[name] is None


@pytest.mark.parametrize(
    ("sent", "stored", "slug"),
    [
        ("git@github.com:acme/backend", "git@github.com:acme/backend", "acme/backend"),
        ("git@github.com:acme/backend.git", "git@github.com:acme/backend.git", "acme/backend"),
        ("https://github.com/acme/backend", "https://github.com/acme/backend", "acme/backend"),
        ("https://user:s3cret@github.com/acme/backend.git", "https://github.com/acme/backend.git", "acme/backend"),
        ("https://ghp_token@github.com/acme/backend.git", "https://github.com/acme/backend.git", "acme/backend"),
        ("ssh://git@github.com:22/acme/backend.git", "ssh://git@github.com:22/acme/backend.git", "acme/backend"),
        ("https://gitlab.com/group/sub/project.git/", "https://gitlab.com/group/sub/project.git/", "group/sub/project"),
    ],
)
async def test_a_remote_url_keeps_no_credential_and_gives_the_slug(
    api: WriteApi, sent: str, stored: str, slug: str
) -> None:
    """This holds for scp-like, ssh and https URLs, with and without `.git`, in reply and fact."""
    made = await api.create(remote_url=sent)

    (record,) = await api.records()
    assert (made["remote_url"], made["repo"]) == (stored, slug)
    assert isinstance(record, SessionCreated)
    assert (record.remote_url, record.repo) == (stored, slug)


async def test_threads_and_runs_follow_the_family(api: WriteApi) -> None:
    """Resume, fork and compact stay in the parent's thread; clear and no relation start one; a run can be shared."""
    parent = await api.create()
    children = {
        relation: await api.create(parent_id=parent["id"], relation=relation, run_id=parent["run_id"])
        for relation in ("resume", "fork", "compact", "clear", None)
    }

    same = {relation for relation, child in children.items() if child["thread_id"] == parent["thread_id"]}
    assert same == {"resume", "fork", "compact"}
    assert {child["run_id"] for child in children.values()} == {parent["run_id"]}
    assert {child["parent_id"] for child in children.values()} == {parent["id"]}
    assert len({child["thread_id"] for child in children.values()}) == 3
    stranger = await api.create()
    assert stranger["run_id"] != parent["run_id"]
    assert stranger["thread_id"] not in {child["thread_id"] for child in children.values()}
    for record, child in zip((await api.records())[1:], children.values(), strict=False):
        assert isinstance(record, SessionCreated)
        assert (str(record.run_id), str(record.parent_id)) == (child["run_id"], child["parent_id"])


@pytest.mark.parametrize("relation", ["resume", "fork", "compact", "clear", None])
async def test_a_child_of_a_sensitive_session_is_sensitive(api: WriteApi, relation: str | None) -> None:
    """The child is sensitive even if the request says otherwise, and its id marks it as such."""
    parent = await api.create(sensitive=True)
    child = await api.create(parent_id=parent["id"], relation=relation, sensitive=False)

    record = (await api.records())[-1]
    assert (parent["sensitive"], child["sensitive"]) == (True, True)
    assert verify(SECRETS, "session", "acme", record.session_id).sensitive


@pytest.mark.parametrize("again", [{"headers": KEY}, {"external_id": "build 7"}])
async def test_the_same_key_answers_the_same_ids(api: WriteApi, again: dict[str, object]) -> None:
    """An idempotency key, or else an external id, repeats the ids; the reply shows the request."""
    headers = again.pop("headers", {})
    replies = [
        (await api.send("POST", "/sessions", {**again, "title": title}, headers=headers)).json()["data"]  # type: ignore[arg-type]
        for title in ("one", "two")
    ]

    ids = [(reply["id"], reply["run_id"], reply["thread_id"]) for reply in replies]
    records = await api.records()
    assert ids[0] == ids[1]
    assert [reply["title"] for reply in replies] == ["one", "two"]
    assert isinstance(records[0], SessionCreated)
    assert isinstance(records[1], SessionCreated)
    assert records[0].fact_id == records[1].fact_id
    assert records[0].record_id != records[1].record_id


async def test_another_user_parent_relation_run_or_sensitivity_is_another_session(api: WriteApi) -> None:
    """The key identifies a session only together with all of these."""
    parent = await api.create()
    family: list[dict[str, object]] = [
        {},
        {"sensitive": True},
        {"parent_id": parent["id"]},
        {"parent_id": parent["id"], "relation": "resume"},
        {"parent_id": parent["id"], "relation": "fork"},
        {"run_id": parent["run_id"]},
    ]

    replies = [await api.send("POST", "/sessions", body, headers=KEY) for body in family * 2]
    replies.append(await api.send("POST", "/sessions", {}, headers=KEY, user="bob"))
    replies.append(await api.send("POST", "/sessions", {}, headers={"idempotency-key": "another"}))
    replies.append(await api.send("POST", "/sessions", {"external_id": "again"}))

    made = [reply.json()["data"]["id"] for reply in replies]
    assert made[:6] == made[6:12]
    assert len(set(made)) == 9


async def test_events_are_kept_byte_for_byte(api: WriteApi) -> None:
    """White space, order, escapes, duplicate keys and big numbers of `data` reach the log unchanged."""
    session = await api.create()
    payloads = [
        b'{ "b" : 1,\t"a": [1.0, 1e5 , -0] }',
        b'{"a":"\\u0000\\ud83d\\ude00 \\/","a":"twice"}',
        '{"emoji": "😀", "rtl": "\u202eabc", "sep": "\u2028"}'.encode(),
        b'{"n": ' + b"9" * 5_000 + b', "x": 1e999}',
        b"{}",
        rb'{"cut": "\ud83d", "CUT": "x\uD83D", "low": "\udc00", "pair": "\ud83d\ude00\ude00"}',
        rb'{"after a backslash": "\\\ud800", "none": "\\\\ud800 \ue83d"}',
    ]
    events = b",".join(
        b'{"event_type":"Notification","timestamp":"2026-01-20T10:30:00Z","data": ' + payload + b" }"
        for payload in payloads
    )

    reply = await api.send("POST", events_path(session["id"]), raw=b'{"events":[' + events + b"]}")

    assert reply.status_code == 202
    assert data_of((await api.records())[-1]) == payloads


async def test_one_invalid_event_does_not_refuse_its_neighbours(api: WriteApi) -> None:
    """Each invalid event is listed with its index and reason; the others are durable, in order."""
    session = await api.create()
    good = [
        {**EVENT, "seq": 1},
        {**EVENT, "timestamp": "2000-01-01T00:00:00Z", "event_type": "x" * 64},
        {**EVENT, "timestamp": "2026-01-21T10:30:00Z", "event_type": "Brand.New:1-x"},
    ]

    reply = await api.send("POST", events_path(session["id"]), {"events": [good[0], *INVALID_EVENTS, *good[1:]]})

    data = reply.json()["data"]
    assert (reply.status_code, data["accepted"]) == (202, 3)
    assert [item["index"] for item in data["rejected"]] == list(range(1, len(INVALID_EVENTS) + 1))
    assert [item["code"] for item in data["rejected"][:3]] == ["timestamp_out_of_range"] * 3
    assert {item["code"] for item in data["rejected"][3:]} == {"invalid_event"}
    assert all(item["error"] for item in data["rejected"])
    record = (await api.records())[-1]
    assert isinstance(record, EventsRecorded)
    assert [(event.seq, event.event_type) for event in record.events] == [
        (1, "PostToolUse"),
        (None, "x" * 64),
        (None, "Brand.New:1-x"),
    ]


async def test_no_valid_event_is_a_422_with_the_same_list(api: WriteApi) -> None:
    """It has the same indexes and codes, and appends nothing."""
    session = await api.create()

    mixed = await api.send("POST", events_path(session["id"]), {"events": [*INVALID_EVENTS, EVENT]})
    reply = await api.send("POST", events_path(session["id"]), {"events": INVALID_EVENTS})

    assert reply.status_code == 422
    assert reply.json()["details"]["events"] == mixed.json()["data"]["rejected"]
    assert len(await api.records()) == 2


async def test_a_resent_request_has_the_same_event_ids(api: WriteApi) -> None:
    """Missing ids derive from session, content and occurrence; a given id stays."""
    first, second = await api.create(), await api.create()
    given = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
    batch = {"events": [EVENT, EVENT, {**EVENT, "data": {"b": 1}}, {**EVENT, "event_id": given}]}

    for session in (first, first, second):
        await api.send("POST", events_path(session["id"]), batch)

    ids = [[str(event.event_id) for event in record.events] for record in (await api.records())[2:]]  # type: ignore[union-attr]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 4
    assert ids[0][3] == ids[2][3] == given
    assert not set(ids[0][:3]) & set(ids[2][:3])


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_encoded_bodies_are_taken(api: WriteApi, encoding: str) -> None:
    """The decoded content is stored."""
    session = await api.create()
    plain = json.dumps({"events": [EVENT] * 10}).encode()
    body = gzip.compress(plain) if encoding == "gzip" else bytes(cramjam.zstd.compress(plain))

    reply = await api.send("POST", events_path(session["id"]), raw=body, headers={"content-encoding": encoding})

    assert reply.json()["data"] == {"accepted": 10, "rejected": []}


async def test_a_large_request_becomes_several_records(api: WriteApi) -> None:
    """Each record has a part of the events, in order; the position is that of the last."""
    session = await api.create()
    batch = [{**EVENT, "data": {"number": number, "text": "x" * 300_000}} for number in range(10)]

    reply = await api.send("POST", events_path(session["id"]), {"events": batch})

    records = (await api.records())[1:]
    numbers = [json.loads(data)["number"] for record in records for data in data_of(record)]
    assert len(records) == 4
    assert all(data_of(record) for record in records)
    assert numbers == list(range(10))
    assert reply.json()["meta"]["position"] == "0:4"
    assert len({record.record_id for record in records}) == 4


async def test_a_change_answers_what_was_asked(api: WriteApi) -> None:
    """Reply and fact have only the requested fields; null clears."""
    session = await api.create(title="before")

    reply = await api.send("PATCH", f"/sessions/{session['id']}", {"title": None, "branch": "main"})

    record = (await api.records())[-1]
    assert reply.json() == {
        "data": {"id": session["id"], "title": None, "branch": "main"},
        "meta": {"position": "0:1"},
    }
    assert isinstance(record, SessionChanged)
    assert (record.title, record.branch) == (None, "main")


async def test_metrics_alone_are_a_report(api: WriteApi) -> None:
    """Money is exact to the nano-dollar; the reply repeats the numbers."""
    session = await api.create()
    metrics = {"input_tokens": 15000, "output_tokens": 3000, "cost_usd": 0.045000001}

    reply = await api.send("PATCH", f"/sessions/{session['id']}", {"model_metrics": metrics})

    record = (await api.records())[-1]
    assert reply.json()["data"] == {"id": session["id"], "model_metrics": metrics}
    assert isinstance(record, MetricsReported)
    assert record.report.models == (ModelUsage(input_tokens=15000, output_tokens=3000, cost_nano=45_000_001),)


async def test_metrics_by_model(api: WriteApi) -> None:
    """Each model has separate numbers with `reported_at`; any other field makes the fact a change."""
    session = await api.create()
    metrics = {
        "models": [{"model": "a", "input_tokens": 1}, {"model": "b", "cost_usd": 1e6}],
        "reported_at": "2026-01-20T10:00:00.000Z",
    }

    reply = await api.send("PATCH", f"/sessions/{session['id']}", {"model_metrics": metrics, "title": "t"})

    record = (await api.records())[-1]
    assert reply.json()["data"]["model_metrics"] == metrics
    assert isinstance(record, SessionChanged)
    assert record.report is not None
    assert record.report.reported_at == 1_768_903_200_000
    assert record.report.models == (ModelUsage("a", 1), ModelUsage("b", cost_nano=10**15))


async def test_an_end_answers_when_and_how(api: WriteApi) -> None:
    """The end is the time of receipt, or `ended_at` of an import."""
    session = await api.create()

    now = await api.send("POST", f"/sessions/{session['id']}/end", {"outcome": "success", "summary": "a\n\tb"})
    then = await api.send("POST", f"/sessions/{session['id']}/end", {"ended_at": "2026-01-19T12:00:00+02:00"})

    record = (await api.records())[1]
    expected = {"id": session["id"], "status": "ended", "ended_at": "2026-01-20T10:30:00.000Z", "outcome": "success"}
    assert (now.status_code, now.json()["data"]) == (200, expected)
    assert then.json()["data"]["ended_at"] == "2026-01-19T10:00:00.000Z"
    assert isinstance(record, SessionEnded)
    assert (record.ended_at, record.summary) == (None, "a\n\tb")


@pytest.mark.parametrize("method_path", [("PATCH", ""), ("POST", "/end"), ("POST", "/compact")])
async def test_a_late_copy_of_a_call_is_the_same_fact(api: WriteApi, method_path: tuple[str, str]) -> None:
    """With an idempotency key the fact id repeats, per session, kind of call and user; without one it differs."""
    session, other = await api.create(), await api.create()
    method, path = method_path
    replies = []

    for id_, headers, user in [
        (session["id"], KEY, "alice"),
        (session["id"], KEY, "alice"),
        (session["id"], {}, "alice"),
        (other["id"], KEY, "alice"),
        (session["id"], KEY, "bob"),
    ]:
        body = {} if path == "/compact" else {"summary": "s"}
        replies.append(await api.send(method, f"/sessions/{id_}{path}", body, headers=headers, user=user))

    facts = [record.fact_id for record in (await api.records())[2:]]  # type: ignore[union-attr]
    assert facts[0] == facts[1]
    assert len(set(facts)) == 4
    if path == "/compact":
        assert [reply.json()["data"]["compaction_id"] for reply in replies] == [str(fact) for fact in facts]


async def test_the_fact_says_who_when_and_whose(api: WriteApi) -> None:
    """A create's fact has actor, org, time of receipt and thread."""
    session = await api.create()

    (record,) = await api.records()
    assert (record.actor.user_id, record.actor.role, record.org_id) == ("alice", "member", "acme")
    assert record.received_at == 1_768_905_000_000
    assert str(thread_id("acme", thread_of(record.session_id))) == session["thread_id"]


async def test_a_request_for_a_digest_is_queued(api: WriteApi) -> None:
    """The reply is a 202 with the compaction id; the fact has the request. The body is optional."""
    session = await api.create()
    path = f"/sessions/{session['id']}/compact"
    given = {"authorization": f"Bearer {token()}"}

    reply = await api.send("POST", path, {"instructions": "Mind\nthe tests", "max_characters": 500})
    bare = await api.client.post(f"/api/v1/acme{path}", headers=given)
    untyped = await api.client.post(f"/api/v1/acme{path}", headers=given, content=b"{}")

    asked, plain = (await api.records())[1:]
    assert (reply.status_code, bare.status_code, untyped.status_code) == (202, 202, 415)
    assert isinstance(asked, CompactionRequested)
    assert reply.json() == {
        "data": {"id": session["id"], "compaction_id": str(asked.fact_id), "status": "queued"},
        "meta": {"position": "0:1"},
    }
    assert reply.headers["x-log-position"] == "0:1"
    assert (asked.instructions, asked.max_characters) == ("Mind\nthe tests", 500)
    assert isinstance(plain, CompactionRequested)
    assert (plain.instructions, plain.max_characters) == (None, None)


async def test_instructions_for_a_sensitive_session_are_not_kept(api: WriteApi) -> None:
    """Instructions are content, so only the request is stored."""
    session = await api.create(sensitive=True)

    reply = await api.send("POST", f"/sessions/{session['id']}/compact", {"instructions": "the secret plan"})

    record = (await api.records())[-1]
    assert reply.status_code == 202
    assert isinstance(record, CompactionRequested)
    assert record.instructions is None
