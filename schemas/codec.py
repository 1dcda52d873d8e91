"""Bytes <-> records. `decode` is the one gate through which anything from the log comes in."""

from typing import Any
from uuid import UUID

import msgspec
from msgspec import Raw, structs

from schemas.log import LogRecord
from schemas.permissions import NAME_CHARACTERS_MAX
from schemas.records import VERSION, AnyFact, Event, EventsRecorded
from schemas.topics import FACTS_PER_RECORD_MAX, partition_of, record_key

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)
_EMPTY = Raw(b"{}")
_MS_MIN, _MS_MAX = 0, 1 << 42  # 1970 to 2109: what a DateTime64(3) of ours can hold

_MODELS_MAX = 1024  # 2^53 tokens of each make a sum that a UInt64 can hold


class Undecodable(Exception):
    """This record can't be projected, now or ever with this code; it becomes a dead letter and stops nobody."""


def encode(fact: AnyFact) -> bytes:
    """The value of a log record."""
    if isinstance(fact, EventsRecorded) and any(event.odd_data is not None for event in fact.events):
        fact = structs.replace(fact, events=tuple(_without_odd_data(event) for event in fact.events))
    return _encoder.encode(fact)


def decode(record: LogRecord, partitions: int) -> AnyFact:
    """Read one record and check everything that the projector relies on.

    Raises:
        Undecodable: with one sentence that says why.
    """
    fact = decode_value(record.value)
    _check_key(record, fact.session_id, partitions)
    return fact


def decode_value(value: bytes | None) -> AnyFact:
    """What a record says, wherever it stands.

    Raises:
        Undecodable: with one sentence that says why.
    """
    if not value:
        raise Undecodable("the record has no value")
    fact = _parse(value)
    if fact.v != VERSION:
        raise Undecodable(f"version {fact.v} is unknown here")
    if fact.session_id.version != 4:
        raise Undecodable("the session id has the wrong shape")
    _check_facts(fact)
    _restore_odd_data(fact)
    return fact


def _without_odd_data(event: Event) -> Event:
    return event if event.odd_data is None else structs.replace(event, data=_EMPTY)


def _restore_odd_data(fact: AnyFact) -> None:
    for event in fact.events if isinstance(fact, EventsRecorded) else ():
        if event.odd_data is not None:
            structs.force_setattr(event, "data", Raw(event.odd_data))


def _parse(value: bytes) -> AnyFact:
    try:
        return _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable(f"not a record: {error}") from error


def _check_key(record: LogRecord, session_id: UUID, partitions: int) -> None:
    if record.key != record_key(session_id):
        raise Undecodable("the key is not the session id")
    if partition_of(record.key, partitions) != record.partition:
        raise Undecodable(f"the key does not belong to partition {record.partition}")


def _check_facts(fact: AnyFact) -> None:
    if not 0 < len(fact.org_id) <= NAME_CHARACTERS_MAX or not _MS_MIN <= fact.received_at < _MS_MAX:
        raise Undecodable("org or time of receipt is out of range")
    if not isinstance(fact, EventsRecorded):
        return _check_lifecycle(fact)
    if not 1 <= len(fact.events) <= FACTS_PER_RECORD_MAX:
        raise Undecodable(f"a record holds 1 to {FACTS_PER_RECORD_MAX} facts, this one {len(fact.events)}")
    for event in fact.events:
        if not _MS_MIN <= event.timestamp < _MS_MAX or not -(1 << 63) <= (event.seq or 0) < 1 << 63:
            raise Undecodable("an event's time or sequence number is out of range")
        if event.redactions:
            _check_redactions(event.redactions)
    return None


def _check_lifecycle(fact: Any) -> None:
    times = (getattr(fact, "started_at", None), getattr(fact, "ended_at", None))
    if not all(at is None or _MS_MIN <= at < _MS_MAX for at in times):
        raise Undecodable("a time is out of range")
    _check_redactions(fact.redactions)
    if (report := getattr(fact, "report", None)) is None:
        return
    if len(report.models) > _MODELS_MAX or not all(_bounded(usage) for usage in report.models):
        raise Undecodable("a number in the report, or that of its models, is out of range")


def _check_redactions(counts: dict[str, int]) -> None:
    if not all(0 <= count < 1 << 32 for count in counts.values()):
        raise Undecodable("a number of redactions is out of range")


def _bounded(usage: Any) -> bool:
    cost = usage.cost_nano or 0
    tokens = (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens)
    caches = (usage.cache_creation_tokens, usage.cache_creation_1h_tokens)
    return 0 <= cost <= 10**15 and all(0 <= number <= 1 << 53 for number in (*tokens, *caches))
