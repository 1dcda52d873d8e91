"""Payloads with lone surrogates pass unchanged, with any other escapes around them."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ingest.intake.context import SessionContext
from ingest.intake.events.batch import read_batch
from ingest.intake.events.identify import identify_events, to_records
from schemas.hooks import read_payload
from schemas.log.codec import decode
from schemas.log.position import LogRecord
from schemas.log.records import Actor, EventsRecorded
from tests.support.rigs.write_api import NOW_MS, SECRETS, a_session

SESSION = a_session()
CONTEXT = SessionContext("acme", Actor("alice", "member"), NOW_MS, SECRETS, a_session, session_id=SESSION)
pieces = st.sampled_from(
    [
        r"\ud83d",
        r"\uD83D",
        r"\ude00",
        r"\uDEAD",
        r"\ud83d\ude00",
        r"\\",
        r"\"",
        r"\n",
        r"\u0041",
        r"\ue83d",
        "u",
        "d83d",
        "é",
    ]
)
texts = st.lists(pieces, max_size=12).map("".join)


@given(st.lists(texts, min_size=1, max_size=4))
def test_every_spelling_comes_back_as_it_was_sent(parts: list[str]) -> None:
    """From the body through the record to the event the bytes are the same, and the record is valid JSON."""
    payloads = [f'{{"prompt": "{part}"}}'.encode() for part in parts]
    frame = b'{"event_type":"Stop","timestamp":"2026-01-20T10:30:00Z","data":%s}'
    body = b'{"events":[' + b",".join(frame % payload for payload in payloads) + b"]}"

    events = identify_events(read_batch(body), CONTEXT)
    (value,) = to_records(events.accepted, CONTEXT)
    record = decode(LogRecord(0, 0, SESSION.bytes, value, 0), 1)

    assert isinstance(record, EventsRecorded)
    assert [bytes(event.data) for event in record.events] == payloads
    assert events.rejected == []


@given(texts)
def test_what_is_projected_of_them_is_text(part: str) -> None:
    """A lone surrogate becomes U+FFFD; every other character is as any JSON reader reads it."""
    expected = json.loads(f'"{part}"').encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    read = read_payload(f'{{"prompt": "{part}", "tool_name": "Bash"}}'.encode())

    assert read.tool_name == "Bash"
    assert read.prompt == expected
