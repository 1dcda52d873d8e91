"""Bytes <-> records. Everything that is read from the log goes through `decode`."""

from itertools import pairwise
from typing import Any, Literal, get_args

import msgspec
from msgspec import Raw, structs

from schemas.log.position import LogRecord
from schemas.log.records import (
    NO_ID,
    PRICES_ID,
    VERSION,
    AnyErasure,
    AnyRecord,
    Erased,
    EventsRecorded,
    ModelUsage,
    PositionsErased,
    PricesLoaded,
    Record,
    RecordsErased,
    SessionRecord,
)
from schemas.log.topics import FACTS_PER_RECORD_MAX, erasures_id, partition_of, record_key
from schemas.permissions import NAME_CHARACTERS_MAX, OPERATOR_ORG

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)
_EMPTY = Raw(b"{}")
_MS_MIN, _MS_MAX = 0, 1 << 42  # 1970 to 2109: the range of the store's DateTime64(3)
_MODELS_MAX = 1024  # with 2^53 tokens each, the sum fits into a UInt64
_NANO_MAX = 10**15
PRICES_PER_RECORD_MAX = 400  # far below 1 MiB, however long the names of the models are

UndecodableKind = Literal["empty", "unreadable", "unknown_version", "misplaced", "out_of_range"]
UNDECODABLE_KINDS: tuple[UndecodableKind, ...] = get_args(UndecodableKind)


class Undecodable(Exception):
    """This code can never project the record; it becomes a dead letter, and the projector continues.

    The message is one sentence for operators; ``kind`` is a label for metrics.
    """

    def __init__(self, kind: UndecodableKind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind: UndecodableKind = kind


def encode(record: Record | AnyErasure | Erased) -> bytes:
    """Return the value of a log record."""
    if isinstance(record, EventsRecorded) and any(event.data_base64 is not None for event in record.events):
        events = tuple(e if e.data_base64 is None else structs.replace(e, data=_EMPTY) for e in record.events)
        record = structs.replace(record, events=events)
    return _encoder.encode(record)


def decode(log_record: LogRecord, partitions: int) -> AnyRecord:
    """Decode one record and check everything that the projector relies on. Raises `Undecodable`."""
    record = decode_value(log_record.value)
    if isinstance(record, Erased):
        return record  # the record that it replaces may have been misplaced
    if log_record.key != record_key(record.session_id):
        raise Undecodable("misplaced", "the key is not the session id")
    if partition_of(log_record.key, partitions) != log_record.partition:
        raise Undecodable("misplaced", f"the key does not belong to partition {log_record.partition}")
    if isinstance(record, AnyErasure):
        _check_erasure(record, log_record, partitions)
    return record


def is_erasure(log_record: LogRecord, partitions: int) -> bool:
    """Return whether a record has the key of its partition's erasures."""
    return log_record.key == record_key(erasures_id(log_record.partition, partitions))


def erasure_in(log_record: LogRecord, partitions: int) -> AnyErasure | None:
    """Return the erasure of its partition that a record is, if it is one. Other records are not decoded."""
    if not is_erasure(log_record, partitions):
        return None
    try:
        record = decode(log_record, partitions)
    except Undecodable:
        return None
    return record if isinstance(record, AnyErasure) else None


def is_stub(log_record: LogRecord) -> bool:
    """Return whether a record takes the place of an erased one."""
    try:
        return isinstance(decode_value(log_record.value), Erased)
    except Undecodable:
        return False


def decode_value(value: bytes | None) -> AnyRecord:
    """Decode a record without regard to its key and partition. Raises `Undecodable`."""
    if not value:
        raise Undecodable("empty", "the record has no value")
    try:
        record = _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable("unreadable", f"not a record: {error}") from error
    if record.v != VERSION:
        raise Undecodable("unknown_version", f"version {record.v} is unknown here")
    if isinstance(record, Erased):
        return _checked_stub(record)
    if record.session_id.version != 4:
        raise Undecodable("out_of_range", "the session id has the wrong shape")
    _check_contents(record)
    for event in record.events if isinstance(record, EventsRecorded) else ():
        if event.data_base64 is not None:
            structs.force_setattr(event, "data", Raw(event.data_base64))
    return record


def _checked_stub(stub: Erased) -> Erased:
    if len(stub.org_id) > NAME_CHARACTERS_MAX or (stub.session_id != NO_ID and stub.session_id.version != 4):
        raise Undecodable("out_of_range", "the org or the session id of an erased record is out of range")
    return stub


def _check_contents(record: SessionRecord | PricesLoaded | AnyErasure) -> None:
    if not 0 < len(record.org_id) <= NAME_CHARACTERS_MAX or not _MS_MIN <= record.received_at < _MS_MAX:
        raise Undecodable("out_of_range", "org or time of receipt is out of range")
    if isinstance(record, PricesLoaded):
        return _check_prices(record)
    if isinstance(record, PositionsErased):
        return _check_offsets(record.offsets)
    if isinstance(record, RecordsErased):
        return None
    if not isinstance(record, EventsRecorded):
        return _check_lifecycle(record)
    if not 1 <= len(record.events) <= FACTS_PER_RECORD_MAX:
        sentence = f"a record holds 1 to {FACTS_PER_RECORD_MAX} facts, this one {len(record.events)}"
        raise Undecodable("out_of_range", sentence)
    for event in record.events:
        if not _MS_MIN <= event.timestamp < _MS_MAX or not -(1 << 63) <= (event.seq or 0) < 1 << 63:
            raise Undecodable("out_of_range", "an event's time or sequence number is out of range")
        if event.redactions:
            _check_redactions(event.redactions)
    return None


def _check_offsets(offsets: tuple[int, ...]) -> None:
    if not offsets or not offsets[0] >= 0 or any(a >= b for a, b in pairwise(offsets)):
        raise Undecodable("out_of_range", "the offsets that are erased must rise, and there must be one")


def _check_erasure(record: AnyErasure, at: LogRecord, partitions: int) -> None:
    """Check that all of it is of this partition: what another one has would never be erased."""
    partition = at.partition
    if record.session_id != erasures_id(partition, partitions):
        raise Undecodable("misplaced", "the key is not that of the partition's erasures")
    if isinstance(record, PositionsErased):
        if record.partitions != partitions or record.offsets[-1] >= at.offset:
            raise Undecodable("misplaced", "it erases positions of another log, or some that follow it")
    elif any(partition_of(record_key(session_id), partitions) != partition for session_id in record.sessions):
        raise Undecodable("misplaced", f"a session that is erased does not belong to partition {partition}")


def _check_prices(record: PricesLoaded) -> None:
    if (record.org_id, record.session_id) != (OPERATOR_ORG, PRICES_ID):
        raise Undecodable("misplaced", "prices have another org or session than those of the operator")
    if not 1 <= len(record.prices) <= PRICES_PER_RECORD_MAX or not 0 <= record.loaded_us < _MS_MAX * 1000:
        sentence = f"a record holds 1 to {PRICES_PER_RECORD_MAX} prices, and a time of loading"
        raise Undecodable("out_of_range", sentence)
    for price in record.prices:
        model, from_ms, *rates = structs.astuple(price)
        if not model or not _MS_MIN <= from_ms < _MS_MAX or not all(0 <= rate <= _NANO_MAX for rate in rates):
            raise Undecodable("out_of_range", "a price, its model or its time is out of range")


def _check_lifecycle(record: Any) -> None:
    times = (getattr(record, "started_at", None), getattr(record, "ended_at", None))
    if not all(at is None or _MS_MIN <= at < _MS_MAX for at in times):
        raise Undecodable("out_of_range", "a time is out of range")
    _check_redactions(record.redactions)
    if (report := getattr(record, "report", None)) is None:
        return
    if len(report.models) > _MODELS_MAX or not all(_bounded(usage) for usage in report.models):
        raise Undecodable("out_of_range", "a number in the report, or that of its models, is out of range")
    if report.work is not None and not all(0 <= number <= 1 << 53 for number in structs.astuple(report.work)):
        raise Undecodable("out_of_range", "a number of the work in the report is out of range")


def _check_redactions(counts: dict[str, int]) -> None:
    if not all(0 <= count < 1 << 32 for count in counts.values()):
        raise Undecodable("out_of_range", "a number of redactions is out of range")


def _bounded(usage: ModelUsage) -> bool:
    tokens = (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens)
    caches = (usage.cache_creation_tokens, usage.cache_creation_1h_tokens)
    return 0 <= (usage.cost_nano or 0) <= _NANO_MAX and all(0 <= number <= 1 << 53 for number in (*tokens, *caches))
