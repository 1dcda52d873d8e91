"""What an open job waits for, in one sentence."""

import pytest

from generations.jobs.replies import STARTS_WITHIN_S, TAKEN_WITHIN_S, waits_for
from generations.jobs.table import JobEvent
from tests.support.control import events, job_of, reported, requested, situation

BOTH = events("g1 created", "g1 live", "g2 created")
PROVISION = "no running process may create and drop databases: run `crewkit-sessions provision` to do this work"
START = "start `crewkit-sessions processors --generation g2`"


def waited(row: JobEvent, *reports: JobEvent) -> str | None:
    """Return what the job in these rows is waiting for."""
    return waits_for(job_of(row, *reports), situation(BOTH, [row, *reports]))


@pytest.mark.parametrize("kind", ["prove", "switch", "pause", "resume"])
def test_work_of_one_projector_waits_for_it(kind: str) -> None:
    """Only the projector that follows partition 0 is missing."""
    row = requested(kind, age_s=TAKEN_WITHIN_S + 1)

    assert waited(row) == f"no projector of g2 follows partition 0: {START}"
    assert waited(row, reported(row, "taken")) is None


def test_a_repair_names_the_partitions_that_nothing_follows() -> None:
    """Each projector takes its own share."""
    row = requested("repair", age_s=TAKEN_WITHIN_S + 1)

    assert waited(row) == f"no projector of g2 follows partitions 0, 1: {START}"
    assert waited(row, reported(row, "taken", (0,))) == f"no projector of g2 follows partition 1: {START}"
    assert waited(row, reported(row, "taken", (0,)), reported(row, "taken", (1,), "p1")) is None


def test_what_creates_and_drops_databases_waits_for_provision() -> None:
    """A drop that was taken up waits for nothing else."""
    replay, drop = requested("replay", "g3", age_s=TAKEN_WITHIN_S + 1), requested("drop", age_s=TAKEN_WITHIN_S + 1)

    assert waited(replay) == PROVISION
    assert waited(drop) == PROVISION
    assert waited(drop, reported(drop, "taken", ())) is None


def test_a_replay_waits_for_the_projectors_of_its_generation() -> None:
    """A supervisor may need half a minute to start them."""
    row = requested("replay", "g2", age_s=STARTS_WITHIN_S + 1)
    created = reported(row, "taken", (), "provision")
    early = requested("replay", "g2", age_s=STARTS_WITHIN_S - 1)

    assert waited(row, created) == f"no projector of g2 follows partition 0: {START}"
    assert waited(row, created, reported(row, "taken", (0,))) is None
    assert waited(early, reported(early, "taken", (), "provision")) is None


def test_nothing_is_missing_at_first_and_at_the_end() -> None:
    """Processes check every two seconds, and a finished job waits for none."""
    young, old = requested("prove", age_s=TAKEN_WITHIN_S - 1), requested("prove", age_s=TAKEN_WITHIN_S + 1)

    assert waited(young) is None
    assert waited(old, reported(old, "done")) is None
    assert waited(old, reported(old, "failed")) is None
    assert waited(requested("switch", age_s=3600)) is None
