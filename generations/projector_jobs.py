"""What a projector does besides following the log: pauses, rate limits and jobs for its generation.

Every projector repairs its own partitions. All other jobs belong to the projector that follows partition 0, so that
one process does them. A suspended process may, on waking, briefly believe that it still follows partition 0. So each
step of a job may be done twice, and a switch is not recorded once its job has ended.

A switch is a row `live` in the table `generations`, which readers look up every half second. The projector first waits
until its generation shows everything that the live one shows, so that no reader sees numbers go back.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial

import msgspec

from audit.repair import Repair
from generations.certifying import Certifier
from generations.jobs.runner import JobRunner, NotPossible, OnProgress, Partitions, check_again
from generations.jobs.table import Job, Report
from generations.prove.prove import Prove
from generations.prove.words import in_words
from generations.situation import GenerationStatus, load_situation
from ingest.log.broken import BrokenLog
from ingest.log.tiered import Copy
from processors.projector import Projector
from processors.sweeping import SweepFailed
from schemas.log.position import LogUnavailable
from store.generations import Generation, KnownGeneration
from store.reading.generations import add_event
from store.reading.reader import Reader

CATCH_UP_LOOK_S = 1.0
SWITCH_WITHIN_S = 60.0
SWITCH_LOOK_S = 0.2


class ProjectorJobs:
    """A `Subscriber` that does the jobs of the projector of one generation."""

    def __init__(
        self, projector: Projector, reader: Reader, generation: Generation, by: str, copies: Sequence[Copy]
    ) -> None:
        """``copies`` are the places that have records of the log."""
        self._sweeper = projector.sweeper
        self.certifier = Certifier(projector, reader, generation, copies)
        self._pipeline, self._progress, self._reader = projector.pipeline, projector.progress, reader
        self._generation = generation
        self._repair = Repair(projector.pipeline, projector.warehouse, reader, generation)
        self._runner = JobRunner(
            reader,
            by,
            {
                "repair": self._do_repair,
                "replay": self._catch_up,
                "prove": self._prove,
                "switch": self._switch,
                "pause": partial(self._record, "paused"),
                "resume": partial(self._record, "resumed"),
                "sweep": self._sweep,
                "check_erasures": self._check_erasures,
            },
            held=lambda: frozenset(self._pipeline.written),
        )
        self.is_dropped = asyncio.Event()

    async def see(self, generations: Sequence[KnownGeneration], jobs: Sequence[Job]) -> None:
        """Follow the state of the generation, and start its jobs. Raises `Broken` if a job's fault must stop us."""
        self._runner.check()
        known = next((known for known in generations if known.name == self._generation.name), None)
        if known is None or known.is_dropped:
            self.is_dropped.set()
            return
        self._pipeline.gate.is_paused = known.is_paused
        self._pipeline.is_live = known.is_live
        of_ours = [job for job in jobs if job.generation == known.name and job.kind != "drop"]
        self._pipeline.gate.rate = self._rate(of_ours)
        for job in of_ours:
            ours = job.needs(self._generation.partitions) & self._pipeline.written.keys() - job.finished
            if ours and job.is_open(self._generation.partitions):
                self._runner.begin(job, ours)

    async def stop(self) -> None:
        await self._runner.stop()

    def _rate(self, jobs: Sequence[Job]) -> float:
        """Return our share of the rate limit while we catch up, then 0 (no limit): we must keep up with the log."""
        lags = self._progress.lags()
        if lags and all(lag.seconds is not None for lag in lags):
            return 0.0
        limit = next((job.options.rate for job in jobs if job.kind == "replay"), 0)
        return limit * max(1, len(lags)) / self._generation.partitions

    async def _do_repair(self, _: Job, __: Partitions, ___: OnProgress) -> Report:
        return Report(result=msgspec.structs.asdict(await self._repair.run()))

    async def _sweep(self, job: Job, _: Partitions, report: OnProgress) -> Report:
        await check_again(self._reader, job)
        try:
            return Report(result=(await self._sweeper.sweep(report))._asdict())
        except (LogUnavailable, SweepFailed) as error:
            raise NotPossible(f"{error}; sweep again, since nothing is done twice") from error

    async def _check_erasures(self, job: Job, _: Partitions, report: OnProgress) -> Report:
        await check_again(self._reader, job)
        try:
            left = await self.certifier.check(report)
        except (LogUnavailable, BrokenLog) as error:
            raise NotPossible(f"{error}; then check again") from error
        return Report(result={**msgspec.to_builtins(left), "nothing_left": left.is_nothing})

    async def _catch_up(self, _: Job, __: Partitions, ___: OnProgress) -> Report:
        """Wait until every partition has been at the end of the log."""
        status = await self._status()
        while not status.has_caught_up:
            await asyncio.sleep(CATCH_UP_LOOK_S)
            status = await self._status()
        return Report(result={"facts": status.facts, "records": sum(row.projected for row in status.progress)})

    async def _prove(self, job: Job, _: Partitions, report: OnProgress) -> Report:
        await check_again(self._reader, job)
        proof = await Prove(self._reader, self._generation, await self._reader.live(), report).run()
        row = {
            "generation": self._generation.name,
            "compared_with": proof.compared_with,
            "request": job.id,
            "equal": proof.equal,
            "report": msgspec.json.encode({**msgspec.to_builtins(proof), "words": in_words(proof)}).decode(),
        }
        await self._reader.control("generations.add_proof", row)
        return Report(result={"equal": proof.equal, "differences": len(proof.differences)})

    async def _switch(self, job: Job, _: Partitions, report: OnProgress) -> Report:
        """Make the generation live once it has caught up with the live one.

        Raises `NotPossible` if the switch is refused by now, or if the generation does not catch up in time.
        """
        name = self._generation.name
        situation = await check_again(self._reader, job)
        live, give_up_at = situation.live, time.monotonic() + SWITCH_WITHIN_S
        while live is not None and (behind := _behind(situation.generations[name], live)):
            if time.monotonic() > give_up_at:
                raise NotPossible(f"{name} did not catch up with {live.name}: {behind}")
            report(0.0, behind)
            await asyncio.sleep(SWITCH_LOOK_S)
            situation = await check_again(self._reader, job)  # meanwhile the generation may be dropped or paused
        await add_event(self._reader, self._generation, "live", job.id)
        return Report(result={"from": live.name if live else None, "to": name})

    async def _record(self, event: str, job: Job, _: Partitions, __: OnProgress) -> Report:
        await add_event(self._reader, self._generation, event, job.id)
        return Report()

    async def _status(self) -> GenerationStatus:
        return (await load_situation(self._reader)).generations[self._generation.name]


def _behind(status: GenerationStatus, live: GenerationStatus) -> str:
    """Return how far a generation is behind what another one showed, or an empty text if it is not behind."""
    ours = {row.log_partition: row for row in status.progress}
    for row in live.progress:
        name = f"partition {row.log_partition}"
        mine = ours.get(row.log_partition)
        if mine is None or mine.projected < row.projected:
            projected = 0 if mine is None else mine.projected
            return f"{name} is at {projected} of {row.projected}"
        if mine.complete_ms < row.complete_ms:
            return f"{name} has not reported the end of the log yet"
        if mine.rolled_up < row.rolled_up or mine.rolled_up_ms < row.rolled_up_ms:
            return f"the rollups of {name} are at {mine.rolled_up} of {row.rolled_up}"
    return ""
