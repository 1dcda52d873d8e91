"""The demo's sessions as request bodies: made from a seed, so that the same seed makes the same requests.

Every session is sent as an import: its times lie within the last 14 days before ``now``.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec
from msgspec import Struct

from cli.demo import sample_data
from cli.demo.session_builder import Happening, Stage, instant, uuid_text
from cli.demo.session_script import TOUR_EVENTS, script
from cli.demo.usage import Meter

DAYS = 14
EVENTS_MIN = 20  # of a session
BATCH_EVENTS = (100, 250)
REPORT_EVERY = 3  # batches
OUTCOMES = {"success": 78, "failure": 10, "cancelled": 7, "timeout": 5}
TRIGGERS = {"interactive": 70, "headless": 15, "scheduled": 10, "import": 5}
ACTIVE_SHARE, CHILD_SHARE, SENSITIVE_SHARE = 0.05, 0.12, 0.03
SECONDS_PER_EVENT = 5.0
SATURDAY, WEEKENDS_OFF = 5, 0.7

_encode = msgspec.json.Encoder().encode


class TooFewEvents(ValueError):
    """So many sessions need more events; the message says how many."""


class Batch(Struct, frozen=True):
    """One request with events, and the report of totals that follows it, if any."""

    body: bytes
    events: int
    report: bytes | None


class DemoSession(Struct, frozen=True):
    """Everything that is sent about one session; ``parent`` is the place of another one in the list."""

    key: str
    user_id: str
    create: dict[str, Any]
    parent: int | None
    batches: list[Batch]
    end: bytes | None

    @property
    def events(self) -> int:
        """How many events it has."""
        return sum(batch.events for batch in self.batches)


def make_sessions(seed: int, sessions: int, events: int, now: datetime) -> list[DemoSession]:
    """``sessions`` sessions with ``events`` events in all, every known kind of event among them."""
    rng = Random(seed)  # noqa: S311 (made-up data, the same for the same seed)
    made: list[DemoSession] = []
    for index, count in enumerate(_sizes(rng, sessions, events)):
        made.append(_session(Random(rng.getrandbits(64)), made, index, count, now))  # noqa: S311 (as above)
    return made


def _sizes(rng: Random, sessions: int, events: int) -> list[int]:
    """Many short sessions and a few long ones; the first is long enough to show everything."""
    if events < sessions * EVENTS_MIN + TOUR_EVENTS:
        raise TooFewEvents(f"{sessions} sessions need at least {sessions * EVENTS_MIN + TOUR_EVENTS} events")
    weights = [rng.lognormvariate(0, 0.9) for _ in range(sessions)]
    spare, total = events - sessions * EVENTS_MIN - TOUR_EVENTS, sum(weights)
    sizes = [EVENTS_MIN + int(spare * weight / total) for weight in weights]
    sizes[0] += TOUR_EVENTS
    sizes[0] += events - sum(sizes)
    return sizes


def _session(rng: Random, before: Sequence[DemoSession], index: int, events: int, now: datetime) -> DemoSession:
    parent = rng.randrange(index) if index and rng.random() < CHILD_SHARE else None
    if parent is not None and before[parent].parent is not None:
        parent = None
    project, model = (
        rng.choice(sample_data.PROJECTS),
        rng.choices(list(sample_data.MODELS), list(sample_data.MODELS.values()))[0],
    )
    active = index > 0 and rng.random() < ACTIVE_SHARE
    stage = Stage.of(rng, project, model)
    offsets = _offsets(rng, events)
    start = _start(rng, offsets[-1], active, now)
    create = _create(stage, start, f"demo-{stage.client_session}", parent is not None)
    happenings = list(script(stage, events, ended=not active, tour=index == 0))
    meter = Meter(rng, model)
    batches = _batches(rng, happenings, [start + timedelta(seconds=offset) for offset in offsets], meter)
    end = None if active else _end(rng, start + timedelta(seconds=offsets[-1] + 1), meter)
    user = rng.choice(sample_data.USERS) if parent is None else before[parent].user_id
    return DemoSession(f"demo-{stage.client_session}", user, create, parent, batches, end)


def _offsets(rng: Random, events: int) -> list[float]:
    """Seconds from the start to each event."""
    at, offsets = 0.0, []
    for _ in range(events):
        at += rng.expovariate(1 / SECONDS_PER_EVENT)
        offsets.append(at)
    return offsets


def _start(rng: Random, duration_s: float, active: bool, now: datetime) -> datetime:
    """Mostly in working hours of working days, more of late than long ago, and never ending in the future."""
    # Every number is drawn, whatever day it is: what comes after must not depend on it.
    gap_s, age, weekend, hour = rng.uniform(5, 120), 1 - rng.random() ** 0.7, rng.random(), rng.gauss(13, 3.5)
    latest = now - timedelta(seconds=duration_s + gap_s)
    if active:
        return latest
    day = (now - timedelta(days=int(DAYS * age))).replace(hour=0, minute=0, second=0, microsecond=0)
    if day.weekday() >= SATURDAY and weekend < WEEKENDS_OFF:
        day -= timedelta(days=2)
    earliest = now - timedelta(days=DAYS - 1)
    return min(latest, max(earliest, day + timedelta(hours=min(23.9, max(0.0, hour)))))


def _create(stage: Stage, start: datetime, external_id: str, child: bool) -> dict[str, Any]:
    rng, project = stage.rng, stage.project
    fields: dict[str, Any] = {
        "remote_url": f"git@github.com:{project.repo}.git",
        "component": rng.choice(project.components),
        "repository_id": project.repository_id,
        "project_id": project.project_id,
        "agent_name": rng.choice(sample_data.AGENTS),
        "model": stage.model,
        "branch": rng.choice(project.branches),
        "trigger": rng.choices(list(TRIGGERS), list(TRIGGERS.values()))[0],
        "external_id": external_id,
        "title": rng.choice(sample_data.PROMPTS)[:60].rsplit(" ", 1)[0],
        "started_at": instant(start),
    }
    if rng.random() < SENSITIVE_SHARE:
        fields |= {"sensitive": True, "title": None}
    if child:
        fields["relation"] = rng.choice(("resume", "fork", "compact", "clear"))
    return fields


def _batches(rng: Random, happenings: list[Happening], times: list[datetime], meter: Meter) -> list[Batch]:
    batches: list[Batch] = []
    first = 0
    while first < len(happenings):
        size = rng.randint(*BATCH_EVENTS)
        some = happenings[first : first + size]
        events = [
            {"event_type": kind, "timestamp": instant(at), "data": data, "event_id": uuid_text(rng), "seq": seq}
            for seq, ((kind, data), at) in enumerate(zip(some, times[first : first + size], strict=True), first)
        ]
        first += len(some)
        meter.count(len(some))
        due = len(batches) % REPORT_EVERY == REPORT_EVERY - 1 or first == len(happenings)
        report = _encode({"model_metrics": meter.report(times[first - 1])}) if due else None
        batches.append(Batch(_encode({"events": events}), len(events), report))
    return batches


def _end(rng: Random, at: datetime, meter: Meter) -> bytes:
    outcome = rng.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
    summary = " ".join(rng.sample(sample_data.PROMPTS, k=2))
    body = {"outcome": outcome, "summary": summary, "ended_at": instant(at), "model_metrics": meter.report(at)}
    return _encode(body)
