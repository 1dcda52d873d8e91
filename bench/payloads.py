"""Request bodies built before the clock starts: realistic events, 100 a batch, as bytes.

Events carry no id, so one body sent to two sessions is two hundred different events. A script is the
`SCRIPT_BATCHES` bodies of one session; many sessions send the same script.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec

from cli.demo import sample_data
from cli.demo.session_builder import SessionBuilder, rfc3339
from cli.demo.session_script import make_events

BATCH = 100
SCRIPT_BATCHES = 25
SCRIPTS = 8
SESSION_EVENTS = BATCH * SCRIPT_BATCHES
AT_ONCE = 320  # sessions that are open together; a long history is many such groups, one after the other

Scripts = Sequence[Sequence[bytes]]

_encode = msgspec.json.Encoder().encode


def make_scripts(seed: int = 7) -> Scripts:
    """Return `SCRIPTS` scripts of `SCRIPT_BATCHES` request bodies each."""
    rng = Random(seed)  # noqa: S311 (made-up data)
    return [_make_script(Random(rng.getrandbits(64)), tour=index == 0) for index in range(SCRIPTS)]  # noqa: S311


def _make_script(rng: Random, tour: bool) -> list[bytes]:
    models = list(sample_data.MODELS)
    builder = SessionBuilder.of(rng, rng.choice(sample_data.PROJECTS), rng.choice(models))
    begin = datetime.now(UTC) - timedelta(hours=3)
    events = [
        {"event_type": kind, "timestamp": rfc3339(begin + timedelta(seconds=4 * seq)), "data": data, "seq": seq}
        for seq, (kind, data) in enumerate(make_events(builder, SESSION_EVENTS, ended=True, tour=tour))
    ]
    return [_encode({"events": events[first : first + BATCH]}) for first in range(0, SESSION_EVENTS, BATCH)]


def make_creations(count: int, seed: int = 7) -> list[bytes]:
    """Return bodies that create sessions of several agents, projects and models."""
    rng = Random(seed)  # noqa: S311 (made-up data)
    return [_make_creation(rng) for _ in range(count)]


def _make_creation(rng: Random) -> bytes:
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


def schedule_batches(sessions: int, batches: int) -> Iterator[tuple[int, int, int]]:
    """Yield (session, script, batch of the script) of ``batches`` batches; `AT_ONCE` sessions take turns to their end.

    Sessions with the same script are never at the same batch: neighbours in the log differ, and compress as real ones
    do.
    """
    if batches > sessions * SCRIPT_BATCHES:
        raise ValueError(f"{sessions} sessions take {sessions * SCRIPT_BATCHES} batches at most")
    for number in range(batches):
        first = number // (AT_ONCE * SCRIPT_BATCHES) * AT_ONCE
        turn, nth = divmod(number - first * SCRIPT_BATCHES, min(AT_ONCE, sessions - first))
        session = first + nth
        yield session, session % SCRIPTS, (turn + session // SCRIPTS) % SCRIPT_BATCHES


def count_sessions(events: int) -> int:
    """Return how many sessions it takes to send ``events`` events."""
    return -(-events // SESSION_EVENTS)
