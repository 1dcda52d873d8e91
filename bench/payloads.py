"""Request bodies that are built before the clock starts: realistic events, 100 in a request, as bytes.

Events carry no id, so one body sent to two sessions makes two hundred different events. A script is the sequence of all
bodies that a session may send. Many sessions send the same script, each from a different starting place.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

import msgspec

from bench.population import EVENTS_MAX, PlannedRequest
from cli.demo import sample_data
from cli.demo.session_builder import SessionBuilder, rfc3339
from cli.demo.session_script import make_events

BATCH = 100  # events per request
SCRIPTS = 8
SPREAD = 37  # requests between the starting places of neighbours, which then differ, and compress like real ones

Scripts = Sequence[Sequence[bytes]]

_encode = msgspec.json.Encoder().encode


@cache
def make_scripts(batch: int = BATCH, seed: int = 7) -> Scripts:
    """Return `SCRIPTS` scripts of request bodies with ``batch`` events each."""
    rng = Random(seed)  # noqa: S311 (made-up data)
    return [_make_script(Random(rng.getrandbits(64)), batch, tour=index == 0) for index in range(SCRIPTS)]  # noqa: S311


def _make_script(rng: Random, batch: int, tour: bool) -> list[bytes]:
    models = list(sample_data.MODELS)
    builder = SessionBuilder.of(rng, rng.choice(sample_data.PROJECTS), rng.choice(models))
    begin = datetime.now(UTC) - timedelta(hours=12)
    events = [
        {"event_type": kind, "timestamp": rfc3339(begin + timedelta(seconds=4 * seq)), "data": data, "seq": seq}
        for seq, (kind, data) in enumerate(make_events(builder, EVENTS_MAX, ended=True, tour=tour))
    ]
    return [_encode({"events": events[first : first + batch]}) for first in range(0, EVENTS_MAX, batch)]


def place_in_script(request: PlannedRequest, script_requests: int) -> tuple[int, int]:
    """Return the script and the place in it of a request's body; a session never sends one body twice."""
    turn, script = divmod(request.session, SCRIPTS)
    return script, (request.nth + turn * SPREAD) % script_requests


def make_creations(count: int, seed: int = 7) -> Iterator[bytes]:
    """Yield bodies that create sessions of several agents, projects and models."""
    rng = Random(seed)  # noqa: S311 (made-up data)
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
