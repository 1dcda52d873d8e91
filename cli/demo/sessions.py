"""The demo's sessions as request bodies; the same seed makes the same requests.

Every session is sent as an import, with times within the 14 days before ``now``.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from textwrap import shorten
from typing import Any

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
SUBAGENT_SHARE = 0.15
# Per event: input, output, cache read, cache creation.
TOKENS_PER_EVENT = (90, 160, 5_200, 420)
# US dollars per million input and output tokens; cache prices are derived from the input price.
_PRICES = {"claude-haiku-4-5": (1, 5), "claude-sonnet-4-5": (3, 15), "claude-opus-4-5": (5, 25)}

_encode = msgspec.json.Encoder().encode


class Meter:
    """Counts tokens and cost by model."""

    def __init__(self, rng: Random, model: str) -> None:
        self._rng = rng
        self._used = {model: [0, 0, 0, 0]}
        if model != SUBAGENT_MODEL and rng.random() < 0.4:
            self._used[SUBAGENT_MODEL] = [0, 0, 0, 0]
        self._with_cost = rng.random() < 0.7  # otherwise the price list determines the cost

    def count(self, events: int) -> None:
        """Add the usage of this number of events."""
        for model, totals in self._used.items():
            share = SUBAGENT_SHARE if model == SUBAGENT_MODEL and len(self._used) > 1 else 1.0
            for kind, tokens in enumerate(TOKENS_PER_EVENT):
                totals[kind] += int(events * tokens * share * self._rng.uniform(0.6, 1.4))

    def report(self, at: datetime) -> dict[str, Any]:
        """Return the value of ``model_metrics`` as of ``at``."""
        models = [self._model(model, totals) for model, totals in self._used.items()]
        return {"models": models, "reported_at": rfc3339(at)}

    def _model(self, model: str, totals: list[int]) -> dict[str, Any]:
        names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
        use: dict[str, Any] = {"model": model, **dict(zip(names, totals, strict=True))}
        if self._with_cost:
            into, out = _PRICES[model]
            weighted = totals[0] * into + totals[1] * out + totals[2] * into * 0.1 + totals[3] * into * 1.25
            use["cost_usd"] = round(weighted / 1e6, 6)
        return use


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
        """The number of its events."""
        return sum(batch.events for batch in self.batches)


def make_sessions(seed: int, sessions: int, events: int, now: datetime) -> list[DemoSession]:
    """Return ``sessions`` sessions with ``events`` events in total; every known kind of event occurs."""
    rng = Random(seed)  # noqa: S311 (made-up data, the same for the same seed)
    made: list[DemoSession] = []
    for index, count in enumerate(_draw_sizes(rng, sessions, events)):
        made.append(_make_session(Random(rng.getrandbits(64)), made, index, count, now))  # noqa: S311 (as above)
    return made


def _draw_sizes(rng: Random, sessions: int, events: int) -> list[int]:
    """Return the sizes of many short sessions and a few long ones. The first has room for every kind of event."""
    if events < sessions * EVENTS_MIN + TOUR_EVENTS:
        raise TooFewEvents(f"{sessions} sessions need at least {sessions * EVENTS_MIN + TOUR_EVENTS} events")
    weights = [rng.lognormvariate(0, 0.9) for _ in range(sessions)]
    spare, total = events - sessions * EVENTS_MIN - TOUR_EVENTS, sum(weights)
    sizes = [EVENTS_MIN + int(spare * weight / total) for weight in weights]
    sizes[0] += TOUR_EVENTS
    sizes[0] += events - sum(sizes)
    return sizes


def _make_session(rng: Random, earlier: Sequence[DemoSession], index: int, count: int, now: datetime) -> DemoSession:
    parent = rng.randrange(index) if index and rng.random() < CHILD_SHARE else None
    if parent is not None and earlier[parent].parent is not None:
        parent = None
    project, model = rng.choice(sample_data.PROJECTS), _weighted(rng, sample_data.MODELS)
    active = index > 0 and rng.random() < ACTIVE_SHARE
    builder = SessionBuilder.of(rng, project, model)
    offsets = list(accumulate(rng.expovariate(1 / SECONDS_PER_EVENT) for _ in range(count)))
    start = _draw_start(rng, offsets[-1], active, now)
    create = _make_creation(builder, start, f"demo-{builder.client_session}", parent is not None)
    events = list(make_events(builder, count, ended=not active, tour=index == 0))
    meter = Meter(rng, model)
    batches = _make_batches(rng, events, [start + timedelta(seconds=offset) for offset in offsets], meter)
    end = None if active else _make_end(rng, start + timedelta(seconds=offsets[-1] + 1), meter)
    user = rng.choice(sample_data.USERS) if parent is None else earlier[parent].user_id
    return DemoSession(f"demo-{builder.client_session}", user, create, parent, batches, end)


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
        meter.count(last - first)
        due = len(batches) % REPORT_EVERY == REPORT_EVERY - 1 or last == len(events)
        report = _encode({"model_metrics": meter.report(times[last - 1])}) if due else None
        batches.append(Batch(_encode({"events": bodies}), last - first, report))
        first = last
    return batches


def _make_end(rng: Random, at: datetime, meter: Meter) -> bytes:
    outcome, summary = _weighted(rng, OUTCOMES), " ".join(rng.sample(sample_data.PROMPTS, k=2))
    return _encode({"outcome": outcome, "summary": summary, "ended_at": rfc3339(at), "model_metrics": meter.report(at)})
