"""Exporters resend records in other batches and any order: the same events result, in either encoding."""

import json
from functools import partial
from typing import Any
from uuid import UUID

from google.protobuf.json_format import MessageToDict, ParseDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from ingest.intake.otlp import from_json, from_protobuf
from ingest.intake.otlp.gather import Gathered, gather_logs, gather_metrics
from schemas.log.records import Event
from tests.support.clients.otlp import AT_NS, attributes, in_protobuf, logs, metrics, resource
from tests.support.rigs.agent_write import CONTEXT

Json = dict[str, Any]
SCALARS = st.one_of(
    st.text(max_size=8),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.lists(st.text(max_size=3), max_size=2),
)
NAMES = ("api_request", "user_prompt", "tool_result", "tool_decision", "compaction", "hook_registered")
KEYS = ("request_id", "event.sequence", "model", "input_tokens", "decision", "prompt", "success", "tool_input", "other")
TIMES = st.integers(AT_NS - 5, AT_NS)


@st.composite
def log_records(draw: st.DrawFn) -> Json:
    """Return a record of one of a few sessions, with attributes of any type."""
    values = draw(st.dictionaries(st.sampled_from(KEYS), SCALARS, max_size=6))
    values |= {"event.name": draw(st.sampled_from(NAMES)), "session.id": draw(st.sampled_from("ab"))}
    time = draw(st.sampled_from(("timeUnixNano", "observedTimeUnixNano")))
    order = draw(st.permutations([*values]))
    return {time: str(draw(TIMES)), "attributes": attributes({key: values[key] for key in order})}


@st.composite
def data_points(draw: st.DrawFn) -> Json:
    """Return a data point of one of a few sessions."""
    values = {"session.id": draw(st.sampled_from("ab")), "type": draw(st.sampled_from(("added", "removed", "other")))}
    number = draw(st.one_of(st.integers(-2, 9).map(lambda n: {"asInt": str(n)}), st.floats(-1, 9).map(_as_double)))
    return {"attributes": attributes(values), "startTimeUnixNano": "1", "timeUnixNano": str(draw(TIMES)), **number}


def _as_double(value: float) -> Json:
    return {"asDouble": value}


def events(*gathered: Gathered) -> dict[UUID, tuple[Any, ...]]:
    """Return what the log would contain, by id: session, type, time and payload. Equal ids have equal content."""
    found: dict[UUID, tuple[Any, ...]] = {}
    for each in gathered:
        for session, facts, *_ in each.sessions:
            for event in facts:
                assert isinstance(event, Event)
                found.setdefault(event.event_id, (session, event.event_type, event.timestamp, bytes(event.data)))
    return found


def of_logs(body: Json, *, as_protobuf: bool) -> Gathered:
    decoded = from_protobuf.decode_logs(in_protobuf(body)) if as_protobuf else from_json.decode_logs(_json(body))
    return gather_logs(decoded, CONTEXT)


def of_metrics(body: Json, *, as_protobuf: bool) -> Gathered:
    decoded = from_protobuf.decode_metrics(in_protobuf(body)) if as_protobuf else from_json.decode_metrics(_json(body))
    return gather_metrics(decoded, CONTEXT)


def _json(body: Json) -> bytes:
    return json.dumps(body).encode()


@given(st.lists(log_records(), max_size=12))
def test_both_encodings_of_log_records_give_the_same(records: list[Json]) -> None:
    """Events, outcomes, sessions and their descriptions are equal, byte for byte."""
    assert of_logs(logs(records), as_protobuf=True) == of_logs(logs(records), as_protobuf=False)


@given(st.lists(data_points(), max_size=12), st.integers(0, 2))
def test_both_encodings_of_data_points_give_the_same(points: list[Json], temporality: int) -> None:
    """This holds for every temporality, and for integers and floats."""
    body = metrics({"claude_code.lines_of_code.count": points, "claude_code.commit.count": points}, temporality)

    assert of_metrics(body, as_protobuf=True) == of_metrics(body, as_protobuf=False)


@given(st.data(), st.lists(log_records(), min_size=1, max_size=12))
def test_any_way_to_send_records_again_gives_the_same_events(data: st.DataObject, records: list[Json]) -> None:
    """They are sent in other batches, in another order of records and attributes, several times, in other encodings."""
    once = of_logs(logs(records), as_protobuf=False)
    repeated = [_reordered(data, each) for each in data.draw(st.lists(st.sampled_from(records), max_size=6))]
    sent = data.draw(st.permutations([*map(partial(_reordered, data), records), *repeated]))
    cut = data.draw(st.integers(0, len(sent)))

    again = [of_logs(logs(part), as_protobuf=data.draw(st.booleans())) for part in (sent[:cut], sent[cut:])]

    assert events(*again).keys() == events(once).keys()


def _reordered(data: st.DataObject, record: Json) -> Json:
    """Return the same record with its attributes in another order, which has no meaning."""
    return {**record, "attributes": data.draw(st.permutations(record["attributes"]))}


@given(st.data(), st.lists(data_points(), min_size=1, max_size=12), st.integers(1, 2))
def test_any_way_to_send_points_again_gives_the_same_events(
    data: st.DataObject, points: list[Json], temporality: int
) -> None:
    """A point is identified by its series and interval."""
    sent = data.draw(st.permutations(points * 2))
    cut = data.draw(st.integers(0, len(sent)))
    bodies = [
        metrics({"claude_code.lines_of_code.count": part}, temporality) for part in (points, sent[:cut], sent[cut:])
    ]

    once, *again = [of_metrics(body, as_protobuf=data.draw(st.booleans())) for body in bodies]

    assert events(*again).keys() == events(once).keys()


@given(st.lists(log_records(), min_size=2, max_size=12, unique_by=lambda one: json.dumps(one, sort_keys=True)))
def test_records_that_differ_are_different_events(records: list[Json]) -> None:
    """Two records are one event only if the client gave them the same number or the same request id."""
    for each in records:
        each["attributes"] = [one for one in each["attributes"] if one["key"] not in ("event.sequence", "request_id")]
    distinct = {json.dumps([_scalars(each), _time(each)], sort_keys=True): each for each in records}

    found = of_logs(logs(distinct.values()), as_protobuf=False)

    assert len(events(found)) == found.outcomes["accepted"]


def _scalars(record: Json) -> Json:
    return {one["key"]: one["value"] for one in record["attributes"] if "arrayValue" not in one["value"]}


def _time(record: Json) -> str:
    return str(record.get("timeUnixNano") or record.get("observedTimeUnixNano"))


def test_the_builders_make_what_the_protocol_has() -> None:
    """The tests' JSON survives the official protobuf library, so the tests compare with the right thing."""
    for body, kind in (
        (logs([{"timeUnixNano": "1", "attributes": attributes({"a": 1, "b": [True]})}]), ExportLogsServiceRequest),
        (metrics({"m": [{"asInt": "1"}]}), ExportMetricsServiceRequest),
        ({"resourceLogs": [{"resource": resource("x")}]}, ExportLogsServiceRequest),
    ):
        message: Any = ParseDict(body, kind())

        assert MessageToDict(message, use_integers_for_enums=True) == body


def test_a_text_that_a_client_cut_inside_an_emoji_is_kept() -> None:
    """The half becomes U+FFFD; its record, and the rest of the request, stay."""
    cut = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a\\ud83d"}}]}]}]}'
    whole = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "a???"}}]}]}]}
    encoded = in_protobuf(whole).replace(b"???", b"\xed\xa0\xbd")  # as JavaScript encodes the half

    found = [from_json.decode_logs(cut), from_protobuf.decode_logs(encoded)]

    assert [[record and record.body for record in part.items] for (part,) in found] == [["a\ufffd"], ["a\ufffd"]]
