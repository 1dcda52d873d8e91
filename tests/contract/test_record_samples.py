"""A stored sample of each kind of record must always decode. Samples are added, never changed."""

import json
from pathlib import Path
from typing import get_args
from uuid import UUID

import pytest

from schemas.log.codec import decode, encode
from schemas.log.position import LogRecord
from schemas.log.records import AnyRecord, EventsRecorded
from schemas.log.topics import record_key

SAMPLES = sorted((Path(__file__).parent / "records").glob("*.json"))


def decode_sample(path: Path) -> AnyRecord:
    value = path.read_bytes().strip()
    key = record_key(UUID(json.loads(value)["session_id"]))
    return decode(LogRecord(0, 0, key, value, 0), 1)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
@pytest.mark.fault(row=16)
def test_a_stored_sample_is_still_read(path: Path) -> None:
    """Decoding loses nothing: the record encodes to the same content."""
    record = decode_sample(path)

    assert json.loads(encode(record)) == json.loads(path.read_bytes())


def test_a_payload_with_lone_surrogates_is_read_and_written_as_ever() -> None:
    """Its key in the log is `odd_data`, with any field name in Python, and its bytes are unchanged."""
    (path,) = (path for path in SAMPLES if path.stem.endswith("lone_surrogates"))

    record = decode_sample(path)

    assert isinstance(record, EventsRecorded)
    assert [bytes(event.data) for event in record.events] == [b'{"prompt": "\\ud83d"}', b"{}"]
    assert encode(record) == path.read_bytes().strip()


def test_every_kind_has_a_sample() -> None:
    """A new kind of record needs a sample."""
    kinds = {str(kind.__struct_config__.tag) for kind in get_args(AnyRecord)}

    assert {path.name.partition(".")[0] for path in SAMPLES} == kinds
