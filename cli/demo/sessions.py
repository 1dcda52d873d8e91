"""The demo's sessions as request bodies; the same seed makes the same requests.

Every session is sent as an import, with times within the 14 days before ``now``.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from textwrap import shorten
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from cli.demo import sample_data
from cli.demo.session_builder import SampleEvent, SessionBuilder, rfc3339, uuid_text
from cli.demo.session_script import TOUR_EVENTS, make_events

DAYS = 14
EVENTS_MIN = 20  # of a session
BATCH_EVENTS = (100, 250)
REPORT_EVERY = 3  # batches
OUTCOMES = {"success": 78, "failure": 10, "cancelled": 7, "timeout": 5}
TRIGGERS = {"interactive": 70, "headless": 15, "scheduled": 10, "import": 5}
ACTIVE_SHARE, CHILD_SHARE, SENSITIVE_SHARE = 0.05, 0.12, 0.03
SECONDS_PER_EVENT = 5.0
TITLE_CHARACTERS_MAX = 60
SATURDAY, WEEKENDS_OFF = 5, 0.7
SUBAGENT_MODEL = "claude-haiku-4-5"
TOKENS_PER_EVENT = {"input": 90, "output": 160, "cache_read": 5_200, "cache_creation": 420}
USD_PER_EVENT = 0.0058  # these tokens at the prices of Sonnet

_encode = msgspec.json.Encoder().encode


class TooFewEvents(ValueError):
    """The sessions need more events; the message says how many."""


class Batch(Struct, frozen=True):
    """One request with events, and the report of totals that follows it, if any."""

    body: bytes
    events: int
    report: bytes | None


class DemoSession(Struct, frozen=True):
    """All requests about one session; ``parent`` is the index of another session in the list."""

    key: str
    user_id: str
    create: dict[str, Any]
    parent: int | None
    batches: list[Batch]
    end: bytes | None

    @property
    def events(self) -> int:
        return sum(batch.events for batch in self.batches)


class Meter(NamedTuple):
    """The share of each model in a session's tokens. Without costs, the price list determines them."""

    shares: dict[str, float]
    with_cost: bool

    @classmethod
    def of(cls, rng: Random, model: str) -> "Meter":
        """Return the meter of a session in which subagents may use another model."""
        subagents = {SUBAGENT_MODEL: rng.uniform(0.05, 0.3)} if rng.random() < 0.4 else {}
        return cls(subagents | {model: rng.uniform(0.6, 1.4)}, rng.random() < 0.7)

    def report(self, events: int, at: datetime) -> dict[str, Any]:
        """Return the value of ``model_metrics`` after this number of events."""
        models = [{"model": model, **self._use(events * share)} for model, share in self.shares.items()]
        return {"models": models, "reported_at": rfc3339(at)}

    def _use(self, events: float) -> dict[str, float]:
        cost = {"cost_usd": round(events * USD_PER_EVENT, 6)} if self.with_cost else {}
        return {f"{kind}_tokens": int(events * tokens) for kind, tokens in TOKENS_PER_EVENT.items()} | cost


def make_sessions(seed: int, sessions: int, events: int, now: datetime) -> list[DemoSession]:
    """Return sessions in which every known kind of event occurs. Raises `TooFewEvents`: the sessions need more."""
    rng = Random(seed)  # noqa: S311 (made-up data, the same for the same seed)
    spare = events - sessions * EVENTS_MIN - TOUR_EVENTS
    if spare < 0:
        raise TooFewEvents(f"{sessions} sessions need at least {events - spare} events")
    weights = [rng.lognormvariate(0, 0.9) for _ in range(sessions)]  # many short sessions, and a few long ones
    total = sum(weights)
    sizes = [EVENTS_MIN + int(spare * weight / total) for weight in weights]
    sizes[0] += events - sum(sizes)  # the first session has room for every kind of event
    made: list[DemoSession] = []
    for count in sizes:
        made.append(_make_session(Random(rng.getrandbits(64)), made, count, now))  # noqa: S311 (as above)
    return made


def _make_session(rng: Random, earlier: Sequence[DemoSession], count: int, now: datetime) -> DemoSession:
    """Return a session after those that were made ``earlier``; the first one tours every kind of event."""
    parent = rng.randrange(len(earlier)) if earlier and rng.random() < CHILD_SHARE else None
    if parent is not None and earlier[parent].parent is not None:
        parent = None
    builder = SessionBuilder.of(rng, rng.choice(sample_data.PROJECTS), _weighted(rng, sample_data.MODELS))
    active, key = bool(earlier) and rng.random() < ACTIVE_SHARE, f"demo-{builder.client_session}"
    offsets = list(accumulate(rng.expovariate(1 / SECONDS_PER_EVENT) for _ in range(count)))
    start = _draw_start(rng, offsets[-1], active, now)
    create = _make_creation(builder, start, key, parent is not None)
    events = list(make_events(builder, count, ended=not active, tour=not earlier))
    meter = Meter.of(rng, builder.model)
    batches = _make_batches(rng, events, [start + timedelta(seconds=offset) for offset in offsets], meter)
    end = None if active else _make_end(rng, meter.report(count, start + timedelta(seconds=offsets[-1] + 1)))
    user = rng.choice(sample_data.USERS) if parent is None else earlier[parent].user_id
    return DemoSession(key, user, create, parent, batches, end)


def _weighted(rng: Random, weights: Mapping[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _draw_start(rng: Random, duration_s: float, active: bool, now: datetime) -> datetime:
    """Return a start, mostly in working hours of recent working days. The session must not end in the future."""
    # Draw every number on every day, so that the following numbers don't depend on the day.
    gap_s, age, weekend, hour = rng.uniform(5, 120), 1 - rng.random() ** 0.7, rng.random(), rng.gauss(13, 3.5)
    latest = now - timedelta(seconds=duration_s + gap_s)
    if active:
        return latest
    day = (now - timedelta(days=int(DAYS * age))).replace(hour=0, minute=0, second=0, microsecond=0)
    if day.weekday() >= SATURDAY and weekend < WEEKENDS_OFF:
        day -= timedelta(days=2)
    earliest = now - timedelta(days=DAYS - 1)
    return min(latest, max(earliest, day + timedelta(hours=min(23.9, max(0.0, hour)))))


def _make_creation(builder: SessionBuilder, start: datetime, external_id: str, child: bool) -> dict[str, Any]:
    rng, project = builder.rng, builder.project
    fields: dict[str, Any] = {
        "remote_url": f"git@github.com:{project.repo}.git",
        "component": rng.choice(project.components),
        "repository_id": project.repository_id,
        "project_id": project.project_id,
        "agent_name": rng.choice(sample_data.AGENTS),
        "model": builder.model,
        "branch": rng.choice(project.branches),
        "trigger": _weighted(rng, TRIGGERS),
        "external_id": external_id,
        "title": shorten(rng.choice(sample_data.PROMPTS), TITLE_CHARACTERS_MAX, placeholder=" …"),
        "started_at": rfc3339(start),
    }
    if rng.random() < SENSITIVE_SHARE:
        fields |= {"sensitive": True, "title": None}
    if child:
        fields["relation"] = rng.choice(("resume", "fork", "compact", "clear"))
    return fields


def _make_batches(rng: Random, events: list[SampleEvent], times: list[datetime], meter: Meter) -> list[Batch]:
    batches: list[Batch] = []
    first = 0
    while first < len(events):
        last = min(first + rng.randint(*BATCH_EVENTS), len(events))
        bodies = [
            {"event_type": kind, "timestamp": rfc3339(at), "data": data, "event_id": uuid_text(rng), "seq": seq}
            for seq, ((kind, data), at) in enumerate(zip(events[first:last], times[first:last], strict=True), first)
        ]
        due = len(batches) % REPORT_EVERY == REPORT_EVERY - 1 or last == len(events)
        report = _encode({"model_metrics": meter.report(last, times[last - 1])}) if due else None
        batches.append(Batch(_encode({"events": bodies}), last - first, report))
        first = last
    return batches


def _make_end(rng: Random, metrics: dict[str, Any]) -> bytes:
    outcome, summary = _weighted(rng, OUTCOMES), " ".join(rng.sample(sample_data.PROMPTS, k=2))
    ended_at = metrics["reported_at"]
    return _encode({"outcome": outcome, "summary": summary, "ended_at": ended_at, "model_metrics": metrics})
