"""The senders, and the bodies of their requests: orgs of very different sizes, and sessions from short to long.

It is seeded: every run sends the same.

Of 20 orgs the n-th has a share of 1/n (Zipf's law): the largest has 28 % of the sessions, the smallest 1.4 %. The
number of events of a session is log-normal: half have fewer than 300, one in a hundred more than 5,000.

Bodies are built before the clock starts: realistic events, 100 in a request, as bytes. Events carry no id, so one body
sent to two sessions makes two hundred different events. A script is the sequence of all bodies that a session may send.
Many sessions send the same script, each from a different starting place.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from math import log
from random import Random
from typing import NamedTuple

import msgspec

from cli.demo import sample_data
from cli.demo.session_builder import SessionBuilder, rfc3339
from cli.demo.session_script import make_events

SEED = 7
ORG = "acme"  # the largest
ORGS = (ORG, *(f"org-{number:02}" for number in range(2, 21)))
MEDIAN_EVENTS, SIGMA, EVENTS_MAX = 300, 1.2, 10_000
AT_ONCE = 320  # open sessions; when one ends, the next begins
BATCH = 100  # events per request
SCRIPTS = 8
SPREAD = 37  # requests between the starting places of neighbours, which then differ, and compress like real ones
Scripts = Sequence[Sequence[bytes]]
_WEIGHTS = [1 / rank for rank in range(1, len(ORGS) + 1)]
_encode = msgspec.json.Encoder().encode


class PlannedSession(NamedTuple):
    """A session of an org, with its number of requests."""

    org: str
    requests: int


class PlannedRequest(NamedTuple):
    """The ``nth`` request of a session; both count from 0."""

    session: int
    nth: int


def draw_sessions(requests: int, events_a_request: int, seed: int = SEED) -> list[PlannedSession]:
    """Return sessions that together send this many requests; the last one may be cut short."""
    rng, left, sessions = Random(seed), requests, []  # noqa: S311 (made-up load)
    while left > 0:
        (org,) = rng.choices(ORGS, _WEIGHTS)
        events = min(EVENTS_MAX, rng.lognormvariate(log(MEDIAN_EVENTS), SIGMA))
        planned = min(left, max(1, round(events / events_a_request)))
        sessions.append(PlannedSession(org, planned))
        left -= planned
    return sessions


def take_turns(sessions: Sequence[PlannedSession], at_once: int = AT_ONCE) -> Iterator[PlannedRequest]:
    """Yield every request: open sessions take turns, and when one ends, the next one begins."""
    waiting = iter(range(len(sessions)))
    being_sent = deque(PlannedRequest(number, 0) for number in islice(waiting, at_once))
    while being_sent:
        request = being_sent.popleft()
        yield request
        if request.nth + 1 < sessions[request.session].requests:
            being_sent.append(PlannedRequest(request.session, request.nth + 1))
        elif (following := next(waiting, None)) is not None:
            being_sent.append(PlannedRequest(following, 0))


@cache
def make_scripts(batch: int = BATCH) -> Scripts:
    """Return `SCRIPTS` scripts of request bodies with ``batch`` events each."""
    seeds = Random(SEED)  # noqa: S311 (made-up data)
    scripts: list[list[bytes]] = []
    for number in range(SCRIPTS):
        rng = Random(seeds.getrandbits(64))  # noqa: S311 (made-up data)
        builder = SessionBuilder.of(rng, rng.choice(sample_data.PROJECTS), rng.choice(list(sample_data.MODELS)))
        begin = datetime.now(UTC) - timedelta(hours=12)
        events = [
            {"event_type": kind, "timestamp": rfc3339(begin + timedelta(seconds=4 * seq)), "data": data, "seq": seq}
            for seq, (kind, data) in enumerate(make_events(builder, EVENTS_MAX, ended=True, tour=number == 0))
        ]
        scripts.append([_encode({"events": events[first : first + batch]}) for first in range(0, EVENTS_MAX, batch)])
    return scripts


def place_in_script(request: PlannedRequest, script_requests: int) -> tuple[int, int]:
    """Return the script and the place in it of a request's body; a session never sends one body twice."""
    turn, script = divmod(request.session, SCRIPTS)
    return script, (request.nth + turn * SPREAD) % script_requests


def make_creations(count: int) -> Iterator[bytes]:
    """Yield bodies that create sessions of several agents, projects and models."""
    rng = Random(SEED)  # noqa: S311 (made-up data)
    for _ in range(count):
        project = rng.choice(sample_data.PROJECTS)
        fields = {
            "remote_url": f"git@github.com:{project.repo}.git",
            "repository_id": project.repository_id,
            "project_id": project.project_id,
            "component": rng.choice(project.components),
            "agent_name": rng.choice(sample_data.AGENTS),
            "model": rng.choice(list(sample_data.MODELS)),
            "branch": rng.choice(project.branches),
        }
        yield _encode(fields)
