"""Records of the log as the write side creates them, for topics that are filled without it."""

import secrets
import uuid
from collections.abc import Iterator

import msgspec

from bench.payloads import BATCH, make_creations, make_scripts, place_in_script
from bench.population import ORGS, draw_sessions, take_turns
from ingest.intake.context import CommandContext
from ingest.intake.sessions.create import decide
from ingest.intake.times import parse_instant
from schemas.http.requests import CreateSession, RecordEvents
from schemas.ids import IdSecrets
from schemas.log.records import Actor, AnyRecord, Event, EventsRecorded


def make_records(events: int, now_ms: int) -> Iterator[AnyRecord]:
    """Yield the records of new sessions, then ``events`` events in records of `BATCH`; sessions take turns."""
    keys = IdSecrets((secrets.token_bytes(32),), secrets.token_bytes(32))
    contexts = {org: CommandContext(org, Actor("bench", "member"), now_ms, keys, uuid.uuid4) for org in ORGS}
    planned = draw_sessions(events // BATCH, BATCH)
    creations = zip(planned, make_creations(len(planned)), strict=True)
    sessions = [decide(msgspec.json.decode(body, type=CreateSession), contexts[org]) for (org, _), body in creations]
    yield from sessions
    parsed = [[_parse_events(body) for body in script] for script in make_scripts()]
    for request in take_turns(planned):
        script, place = place_in_script(request, len(parsed[0]))
        head = contexts[planned[request.session].org].head_of(sessions[request.session].session_id)
        yield EventsRecorded(**head, events=tuple(Event(uuid.uuid4(), *fields) for fields in parsed[script][place]))


def _parse_events(body: bytes) -> list[tuple[str, int, msgspec.Raw, int | None]]:
    """Return the fields of each event, except its id."""
    events = msgspec.json.decode(body, type=RecordEvents).events
    return [(e.event_type, parse_instant(e.timestamp), msgspec.Raw(bytes(e.data)), e.seq) for e in events]
