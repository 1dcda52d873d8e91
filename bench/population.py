"""The senders: orgs of very different sizes, and sessions from short to long. It is seeded: every run sends the same.

Of 20 orgs the n-th has a share of 1/n (Zipf's law): the largest has 28 % of the sessions, the smallest 1.4 %. The
number of events of a session is log-normal: half have fewer than 300, one in a hundred more than 5,000.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from math import log
from random import Random
from typing import NamedTuple

ORG = "acme"  # the largest
ORGS = (ORG, *(f"org-{number:02}" for number in range(2, 21)))
MEDIAN_EVENTS, SIGMA, EVENTS_MAX = 300, 1.2, 10_000
AT_ONCE = 320  # open sessions; when one ends, the next begins
_WEIGHTS = [1 / rank for rank in range(1, len(ORGS) + 1)]


class PlannedSession(NamedTuple):
    """A session of an org, with its number of requests."""

    org: str
    requests: int


class PlannedRequest(NamedTuple):
    """The ``nth`` request of a session; both count from 0."""

    session: int
    nth: int


def draw_sessions(requests: int, events_a_request: int, seed: int = 7) -> list[PlannedSession]:
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
