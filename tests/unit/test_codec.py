"""The codec of the log: encoded records decode unchanged, and records that can't be projected are reported."""

from typing import Any
from uuid import UUID

import pytest
from msgspec import Raw, structs

from schemas.log.codec import Undecodable, decode, encode
from schemas.log.position import LogRecord
from schemas.log.price import Price
from schemas.log.records import (
    Actor,
    AnyRecord,
    CompactionRequested,
    Erased,
    Event,
    EventsRecorded,
    MetricsReport,
    MetricsReported,
    ModelUsage,
    SessionChanged,
    SessionCreated,
    SessionEnded,
)
from tests.support.builders import prices_loaded

SESSION = UUID("06b49b87-c062-4fa3-acbd-e49c17854231")
OTHER = UUID("b1087aea-a583-4899-8a5a-3c4f188bd2b2")
HEAD = {
    "v": 1,
    "record_id": UUID("a1087aea-a583-4899-8a5a-3c4f188bd2b2"),
    "org_id": "acme",
    "session_id": SESSION,
    "actor": Actor("alice", "member"),
    "received_at": 1_768_905_000_000,
}
REPORT = MetricsReport((ModelUsage("m", 1, 2, 3, 4, 5, 6), ModelUsage()), 7)
EVENT = Event(OTHER, "Stop", 1_768_905_000_000, Raw(b'{ "a" : 1e5 }'), -5, {"aws_access_key": 1})
RECORDS: list[AnyRecord] = [
    SessionCreated(**HEAD, fact_id=OTHER, run_id=OTHER, title="t", started_at=0),
    EventsRecorded(**HEAD, events=(EVENT, EVENT)),
    MetricsReported(**HEAD, fact_id=OTHER, report=REPORT),
    SessionChanged(**HEAD, fact_id=OTHER, title=None, branch="main"),
    SessionEnded(**HEAD, fact_id=OTHER, outcome="success", report=REPORT),
    CompactionRequested(**HEAD, fact_id=OTHER, max_characters=8000),
]
PRICE = Price("m", 1_768_905_000_000, 1, 2, 3, 4, 5)
PRICES = prices_loaded(PRICE, PRICE)


def in_log(value: bytes | None, key: bytes | None = SESSION.bytes, partition: int = 0) -> LogRecord:
    return LogRecord(partition, 0, key, value, 0)


@pytest.mark.parametrize("record", [*RECORDS, PRICES], ids=lambda record: type(record).__name__)
def test_every_kind_of_fact_comes_back_as_it_went_in(record: AnyRecord) -> None:
    """Encoding the decoded record again gives the same bytes, payloads included."""
    assert encode(decode(in_log(encode(record), record.session_id.bytes), 1)) == encode(record)


@pytest.mark.parametrize("known", [{}, {"org_id": "acme"}, {"org_id": "acme", "session_id": SESSION}])
def test_a_stub_is_readable_wherever_it_is(known: dict[str, Any]) -> None:
    """What it stands for may have been misplaced, or of an org that was erased as a whole."""
    stub = Erased(v=1, erasure=OTHER, **known)

    assert [decode(in_log(encode(stub), key), 1) for key in (SESSION.bytes, b"poison", None)] == [stub] * 3


@pytest.mark.parametrize("fields", [{"v": 2}, {"org_id": "x" * 300}, {"session_id": UUID(int=1)}])
def test_a_stub_out_of_range_is_undecodable(fields: dict[str, Any]) -> None:
    """Its receipt would hold what it says."""
    with pytest.raises(Undecodable):
        decode(in_log(encode(structs.replace(Erased(v=1, erasure=OTHER), **fields))), 1)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"org_id": "acme"}, "another org"),
        ({"session_id": SESSION}, "another org or session"),
        ({"prices": ()}, "holds 1 to"),
        ({"prices": (PRICE,) * 401}, "holds 1 to"),
        ({"loaded_us": -1}, "a time of loading"),
        ({"loaded_us": 1 << 60}, "a time of loading"),
        ({"prices": (structs.replace(PRICE, model=""),)}, "out of range"),
        ({"prices": (structs.replace(PRICE, from_ms=-1),)}, "out of range"),
        ({"prices": (structs.replace(PRICE, input_nano=1 << 60),)}, "out of range"),
        ({"prices": (structs.replace(PRICE, cache_write_1h_nano=-1),)}, "out of range"),
    ],
)
def test_prices_out_of_range_are_undecodable(fields: dict[str, object], reason: str) -> None:
    """Prices go to the store unchanged, so everything in them is bounded."""
    record = structs.replace(PRICES, **fields)

    with pytest.raises(Undecodable, match=reason):
        decode(in_log(encode(record), record.session_id.bytes), 1)


def changed(**fields: object) -> bytes:
    return encode(structs.replace(RECORDS[1], **fields))


UNDECODABLE = {
    "nothing": in_log(None),
    "empty": in_log(b""),
    "garbage": in_log(b"\x00\xff"),
    "invalid UTF-8": in_log(b'{"kind":"\xff"}'),
    "deep": in_log(b"[" * 100_000),
    "an unknown kind": in_log(b'{"kind":"nope"}'),
    "no kind": in_log(b"{}"),
    "another version": in_log(changed(v=2)),
    "no key": in_log(encode(RECORDS[1]), key=None),
    "the key of another session": in_log(encode(RECORDS[1]), key=OTHER.bytes),
    "another partition": in_log(encode(RECORDS[1]), partition=1),
    "an id of wrong shape": in_log(changed(session_id=UUID(int=5)), key=UUID(int=5).bytes),
    "no events": in_log(changed(events=())),
    "too many events": in_log(changed(events=(EVENT,) * 65_537)),
    "a time before 1970": in_log(changed(events=(structs.replace(EVENT, timestamp=-1),))),
    "a number beyond 64 bits": in_log(changed(events=(structs.replace(EVENT, seq=1 << 63),))),
    "a negative count of redactions": in_log(changed(events=(structs.replace(EVENT, redactions={"jwt": -1}),))),
    "redactions beyond 32 bits": in_log(encode(structs.replace(RECORDS[4], redactions={"jwt": 1 << 32}))),
    "too many models": in_log(encode(structs.replace(RECORDS[2], report=MetricsReport((ModelUsage(),) * 1_025)))),
    "no org": in_log(changed(org_id="")),
    "an org with a name that no token can have": in_log(changed(org_id="x" * 201)),
}


@pytest.mark.parametrize("poison", UNDECODABLE.values(), ids=UNDECODABLE)
def test_what_can_not_be_projected_is_undecodable(poison: LogRecord) -> None:
    """Decoding raises `Undecodable` and no other error, since another error would stop the projector."""
    with pytest.raises(Undecodable):
        decode(poison, 1)


def test_unknown_fields_are_tolerated() -> None:
    """A record of a newer writer with additional fields decodes."""
    more = encode(RECORDS[0]).replace(b'"v":1', b'"v":1,"later":{"a":[1]}')

    assert encode(decode(in_log(more), 1)) == encode(RECORDS[0])
