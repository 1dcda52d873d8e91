"""What a process does for a job that it takes up, and what it records."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from generations.jobs.runner import JobRunner, NotPossible, OnProgress, Partitions
from generations.jobs.table import Job, Report
from store.broken import Broken
from store.errors import StoreUnavailable
from store.generations import Generation
from store.reading.reader import Row
from tests.support.control import job_of, requested

BOTH: Partitions = frozenset((0, 1))


class Recorded:
    """A `Reader` that records what is written, and may be down."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, list[int], str]] = []
        self.away = False

    async def control(self, name: str, params: Mapping[str, Any]) -> list[Row]:
        assert name == "generations.jobs.add_event"
        if self.away:
            raise StoreUnavailable("away")
        self.rows.append((params["event"], params["partitions"], params["detail"]))
        return []

    async def live(self) -> Generation:
        raise NotImplementedError

    async def query(self, generation: Generation, name: str, params: Mapping[str, object]) -> list[Row]:
        raise NotImplementedError

    @property
    def events(self) -> list[str]:
        return [event for event, _, _ in self.rows]


class Case:
    """The jobs of one process; ``does`` is what it does, or raises."""

    def __init__(self, *outcomes: Exception | None, kind: str = "repair") -> None:
        self.store, self.held, self.outcomes = Recorded(), BOTH, list(outcomes)
        self.gate = asyncio.Event()
        self.gate.set()
        self.job = job_of(requested(kind))
        self.runner = JobRunner(self.store, "p0", {self.job.kind: self._do}, held=lambda: self.held)

    async def _do(self, _: Job, __: Partitions, report: OnProgress) -> Report:
        report(0.5, "half of it")
        await asyncio.sleep(0)  # it is recorded in parallel with the work
        await self.gate.wait()
        if (outcome := self.outcomes.pop(0)) is not None:
            raise outcome
        return Report(result={"sessions": 1})

    async def look(self) -> None:
        """Check the jobs once, and let the work that this begins end."""
        self.runner.check()
        self.runner.begin(self.job, BOTH)
        await self.settle()

    async def settle(self) -> None:
        """Let everything run that can run."""
        for _ in range(20):
            await asyncio.sleep(0)


async def test_work_is_taken_reported_and_done() -> None:
    """Each row names the partitions."""
    case = Case(None)

    await case.look()

    assert case.store.rows == [
        ("taken", [0, 1], "{}"),
        ("progress", [0, 1], '{"share":0.5,"text":"half of it"}'),
        ("done", [0, 1], '{"result":{"sessions":1}}'),
    ]


async def test_work_that_runs_is_not_begun_again() -> None:
    """It is checked every two seconds."""
    case = Case(None)
    case.gate.clear()
    await case.look()
    await case.look()
    case.gate.set()
    await case.settle()

    assert case.store.events == ["taken", "progress", "done"]


@pytest.mark.parametrize("outcome", [None, NotPossible("no")])
async def test_work_that_ended_is_not_done_again_by_an_old_reading(outcome: Exception | None) -> None:
    """A check may have read the job before its end was recorded: a switch would then find itself impossible."""
    case = Case(outcome, kind="switch")
    await case.look()
    ended = case.store.events

    await case.look()

    assert case.store.events == ended
    assert ended[-1] == ("done" if outcome is None else "failed")


async def test_partitions_that_come_later_are_done_as_well() -> None:
    """Those that were already done are left out."""
    case = Case(None, None)
    case.held = frozenset((0, 1, 2))
    await case.look()
    case.runner.check()

    case.runner.begin(case.job, frozenset((0, 1, 2)))
    await case.settle()

    assert [row[:2] for row in case.store.rows if row[0] == "done"] == [("done", [0, 1]), ("done", [2])]


async def test_an_outage_is_no_failure() -> None:
    """The work begins again at a later check, even if the store is down when it is taken up."""
    case = Case(StoreUnavailable("away"), None)
    case.store.away = True
    await case.look()
    case.store.away = False
    await case.look()
    assert "failed" not in case.store.events

    await case.look()

    assert case.store.events[-1] == "done"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NotPossible("g2 is live already"), "g2 is live already"),
        (ValueError("no such thing"), "ValueError: no such thing; the log of p0 has the details"),
    ],
)
async def test_a_failure_is_recorded_with_its_reason(error: Exception, text: str) -> None:
    """The process continues."""
    case = Case(error)

    await case.look()
    case.runner.check()

    assert case.store.rows[-1] == ("failed", [0, 1], f'{{"text":"{text}"}}')


async def test_a_fault_is_recorded_and_then_stops_the_process() -> None:
    """A failed job is not begun again, so the fault must be investigated separately."""
    case = Case(Broken("the log lost its tail"))
    await case.look()
    assert case.store.rows[-1] == ("failed", [0, 1], '{"text":"the log lost its tail"}')

    with pytest.raises(Broken, match="the log lost its tail"):
        case.runner.check()
    case.runner.check()


async def test_a_reason_that_can_not_be_recorded_is_recorded_later() -> None:
    """For that, the work is done once more."""
    case = Case(NotPossible("no"), NotPossible("no"))
    case.gate.clear()
    await case.look()
    case.store.away = True
    case.gate.set()
    await case.settle()
    assert "failed" not in case.store.events
    case.store.away = False

    await case.look()

    assert case.store.events[-1] == "failed"


async def test_shared_work_is_done_only_where_it_is_still_ours() -> None:
    """A partition that has moved to another worker is that worker's to repair."""
    case = Case(None)
    case.gate.clear()
    await case.look()
    case.held = frozenset((1, 3))
    case.gate.set()
    await case.settle()

    assert case.store.rows[-1][:2] == ("done", [1])


async def test_of_shared_work_that_is_all_lost_nothing_is_recorded() -> None:
    """An empty share would not be a result."""
    case = Case(None)
    case.gate.clear()
    await case.look()
    case.held = frozenset()
    case.gate.set()
    await case.settle()

    assert "done" not in case.store.events


async def test_the_work_of_one_process_is_done_although_the_partition_moved() -> None:
    """A switch that is recorded must not be tried again by the next owner, which would find it impossible."""
    case = Case(None, kind="switch")
    case.gate.clear()
    await case.look()
    case.held = frozenset()
    case.gate.set()
    await case.settle()

    assert case.store.rows[-1][:2] == ("done", [0, 1])


async def test_what_is_stopped_is_left_to_others() -> None:
    """Nothing is recorded."""
    case = Case(None)
    case.gate.clear()
    await case.look()

    await case.runner.stop()

    assert case.store.events == ["taken", "progress"]
