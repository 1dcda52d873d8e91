"""Which generations should be created or dropped."""

from generations.jobs.table import Job, JobEvent, jobs_of
from generations.provisioned_jobs import left_to_do
from store.generations import known_generations
from tests.support.control import events, reported, requested

KNOWN = known_generations(events("g1 created", "g1 live", "g2 created"))


def test_only_what_creates_and_drops_is_left_to_do() -> None:
    """The other kinds are the projectors' work; the oldest job comes first."""
    rows = [requested(kind, number=n) for n, kind in enumerate(("repair", "prove", "switch", "pause", "resume"))]
    drop, replay = requested("drop", number=8, age_s=9), requested("replay", "g3", number=9, age_s=8)

    assert [job.kind for job in _left(*rows, replay, drop)] == ["drop", "replay"]


def test_a_replay_is_left_until_its_generation_exists() -> None:
    """After that it is the work of the generation's projector, even if `provision` has died before."""
    begun, existing = requested("replay", "g3", number=1), requested("replay", "g2", number=2)

    assert [job.generation for job in _left(begun, reported(begun, "taken", ()), existing)] == ["g3"]


def test_a_drop_is_left_until_it_has_ended() -> None:
    """If a process dies halfway, the next one continues."""
    row = requested("drop")
    taken = reported(row, "taken", ())

    assert len(_left(row, taken)) == 1
    assert _left(row, taken, reported(row, "done")) == []
    assert _left(row, taken, reported(row, "failed")) == []


def _left(*rows: JobEvent) -> list[Job]:
    return left_to_do(KNOWN, jobs_of(rows))
