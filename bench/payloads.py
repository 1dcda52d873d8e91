"""Request bodies made before the clock starts: realistic events, 100 a batch, as bytes.

No event carries an id of its own, so the same body sent to two sessions is two hundred different events. A session is
told a story of `STORY` batches, and every story is told in many sessions.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec

from cli.demo import sample_data
from cli.demo.session_builder import Stage, instant
from cli.demo.session_script import script

BATCH = 100
STORY = 25
STORIES = 8
SESSION_EVENTS = BATCH * STORY

_encode = msgspec.json.Encoder().encode


def stories(seed: int = 7) -> list[list[bytes]]:
    """`STORIES` stories of `STORY` request bodies each."""
    rng = Random(seed)  # noqa: S311 (made-up data)
    return [_story(Random(rng.getrandbits(64)), tour=index == 0) for index in range(STORIES)]  # noqa: S311 (as above)


def _story(rng: Random, tour: bool) -> list[bytes]:
    models = list(sample_data.MODELS)
    stage = Stage.of(rng, rng.choice(sample_data.PROJECTS), rng.choice(models))
    begin = datetime.now(UTC) - timedelta(hours=3)
    happenings = script(stage, SESSION_EVENTS, ended=True, tour=tour)
    events = [
        {"event_type": kind, "timestamp": instant(begin + timedelta(seconds=4 * place)), "data": data, "seq": place}
        for place, (kind, data) in enumerate(happenings)
    ]
    return [_encode({"events": events[first : first + BATCH]}) for first in range(0, SESSION_EVENTS, BATCH)]


def creations(count: int, seed: int = 7) -> list[bytes]:
    """Bodies that create sessions, of several agents, projects and models."""
    rng = Random(seed)  # noqa: S311 (made-up data)
    return [_creation(rng) for _ in range(count)]


def _creation(rng: Random) -> bytes:
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
    return _encode(fields)


def rounds(sessions: int, batches: int) -> Iterator[tuple[int, int, int]]:
    """(session, story, place in the story) of ``batches`` batches: all sessions take turns.

    Sessions with the same story are never at the same place, so that neighbours in the log differ and compress as real
    ones do.
    """
    if batches > sessions * STORY:
        raise ValueError(f"{sessions} sessions take {sessions * STORY} batches at most")
    for number in range(batches):
        turn, session = divmod(number, sessions)
        yield session, session % STORIES, (turn + session // STORIES) % STORY


def sessions_for(events: int) -> int:
    """How many sessions can be told so many events."""
    return -(-events // SESSION_EVENTS)


def usual_length(told: Sequence[Sequence[bytes]]) -> float:
    """Bytes of a request body, on average."""
    bodies = [body for story in told for body in story]
    return sum(map(len, bodies)) / len(bodies)
