"""What a projector does besides following the log: pauses, rate limits and jobs for its generation.

Every projector repairs its own partitions. All other jobs belong to the projector that follows partition 0, so that
one process does them. A suspended process may, on waking, briefly believe that it still follows partition 0. So each
step of a job may be done twice, and a switch is not recorded once its job has ended.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

import msgspec

from audit.repair import Repair
from generations.jobs.runner import JobRunner, OnProgress, Partitions, check_again
from generations.jobs.table import Job, Report
from generations.prove.prove import Prove
from generations.prove.words import in_words
from generations.situation import GenerationStatus, load_situation
from generations.switch import switch_readers
from processors.projector import Projector
from store.generations import Generation, KnownGeneration
from store.reading.generations import add_event
from store.reading.reader import Reader

CATCH_UP_LOOK_S = 1.0


class ProjectorJobs:
    """A `Subscriber` that does the jobs of the projector of one generation."""

    def __init__(self, projector: Projector, reader: Reader, generation: Generation, by: str) -> None:
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
            },
            held=lambda: frozenset(self._pipeline.written),
        )
        self.is_dropped = asyncio.Event()

    async def see(self, generations: Sequence[KnownGeneration], jobs: Sequence[Job]) -> None:
        """Follow the state of the generation, and start its jobs.

        Raises `Broken` if a job ended with a fault that must stop the process.
        """
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
        return Report(result=dict(await switch_readers(self._reader, self._generation, job, report)))

    async def _record(self, event: str, job: Job, _: Partitions, __: OnProgress) -> Report:
        await add_event(self._reader, self._generation, event, job.id)
        return Report()

    async def _status(self) -> GenerationStatus:
        return (await load_situation(self._reader)).generations[self._generation.name]
