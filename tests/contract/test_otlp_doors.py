"""API section "OTLP": what exporters get back, and what reaches the log. In process, over a fake log."""

import gzip
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import backports.zstd
import httpx
import msgspec
import pytest
from google.protobuf.json_format import MessageToDict
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from agents.exported import ITEMS_MAX, SESSIONS_MAX
from ingest.privacy.policy import Privacy
from schemas.log.position import Position
from schemas.log.records import Event, EventsRecorded, SessionCreated, SessionDescribed
from schemas.permissions import ROLES, allows
from tests.contract.test_write_bounded import within_limit
from tests.support.clients.otlp import (
    SESSION,
    claude_record,
    in_protobuf,
    logs,
    metrics,
    point,
    record,
    traces,
)
from tests.support.corpora.canaries import fill
from tests.support.rigs.write_api import NOW_MS, WriteApi, write_api

LOGS, METRICS, TRACES = "/otlp/v1/logs", "/otlp/v1/metrics", "/otlp/v1/traces"
PROTOBUF = {"content-type": "application/x-protobuf"}
REQUEST = claude_record("api_request", request_id="req_1", model="m", output_tokens=5)
ONE = logs([REQUEST])
MIB = 1 << 20
MEMORY_MAX = 150 * MIB  # including the body itself, of which the test's client holds several copies


async def send_protobuf(api: WriteApi, path: str, body: Any, **options: Any) -> httpx.Response:
    raw = body if isinstance(body, bytes) else in_protobuf(body)
    return await api.send("POST", path, raw=raw, headers={**PROTOBUF, **options.pop("headers", {})}, **options)


async def send_json(api: WriteApi, path: str, body: Any) -> httpx.Response:
    return await api.send("POST", path, body)


def partial_success(path: str, reply: httpx.Response) -> Any:
    """Return the partial success of a reply as JSON."""
    if reply.headers["content-type"] != "application/x-protobuf":
        return reply.json()["partialSuccess"]
    message = ExportLogsServiceResponse if path == LOGS else ExportMetricsServiceResponse
    return MessageToDict(message.FromString(reply.content))["partialSuccess"]


async def events_in(api: WriteApi) -> list[Event]:
    """Return the events of the log."""
    return [event for one in await api.records() if isinstance(one, EventsRecorded) for event in one.events]


async def test_a_record_becomes_an_event_of_its_session(api: WriteApi) -> None:
    """Its session is the one that a create with the external id returns, and begins with that create."""
    reply = await api.send("POST", LOGS, ONE)

    assert (reply.status_code, reply.json()) == (200, {})
    assert reply.headers["content-type"].startswith("application/json")
    assert reply.headers["x-log-position"] == "0:2"
    created, described, recorded = await api.records()
    assert isinstance(created, SessionCreated)
    assert (created.external_id, created.client) == (f"claude-code:{SESSION}", "claude-code")
    assert created.started_at == NOW_MS
    assert isinstance(described, SessionDescribed)
    assert described.client_version == "2.1.332"
    assert isinstance(recorded, EventsRecorded)
    assert recorded.client is None
    assert [event.event_type for event in recorded.events] == ["ApiRequest"]
    assert created.session_id == recorded.session_id
    assert (await api.create(external_id=f"claude-code:{SESSION}"))["id"] == str(created.session_id)


async def test_protobuf_gets_protobuf_back(api: WriteApi) -> None:
    """An empty message is a success."""
    for path, body in ((LOGS, ONE), (METRICS, metrics({"claude_code.commit.count": [point(1)]}))):
        reply = await send_protobuf(api, path, body)

        assert (reply.status_code, reply.content) == (200, b"")
        assert reply.headers["content-type"] == "application/x-protobuf"
    assert [event.event_type for event in await events_in(api)] == ["ApiRequest", "Measurement"]


async def test_a_request_that_is_sent_again_counts_once(api: WriteApi) -> None:
    """Ids do not depend on encoding, compression or process."""
    for body in (ONE, logs([REQUEST, claude_record("user_prompt", 2)])):
        await api.send("POST", LOGS, body)
        await send_protobuf(api, LOGS, body)

    found = await events_in(api)
    assert len(found) == 6
    assert len({event.event_id for event in found}) == 2


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "identity": lambda raw: raw,
    "zstd": backports.zstd.compress,
}


@pytest.mark.parametrize("encoding", ENCODERS)
async def test_bodies_may_be_compressed(api: WriteApi, encoding: str) -> None:
    """This holds for both encodings of the data."""
    for raw, headers in ((msgspec.json.encode(ONE), {}), (in_protobuf(ONE), PROTOBUF)):
        sent = {**headers, "content-encoding": encoding}
        reply = await api.send("POST", LOGS, raw=ENCODERS[encoding](raw), headers=sent)
        assert reply.status_code == 200

    assert len({event.event_id for event in await events_in(api)}) == 1


async def test_what_is_refused_is_said(api: WriteApi) -> None:
    """The count is a string, as in protobuf's JSON; valid neighbours are stored."""
    bad = [record("api_request", request_id="r"), claude_record("user_prompt", at_ns=1), claude_record("user_prompt")]
    said = "1 without a session id, 1 with a time before 2000-01-01 or more than 24 hours from now"

    reply = await api.send("POST", LOGS, logs(bad))
    encoded = ExportLogsServiceResponse.FromString((await send_protobuf(api, LOGS, logs(bad))).content)

    assert reply.json() == {"partialSuccess": {"rejectedLogRecords": "2", "errorMessage": said}}
    partial = encoded.partial_success
    assert (partial.rejected_log_records, partial.error_message) == (2, said)
    assert len(await events_in(api)) == 2


async def test_metrics_that_are_refused_are_said(api: WriteApi) -> None:
    """Data points are counted."""
    body = metrics({"claude_code.commit.count": [point(1), point(2)]}, kind="gauge")
    said = "2 of a metric that isn't a sum with a known temporality"

    reply = await api.send("POST", METRICS, body)
    encoded = ExportMetricsServiceResponse.FromString((await send_protobuf(api, METRICS, body)).content)

    assert reply.json() == {"partialSuccess": {"rejectedDataPoints": "2", "errorMessage": said}}
    assert (encoded.partial_success.rejected_data_points, encoded.partial_success.error_message) == (2, said)
    assert await api.records() == []


def records_of(sessions: Iterable[int]) -> Any:
    """Return an export of log records, one session per number."""
    return logs([claude_record("user_prompt", number, **{"session.id": f"s{number}"}) for number in sessions])


def points_of(sessions: Iterable[int]) -> Any:
    """Return an export of data points, one session per number."""
    return metrics({"claude_code.commit.count": [point(1, **{"session.id": f"s{number}"}) for number in sessions]})


@pytest.mark.parametrize("send", [send_json, send_protobuf])
@pytest.mark.parametrize(
    ("path", "export", "rejected"),
    [(LOGS, records_of, "rejectedLogRecords"), (METRICS, points_of, "rejectedDataPoints")],
)
async def test_a_request_has_a_bounded_number_of_sessions(
    api: WriteApi, path: str, export: Any, rejected: str, send: Any
) -> None:
    """The first sessions are stored, including their later items; items of other sessions are refused."""
    reply = await send(api, path, export([*range(SESSIONS_MAX + 2), 0, SESSIONS_MAX]))

    assert partial_success(path, reply) == {
        rejected: "3",
        "errorMessage": "3 beyond the first 500 sessions of the request (export smaller batches)",
    }
    created = [one.external_id for one in await api.records() if isinstance(one, SessionCreated)]
    assert sorted(created) == sorted(f"claude-code:s{number}" for number in range(500))
    assert len(await events_in(api)) == 500 + 1


async def test_what_is_dropped_or_refused_names_no_session(api: WriteApi) -> None:
    """Dropped items of many sessions leave room for sessions that have something to store."""
    named = [{"session.id": f"s{number}"} for number in range(SESSIONS_MAX)]
    noise = [claude_record("hook_registered", **each) for each in named]
    wrong = [claude_record("user_prompt", at_ns=1, **each) for each in named]

    await api.send("POST", LOGS, logs([*noise, *wrong, REQUEST]))

    assert len(await events_in(api)) == 1


async def test_traces_are_dropped_with_a_message(api: WriteApi) -> None:
    """Nothing is refused: a message without a count is a warning."""
    reply = await api.send("POST", TRACES, traces(3))
    encoded = ExportTraceServiceResponse.FromString((await send_protobuf(api, TRACES, traces(3))).content)

    assert reply.status_code == 200
    partial = reply.json()["partialSuccess"]
    assert partial["rejectedSpans"] == "0"
    assert "3 spans were dropped" in partial["errorMessage"]
    assert encoded.partial_success.error_message == partial["errorMessage"]
    assert encoded.partial_success.rejected_spans == 0
    assert await api.records() == []


async def test_nothing_to_store_is_a_success_without_a_position(api: WriteApi) -> None:
    """Dropped items create no session."""
    for body in ({}, {"resourceLogs": []}, {"resourceLogs": None}, logs([claude_record("hook_registered")])):
        reply = await api.send("POST", LOGS, body)

        assert (reply.status_code, reply.json()) == (200, {})
        assert "x-log-position" not in reply.headers
    assert await api.records() == []


async def test_several_sessions_have_a_position_for_each_partition() -> None:
    """A reader that waits for all of them sees everything."""
    async with write_api(partitions=4) as api:
        records = [claude_record("user_prompt", **{"session.id": f"s{number}"}) for number in range(40)]

        reply = await api.send("POST", LOGS, logs(records))

        found = [Position.parse(text) for text in reply.headers["x-log-position"].split(",")]
        assert found == [Position(partition, end - 1) for partition, end in enumerate(await api.log.ends())]


UNDECODABLE = {
    "no JSON": ({}, b"{"),
    "nothing": ({}, b""),
    "another value": ({}, b"[]"),
    "another type": ({}, b'{"resourceLogs": 5, "resourceMetrics": 5, "resourceSpans": 5}'),
    "no UTF-8": ({}, b'{"a": "\xff"}'),
    "deep JSON": ({}, b'{"resourceLogs":' + b"[" * 100_000),
    "deep JSON that is skipped": ({}, b'{"other":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "JSON as protobuf": (PROTOBUF, b'{"resourceLogs": []}'),
    "a message that is cut off": (PROTOBUF, in_protobuf(ONE)[:-1]),
    "a number that is cut off": (PROTOBUF, b"\x80"),
    "a number without end": (PROTOBUF, b"\x80" * 11),
    "a group": (PROTOBUF, b"\x0b"),
    "a corrupt encoding": ({"content-encoding": "gzip"}, b"no gzip"),
    "a corrupt encoding of protobuf": ({**PROTOBUF, "content-encoding": "gzip"}, b"no gzip"),
}


@pytest.mark.parametrize("name", UNDECODABLE)
@pytest.mark.parametrize("path", [LOGS, METRICS, TRACES])
async def test_what_can_not_be_decoded_is_a_400_with_a_status(api: WriteApi, path: str, name: str) -> None:
    """The status has the request's encoding, so that exporters show its message."""
    headers, raw = UNDECODABLE[name]

    reply = await api.send("POST", path, raw=raw, headers=headers)

    assert reply.status_code == 400, reply.text
    if "content-type" in headers:
        status = Status.FromString(reply.content)
        assert reply.headers["content-type"] == "application/x-protobuf"
        assert (status.code, bool(status.message)) == (3, True)
    else:
        assert reply.json().keys() == {"code", "message"}
        assert reply.json()["code"] == 3
    assert await api.records() == []


async def test_a_wrong_record_in_protobuf_is_a_400(api: WriteApi) -> None:
    """A record inside the request is not a message: `wire` reaches it, the official library refuses the whole."""
    raw = in_protobuf(logs([{"body": {"stringValue": "abcd"}}])).replace(b"abcd", b"ab\xff\xff")

    assert (await send_protobuf(api, LOGS, raw)).status_code == 400
    deep = b""
    for _ in range(200):
        deep = b"\x2a" + _length(len(deep) + 1 + len(_length(len(deep)))) + b"\x0a" + _length(len(deep)) + deep
    record_ = b"\x2a" + _length(len(deep)) + deep
    scope = b"\x12" + _length(len(record_)) + record_
    part = b"\x12" + _length(len(scope)) + scope
    assert (await send_protobuf(api, LOGS, b"\x0a" + _length(len(part)) + part)).status_code == 400


def _length(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"authorization": "Bearer x"}, 401, "unauthenticated"),
        ({"content-type": "text/plain"}, 415, "unsupported_media_type"),
        ({"content-type": "application/protobuf"}, 415, "unsupported_media_type"),
        ({"content-type": "application/json; charset=latin-1"}, 415, "unsupported_media_type"),
        ({"content-encoding": "br"}, 415, "unsupported_encoding"),
        ({**PROTOBUF, "content-encoding": "br"}, 415, "unsupported_encoding"),
    ],
)
async def test_other_errors_have_the_one_shape(api: WriteApi, headers: dict[str, str], status: int, code: str) -> None:
    """The error is JSON, whatever the encoding of the request."""
    for path in (LOGS, METRICS, TRACES):
        reply = await api.send("POST", path, {}, headers=headers)

        assert (reply.status_code, reply.json()["code"]) == (status, code)
        assert reply.json().keys() == {"error", "code", "details", "request_id"}


async def test_who_may_export(api: WriteApi) -> None:
    """The roles that may write may export; another org is a 404."""
    for role in (role for role in ROLES if role != "operator"):  # which belongs to no org
        reply = await api.send("POST", LOGS, {}, role=role)
        assert reply.status_code == (200 if allows(role, "session.write") else 403), role
    foreign = await api.send("POST", LOGS, ONE, org="globex")

    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    assert await api.records() == []


async def test_a_log_that_is_away_is_a_503_that_exporters_repeat(api: WriteApi) -> None:
    """The response has `Retry-After`; nothing that is not durable is remembered."""
    api.log.unavailable = True
    reply = await api.send("POST", LOGS, ONE)
    api.log.unavailable = False

    assert (reply.status_code, reply.json()["code"]) == (503, "log_unavailable")
    assert int(reply.headers["retry-after"]) >= 1
    assert (await api.send("POST", LOGS, ONE)).status_code == 200
    assert [type(one) for one in await api.records()] == [SessionCreated, SessionDescribed, EventsRecorded]


async def test_secrets_and_content_stay_out_of_the_log() -> None:
    """Secrets are cut from texts that are JSON inside JSON; an org without content stores none."""
    token = f"ghp_{fill(36)}"
    given = {"tool_input": f'{{"command": "git push https://x:{token}@github.com"}}', "tool_use_id": "t1"}
    body = logs([claude_record("tool_result", success="true", tool_name="Bash", **given)])
    for orgs, content in (((), True), (("acme",), False)):
        async with write_api(Privacy(frozenset(orgs))) as api:
            await api.send("POST", LOGS, body)
            await send_protobuf(api, LOGS, body)

            for event in await events_in(api):
                assert token.encode() not in bytes(event.data)
                assert (b"git push" in bytes(event.data)) == content
                assert b'"tool_use_id":"t1"' in bytes(event.data)


async def test_the_outcomes_are_counted(api: WriteApi) -> None:
    """Label values are ours; no value of a client is among them."""
    body = logs([REQUEST, claude_record("hook_registered"), claude_record("x"), record("api_request", request_id="r")])
    await api.send("POST", LOGS, body)
    await api.send("POST", METRICS, metrics({"claude_code.commit.count": [point(1)]}))
    await api.send("POST", TRACES, traces(4))

    lines = (await api.client.get("/metrics")).text.splitlines()

    found = {line for line in lines if line.startswith("crewkit_ingest_otlp_items_total{")}
    assert found == {
        f'crewkit_ingest_otlp_items_total{{outcome="{outcome}",signal="{signal}"}} {count}'
        for signal, outcome, count in (
            ("logs", "accepted", 1.0),
            ("logs", "noise", 2.0),
            ("logs", "no_session", 1.0),
            ("metrics", "accepted", 1.0),
            ("traces", "noise", 4.0),
        )
    }


def nested(*payloads: bytes) -> bytes:
    """Return a request whose scopes contain these items, each in its place."""
    items = b"".join(payloads)
    scope = b"\x12" + _length(len(items)) + items
    return b"\x0a" + _length(len(scope)) + scope


def zlib_bomb() -> bytes:
    """Return a gzip file of 1 GB of zeros."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(deflate.compress(bytes(10 * MIB)) for _ in range(100)), deflate.flush()])


ATTRIBUTE = b"\x32\x00"
LARGE: dict[str, tuple[dict[str, str], Callable[[], bytes], int]] = {
    "records in JSON": (
        {},
        lambda: b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[' + b"{}," * 3_000_000 + b"{}]}]}]}",
        413,
    ),
    "attributes in JSON": ({}, lambda: msgspec.json.encode(logs([{"attributes": [{}] * 240_000}])), 200),
    "brackets in JSON": ({}, lambda: b'{"other":[' + b"[]," * 3_000_000 + b"[]]}", 200),
    "text in JSON": (
        {},
        lambda: msgspec.json.encode(logs([claude_record("user_prompt", prompt="x" * (9 * MIB))])),
        200,
    ),
    "lone surrogates": ({}, lambda: b'{"a":"' + b"\\ud83d" * 1_700_000 + b'"}', 400),
    "empty records": (PROTOBUF, lambda: nested(b"\x12\x00" * (5 * MIB - 9)), 413),
    "records": (PROTOBUF, lambda: nested(b"\x12\x00" * ITEMS_MAX), 200),
    "empty attributes": (PROTOBUF, lambda: nested(*[b"\x12" + _length(900_000) + ATTRIBUTE * 450_000] * 11), 413),
    "attributes": (PROTOBUF, lambda: nested(*[b"\x12" + _length(100_000) + ATTRIBUTE * 50_000] * 5), 200),
    "a large record": (PROTOBUF, lambda: nested(b"\x12" + _length(9 * MIB) + ATTRIBUTE * (9 * MIB // 2)), 200),
    "other fields": (PROTOBUF, lambda: b"\x10\x00" * (5 * MIB), 413),
    "resources": (PROTOBUF, lambda: b"\x0a\x00" * (5 * MIB), 413),
    "text": (PROTOBUF, lambda: in_protobuf(logs([claude_record("user_prompt", prompt="x" * 1_000_000)] * 10)), 200),
    "too much": (PROTOBUF, lambda: b"\x00" * (10 * MIB + 1), 413),
    "a bomb": ({**PROTOBUF, "content-encoding": "gzip"}, zlib_bomb, 413),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
async def test_the_largest_requests_take_bounded_time_and_memory(api: WriteApi, name: str) -> None:
    """All are at most 10 MiB after decoding; the largest exports of Claude Code have 80 KB."""
    headers, make, status = LARGE[name]
    raw = make()
    await api.send("POST", LOGS, ONE)
    before = memory("VmRSS")
    forget_the_peak()

    reply = await within_limit(lambda: api.send("POST", LOGS, raw=raw, headers=headers))

    assert reply.status_code == status, reply.text
    assert memory("VmHWM") - before < MEMORY_MAX
    assert len(reply.content) < 1_000


def forget_the_peak() -> None:
    """Reset ``VmHWM``."""
    Path("/proc/self/clear_refs").write_text("5")


def memory(name: str) -> int:
    """Return the memory of this process, ``VmRSS`` now or ``VmHWM`` at its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


async def test_a_session_of_another_user_is_another_session(api: WriteApi) -> None:
    """What an agent's token writes belongs to its user."""
    await api.send("POST", LOGS, ONE, user="alice")
    await api.send("POST", LOGS, ONE, user="bob", role="agent")

    created = [one for one in await api.records() if isinstance(one, SessionCreated)]
    assert [(one.actor.user_id, one.external_id) for one in created] == [
        (user, f"claude-code:{SESSION}") for user in ("alice", "bob")
    ]
    assert len({one.session_id for one in created}) == 2
