"""No client input is a 500. Each refusal has its status and shape, and names its field."""

import gzip
import json
import re
from typing import Any, NamedTuple

import cramjam
import httpx
import pytest

from schemas.ids import mint, new_thread
from tests.support.rigs.write_api import EVENT, SECRETS, WriteApi, a_session, events_path

SESSION = a_session()
_UUID = re.compile("[0-9a-f-]{36}")
CREATE = ("POST", "/sessions")
EVENTS = ("POST", events_path(SESSION))
CHANGE = ("PATCH", f"/sessions/{SESSION}")
END = ("POST", f"/sessions/{SESSION}/end")
COMPACT = ("POST", f"/sessions/{SESSION}/compact")
ALL = {"create": CREATE, "events": EVENTS, "change": CHANGE, "end": END, "compact": COMPACT}
MIB = 1_048_576


class Refusal(NamedTuple):
    """A body and its expected refusal: status, and the field that `details` names (None: no field)."""

    route: tuple[str, str]
    body: Any
    status: int
    field: str | None


def refused(route: tuple[str, str], body: Any, status: int = 422, field: str | None = None) -> Refusal:
    return Refusal(route, body, status, field)


def event(**changes: Any) -> dict[str, Any]:
    return {"events": [{**EVENT, **changes}]}


def metrics(**fields: Any) -> dict[str, Any]:
    return {"model_metrics": fields}


FIELDS = [
    refused(CREATE, {"nope": 1}, field="nope"),
    refused(CREATE, {"title": 5}, field="title"),
    refused(CREATE, {"title": "x" * 513}, field="title"),
    refused(CREATE, {"title": "bell \x07"}, field="title"),
    refused(CREATE, {"title": "new\nline"}, field="title"),
    refused(CREATE, {"title": "a\tb"}, field="title"),
    refused(CREATE, {"component": "nul \x00"}, field="component"),
    refused(CREATE, {"remote_url": "x" * 2049}, field="remote_url"),
    refused(CREATE, {"run_id": "x"}, field="run_id"),
    refused(CREATE, {"run_id": str(a_session())}, field="run_id"),
    refused(CREATE, {"run_id": str(mint(SECRETS, "run", "other", new_thread(None), False, None))}, field="run_id"),
    refused(CREATE, {"run_id": "9b2f0000-0000-4000-8000-000000000000"}, field="run_id"),
    refused(CREATE, {"parent_id": "9b2f0000-0000-4000-8000-000000000000"}, field="parent_id"),
    refused(CREATE, {"parent_id": str(a_session("other"))}, field="parent_id"),
    refused(CREATE, {"relation": "resume"}, field="parent_id"),
    refused(CREATE, {"parent_id": str(SESSION), "relation": "child"}, field="relation"),
    refused(CREATE, {"trigger": "cron"}, field="trigger"),
    refused(CREATE, {"sensitive": "yes"}, field="sensitive"),
    refused(CREATE, {"sensitive": 1}, field="sensitive"),
    refused(CREATE, {"started_at": "yesterday"}, field="started_at"),
    refused(CREATE, {"started_at": "2026-01-20T10:30:00"}, field="started_at"),
    refused(CREATE, {"started_at": "1999-12-31T23:59:59.999Z"}, field="started_at"),
    refused(CREATE, {"started_at": "2026-01-21T10:30:00.001Z"}, field="started_at"),
    refused(CREATE, {"started_at": "9999-12-31T23:59:59Z"}, field="started_at"),
    refused(CREATE, {"started_at": "0001-01-01T00:00:00+23:59"}, field="started_at"),
    refused(CREATE, [], field="body"),
    refused(CREATE, None, field="body"),
    refused(CREATE, "text", field="body"),
    refused(EVENTS, {}, field="events"),
    refused(EVENTS, {"events": None}, field="events"),
    refused(EVENTS, {"events": {}}, field="events"),
    refused(EVENTS, {"events": []}, field="events"),
    refused(EVENTS, {"events": [EVENT], "more": 1}, field="more"),
    refused(EVENTS, {"events": [EVENT] * 5001}, field="events"),
    refused(EVENTS, {"events": [0] * 5001}, field="events"),
    refused(CHANGE, {"nope": 1}, field="nope"),
    refused(CHANGE, {"status": "ended"}, field="status"),
    refused(CHANGE, {"summary": "x" * 20_001}, field="summary"),
    refused(CHANGE, {"title": "\x1b[31m"}, field="title"),
    refused(CHANGE, metrics(), field="model_metrics"),
    refused(CHANGE, metrics(nope=1), field="model_metrics.nope"),
    refused(CHANGE, metrics(input_tokens=-1), field="model_metrics.input_tokens"),
    refused(CHANGE, metrics(input_tokens=1.5), field="model_metrics.input_tokens"),
    refused(CHANGE, metrics(input_tokens="1"), field="model_metrics.input_tokens"),
    refused(CHANGE, metrics(input_tokens=True), field="model_metrics.input_tokens"),
    refused(CHANGE, metrics(input_tokens=(1 << 53) + 1), field="model_metrics.input_tokens"),
    refused(CHANGE, metrics(input_tokens=1 << 64), field="model_metrics.input_tokens"),
    refused(CHANGE, metrics(cost_usd=-0.01), field="model_metrics.cost_usd"),
    refused(CHANGE, metrics(cost_usd=1_000_000.01), field="model_metrics.cost_usd"),
    refused(CHANGE, metrics(input_tokens=1, models=[]), field="model_metrics"),
    refused(CHANGE, metrics(input_tokens=1, models=[{"model": "m"}]), field="model_metrics"),
    refused(CHANGE, metrics(model="m", models=[]), field="model_metrics"),
    refused(CHANGE, metrics(models=[{}]), field="model_metrics.models[0].model"),
    refused(CHANGE, metrics(models=[{"input_tokens": 1}]), field="model_metrics.models[0].model"),
    refused(CHANGE, metrics(models=[{"model": "m", "input_tokens": -1}]), field="model_metrics.models[0].input_tokens"),
    refused(CHANGE, metrics(models=[{"model": "m"}, {"model": "m"}]), field="model_metrics.models[1].model"),
    refused(CHANGE, metrics(models=[{"model": "m"}] * 1001), field="model_metrics.models"),
    refused(CHANGE, metrics(input_tokens=1, reported_at="1970-01-01T00:00:00Z"), field="model_metrics.reported_at"),
    refused(END, {"nope": 1}, field="nope"),
    refused(END, {"outcome": "fine"}, field="outcome"),
    refused(END, {"ended_at": "2026-01-22T00:00:00Z"}, field="ended_at"),
    refused(END, {"summary": "nul \x00"}, field="summary"),
    refused(END, metrics(input_tokens=1, models=[]), field="model_metrics"),
    refused(END, metrics(nope=1), field="model_metrics.nope"),
    refused(COMPACT, {"nope": 1}, field="nope"),
    refused(COMPACT, {"instructions": "x" * 20_001}, field="instructions"),
    refused(COMPACT, {"instructions": "nul \x00"}, field="instructions"),
    refused(COMPACT, {"max_characters": 199}, field="max_characters"),
    refused(COMPACT, {"max_characters": 100_001}, field="max_characters"),
    refused(COMPACT, {"max_characters": "500"}, field="max_characters"),
    refused(COMPACT, {"max_characters": 500.5}, field="max_characters"),
]

NOT_JSON = {
    "empty": b"",
    "cut": b'{"title": "x"',
    "trailing bytes": b"{} x",
    "NaN": b'{"model_metrics": {"cost_usd": NaN}}',
    "BOM": b"\xef\xbb\xbf{}",
    "invalid UTF-8": b'{"title": "\xff"}',
    "an encoded surrogate": b'{"title": "\xed\xa0\x80"}',
    "single quotes": b"{'title': 'x'}",
    "wrong value, then broken": b'{"title": 5, broken',
    "deep": b'{"title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


def check_shape(reply: httpx.Response, status: int) -> dict[str, Any]:
    """Check the usual error shape."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    error: dict[str, Any] = reply.json()
    assert set(error) == {"error", "code", "details", "request_id"}
    assert error["request_id"] == reply.headers["x-request-id"]
    assert "Traceback" not in reply.text
    assert "^[" not in reply.text
    return error


@pytest.mark.parametrize(
    "case", FIELDS, ids=lambda case: f"{case.route[0]} {_UUID.sub('…', json.dumps(case.body))[:60]}"
)
async def test_a_wrong_value_is_a_422_that_names_its_field(api: WriteApi, case: Refusal) -> None:
    """A refused request appends nothing to the log."""
    reply = await api.send(*case.route, case.body)

    error = check_shape(reply, case.status)
    assert list(error["details"]) == [case.field]
    assert await api.records() == []


@pytest.mark.parametrize("route", ALL.values(), ids=ALL)
@pytest.mark.parametrize("raw", NOT_JSON.values(), ids=NOT_JSON)
@pytest.mark.fault(row=17)
async def test_what_is_no_json_is_a_400(api: WriteApi, route: tuple[str, str], raw: bytes) -> None:
    """This holds on every route, even if a wrong value comes before the syntax error."""
    error = check_shape(await api.send(*route, raw=raw), 400)

    assert error["details"] == {}
    assert await api.records() == []


@pytest.mark.parametrize("route", ALL.values(), ids=ALL)
async def test_another_content_type_or_encoding_is_a_415(api: WriteApi, route: tuple[str, str]) -> None:
    """Only JSON in UTF-8 is accepted: plain, or in gzip or zstd."""
    for headers in (
        {"content-type": "text/plain"},
        {"content-type": ""},
        {"content-type": "application/json; charset=latin-1"},
        {"content-encoding": "br"},
        {"content-encoding": "gzip, zstd"},
    ):
        check_shape(await api.send(*route, {}, headers=headers), 415)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.fault(row=17)
async def test_broken_or_endless_encodings_are_refused(api: WriteApi, encoding: str) -> None:
    """Corrupt or truncated bodies are a 400; more than 10 MiB inflated is a 413."""
    squeeze = gzip.compress if encoding == "gzip" else lambda data: bytes(cramjam.zstd.compress(data))
    headers = {"content-encoding": encoding}
    good, bomb = squeeze(json.dumps({"events": [EVENT]}).encode()), squeeze(b" " * (100 * MIB))

    check_shape(await api.send(*EVENTS, raw=b"nothing of that kind", headers=headers), 400)
    check_shape(await api.send(*EVENTS, raw=good[:-5], headers=headers), 400)
    check_shape(await api.send(*EVENTS, raw=good + b"more", headers=headers), 400)
    check_shape(await api.send(*EVENTS, raw=bomb, headers=headers), 413)
    check_shape(await api.send(*CREATE, {}, headers=headers), 400)
    assert await api.records() == []
    assert (await api.send(*EVENTS, raw=good, headers=headers)).status_code == 202


@pytest.mark.fault(row=17)
async def test_sizes_at_their_limits(api: WriteApi) -> None:
    """A body of 10 MiB and an event of 1 MiB are accepted; one more byte is a 413."""

    def batch(size: int) -> bytes:
        frame = json.dumps({"events": [EVENT]}).encode()
        return frame + b" " * (size - len(frame))

    def one_event(size: int) -> bytes:
        empty = json.dumps({**EVENT, "data": {"a": ""}})
        return b'{"events": [' + empty.replace('""', '"' + "x" * (size - len(empty)) + '"').encode() + b"]}"

    assert (await api.send(*EVENTS, raw=batch(10 * MIB))).status_code == 202
    too_large = [await api.send(*EVENTS, raw=batch(10 * MIB + 1)), await api.send(*EVENTS, raw=one_event(MIB + 1))]
    assert (await api.send(*EVENTS, raw=one_event(MIB))).status_code == 202
    assert [check_shape(reply, 413)["details"] for reply in too_large] == [{}, {}]
    assert len(await api.records()) == 2


@pytest.mark.fault(row=17)
async def test_a_list_of_millions_is_refused_without_being_built(api: WriteApi) -> None:
    """5 million elements do not become objects in memory (that would take a second and 300 MB)."""
    reply = await api.send(*EVENTS, raw=b'{"events":[' + b"0," * 5_000_000 + b"0]}")

    assert list(check_shape(reply, 422)["details"]) == ["events"]


@pytest.mark.parametrize("route", ALL.values(), ids=ALL)
@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
async def test_an_unfit_idempotency_key_is_a_422(api: WriteApi, route: tuple[str, str], key: str) -> None:
    """A key has 1 to 255 printable characters."""
    reply = await api.send(*route, {"events": [EVENT]}, headers={"idempotency-key": key})

    assert list(check_shape(reply, 422)["details"]) == ["Idempotency-Key"]


@pytest.mark.parametrize(
    "id_",
    ["x", "9b2f0000-0000-4000-8000-000000000000", str(a_session("other")), f"{{{SESSION}}}"],
    ids=["no uuid", "of no org", "another org's", "in braces"],
)
async def test_an_id_that_was_not_minted_here_is_a_404(api: WriteApi, id_: str) -> None:
    """A malformed id, an invented one and one of another org get the same body."""
    replies = [
        await api.send("POST", events_path(id_), {"events": [EVENT]}),
        await api.send("PATCH", f"/sessions/{id_}", {"title": "x"}),
        await api.send("POST", f"/sessions/{id_}/end", {}),
        await api.send("POST", f"/sessions/{id_}/compact", {}),
        await api.send("POST", "/sessions", {}, org="other"),
        await api.send("GET", "/nowhere"),
    ]

    bodies = [check_shape(reply, 404) for reply in replies]
    assert {(body["code"], str(body["details"])) for body in bodies} == {("not_found", "{}")}
    assert len({body["error"] for body in bodies}) == 1
    assert await api.records() == []


@pytest.mark.parametrize("route", ALL.values(), ids=ALL)
async def test_who_may_write(api: WriteApi, route: tuple[str, str]) -> None:
    """No token is 401, a viewer 403, a foreign org 404 for any role, an unknown method 405."""
    method, path = route

    check_shape(await api.client.request(method, f"/api/v1/acme{path}"), 401)
    check_shape(await api.send(method, path, {}, role="viewer"), 403)
    check_shape(await api.send(method, path, {}, org="other", role="viewer"), 404)
    check_shape(await api.send(method, path, {}, org="operator", role="operator"), 404)
    assert check_shape(await api.send("DELETE", path, {}), 405)["details"] == {}
    assert list(check_shape(await api.send(method, f"{path}?page=1", {}), 422)["details"]) == ["page"]
    assert await api.records() == []


@pytest.mark.parametrize("route", ALL.values(), ids=ALL)
async def test_a_log_that_is_away_is_a_503(api: WriteApi, route: tuple[str, str]) -> None:
    """The request may be sent again, and `/readyz` names the unavailable part."""
    api.log.unavailable = True

    reply = await api.send(*route, {"events": [EVENT]} if route == EVENTS else {})
    readiness = await api.client.get("/readyz")

    assert check_shape(reply, 503)["code"] == "log_unavailable"
    assert reply.headers["retry-after"] == "1"
    assert list(check_shape(readiness, 503)["details"]) == ["log"]
