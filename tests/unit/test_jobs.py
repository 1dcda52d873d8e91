"""The state of a job, computed from the rows about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generations.jobs.table import EXPIRES_S, EXPIRING, KINDS, Kind, jobs_of, new_job, report_of
from tests.support.control import NOW_US, job_of, reported, requested

REPAIR, SWITCH = requested("repair", "g1"), requested("switch")


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([REPAIR], "requested"),
        ([REPAIR, reported(REPAIR, "taken", (0, 1))], "taken"),
        ([REPAIR, reported(REPAIR, "progress", (0, 1))], "requested"),
        ([REPAIR, reported(REPAIR, "taken", (0, 1)), reported(REPAIR, "done", (0, 1))], "taken"),
        ([REPAIR, reported(REPAIR, "done", (0, 1)), reported(REPAIR, "done", (2, 3), "p1")], "done"),
        ([REPAIR, reported(REPAIR, "done", (0, 1, 2, 3)), reported(REPAIR, "failed", (1,), "p1")], "failed"),
        ([SWITCH, reported(SWITCH, "taken")], "taken"),
        ([SWITCH, reported(SWITCH, "taken"), reported(SWITCH, "done")], "done"),
        ([SWITCH, reported(SWITCH, "done", (3,))], "requested"),
        ([SWITCH, reported(SWITCH, "taken", ()), reported(SWITCH, "failed", ())], "failed"),
    ],
)
def test_the_state_follows_from_the_rows(rows: list[object], state: str) -> None:
    """A repair is done once every partition is, any other work once its owner's is; one failure fails it."""
    job = job_of(*rows)  # type: ignore[arg-type]  # rows of a table of cases

    assert job.state(partitions=4) == state
    assert job.is_open(4) is (state in ("requested", "taken"))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_readers_see_is_not_changed_late(kind: Kind) -> None:
    """A switch, a pause or a resume that no process took up in time is void; other work waits as long as it takes."""
    late, taken = requested(kind, age_s=EXPIRES_S + 1), reported(requested(kind, age_s=EXPIRES_S + 1), "taken")

    assert job_of(late).is_open(4) is (kind not in EXPIRING)
    assert job_of(requested(kind, age_s=EXPIRES_S - 1)).is_open(4)
    assert job_of(late, taken).is_open(4)


def test_reports_hold_what_was_done() -> None:
    """The last progress counts, the first failure, and every result."""
    rows = [
        REPAIR,
        reported(REPAIR, "taken", (0, 1)),
        reported(REPAIR, "progress", (0, 1), share=0.5, text="facts", after_s=3),
        reported(REPAIR, "progress", (0, 1), share=0.2, text="facts", after_s=2),
        reported(REPAIR, "done", (0, 1), result={"sessions": 2}, after_s=4),
        reported(REPAIR, "failed", (2, 3), "p1", text="first", after_s=5),
        reported(REPAIR, "failed", (2, 3), "p2", text="second", after_s=6),
    ]

    job = job_of(*rows)

    assert job.progress is not None
    assert (job.progress.report.share, job.progress.report.text) == (0.5, "facts")
    assert [step.report.result for step in job.done] == [{"sessions": 2}]
    assert job.failed is not None
    assert (job.failed.by, job.failed.report.text) == ("p1", "first")


def test_rows_that_this_version_does_not_know_change_nothing() -> None:
    """During an upgrade a newer version may add kinds of work and of reports, and options."""
    unknown = requested("compress", number=2)
    odd = reported(SWITCH, "postponed")

    assert jobs_of([unknown, reported(unknown, "done"), reported(requested("drop", number=3), "done")]) == []
    assert job_of(SWITCH, odd, unknown).state(4) == "requested"


def test_jobs_are_the_oldest_first() -> None:
    """The order of the rows does not matter."""
    rows = [requested("drop", number=number, age_s=age_s) for number, age_s in ((1, 5), (2, 50), (3, 20))]

    assert [job.at_us for job in jobs_of(rows)] == [NOW_US - s * 1_000_000 for s in (50, 20, 5)]


def test_what_is_written_is_what_is_read() -> None:
    """The parameters of a new job and of a report have every column of their rows."""
    row = new_job("replay", "g2", "alice")
    report = report_of(job_of(SWITCH), "failed", "p0", {3, 1})

    assert row.keys() == report.keys()
    assert (row["event"], row["kind"], row["generation"], row["by"]) == ("requested", "replay", "g2", "alice")
    assert (report["event"], report["kind"], report["partitions"], report["detail"]) == (
        "failed",
        "switch",
        [1, 3],
        "{}",
    )


SHARES = st.lists(st.tuples(st.sampled_from("abc"), st.sets(st.integers(0, 3))), max_size=6)


@given(SHARES, SHARES, st.randoms())
def test_any_order_of_rows_gives_the_same_job(taken: object, done: object, random: object) -> None:
    """Shares of a repair add up however partitions move between workers, and in whatever order rows are read."""
    rows = [REPAIR]
    for at, (event, (by, partitions)) in enumerate(
        [("taken", share) for share in taken] + [("done", share) for share in done]  # type: ignore[attr-defined]  # lists
    ):
        rows.append(reported(REPAIR, event, sorted(partitions), by, after_s=1 + at / 100))
    shuffled = rows.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a `random.Random`

    job = job_of(*rows)

    assert job_of(*shuffled) == job
    assert job.finished == frozenset[int]().union(*(partitions for _, partitions in done))  # type: ignore[attr-defined]
    expected = "done" if job.finished == {0, 1, 2, 3} else "taken" if taken else "requested"
    assert job.state(4) == expected
