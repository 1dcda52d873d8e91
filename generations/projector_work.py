"""What a projector does besides following the log: pauses, rate limits and requests for its generation.

Every projector repairs its own partitions. All other work belongs to the projector that follows partition 0, so that
one process does it. A suspended process may, on waking, briefly believe that it still follows partition 0. So each step
of the work may be done twice, and a switch is not recorded once its request has ended.
"""

import asyncio
import time
from collections.abc import Sequence

import msgspec

from audit.repair import Repair
from generations.jobs.rules import refusal_now
from generations.jobs.table import Report, Request
from generations.jobs.work import NotPossible, OnProgress, Partitions, RequestedWork
from generations.prove.proof import Proof
from generations.prove.prove import Prove
from generations.prove.words import in_words
from generations.situation import GenerationStatus, Situation, load_situation
from processors.projector import Projector
from store.generations import Generation, KnownGeneration, event_parameters
from store.reading.reader import Reader

SWITCH_WITHIN_S = 60.0
LOOK_S, CATCH_UP_LOOK_S = 0.2, 1.0
Known = Sequence[KnownGeneration]


class GenerationWork:
    """A `Subscriber` that does the work requested from the projector of one generation."""

    def __init__(self, projector: Projector, reader: Reader, generation: Generation, by: str) -> None:
        self._pipeline, self._progress, self._reader = projector.pipeline, projector.progress, reader
        self._generation = generation
        self._repair = Repair(projector.pipeline, projector.warehouse, reader, generation)
        self._requested = RequestedWork(
            reader,
            by,
            {
                "repair": self._do_repair,
                "replay": self._catch_up,
                "prove": self._prove,
                "switch": self._switch,
                "pause": self._pause,
                "resume": self._resume,
            },
            held=lambda: frozenset(self._pipeline.written),
        )
        self.is_dropped = asyncio.Event()

    async def see(self, generations: Known, requests: Sequence[Request]) -> None:
        """Follow the state of the generation, and start the work requested for it.

        Raises:
            Broken: requested work ended with a fault that must stop the process.
        """
        self._requested.check()
        known = next((known for known in generations if known.name == self._generation.name), None)
        if known is None or known.is_dropped:
            self.is_dropped.set()
            return
        self._pipeline.gate.is_paused = known.is_paused
        self._pipeline.is_live = known.is_live
        of_ours = [request for request in requests if request.generation == known.name and request.kind != "drop"]
        self._pipeline.gate.rate = self._rate(of_ours)
        for request in of_ours:
            ours = request.needs(self._generation.partitions) & self._pipeline.written.keys() - request.finished
            if ours and request.is_open(self._generation.partitions):
                self._requested.begin(request, ours)

    async def stop(self) -> None:
        """Cancel the work in progress."""
        await self._requested.stop()

    def _rate(self, requests: Sequence[Request]) -> float:
        """Return our share of the rate limit while we catch up, then 0 (no limit): we must keep up with the log."""
        lags = self._progress.lags()
        if lags and all(lag.seconds is not None for lag in lags):
            return 0.0
        limit = next((request.options.rate for request in requests if request.kind == "replay"), 0)
        return limit * max(1, len(lags)) / self._generation.partitions

    async def _do_repair(self, _: Request, __: Partitions, ___: OnProgress) -> Report:
        return Report(result=msgspec.structs.asdict(await self._repair.run()))

    async def _catch_up(self, _: Request, __: Partitions, ___: OnProgress) -> Report:
        """Wait until every partition has been at the end of the log."""
        status = await self._status()
        while not status.has_caught_up:
            await asyncio.sleep(CATCH_UP_LOOK_S)
            status = await self._status()
        return Report(result={"facts": status.facts, "records": sum(row.projected for row in status.progress)})

    async def _prove(self, request: Request, _: Partitions, report: OnProgress) -> Report:
        await self._check(request)
        proof = await Prove(self._reader, self._generation, await self._reader.live(), report).run()
        row = {
            "generation": self._generation.name,
            "compared_with": proof.compared_with,
            "request": request.id,
            "equal": proof.equal,
            "report": _report(proof),
        }
        await self._reader.control("generations.add_proof", row)
        return Report(result={"equal": proof.equal, "differences": len(proof.differences)})

    async def _switch(self, request: Request, _: Partitions, report: OnProgress) -> Report:
        """Wait until our generation shows everything that the live one shows now, then make ours live."""
        situation = await self._check(request)
        live, give_up_at = situation.live, time.monotonic() + SWITCH_WITHIN_S
        while live is not None and (behind := _behind(situation.generations[self._generation.name], live)):
            if time.monotonic() > give_up_at:
                raise NotPossible(f"{self._generation.name} did not catch up with {live.name}: {behind}")
            report(0.0, behind)
            await asyncio.sleep(LOOK_S)
            situation = await self._check(request)  # meanwhile the generation may be dropped or paused
        await self._note(request, "live")
        return Report(result={"from": live.name if live else None, "to": self._generation.name})

    async def _pause(self, request: Request, _: Partitions, __: OnProgress) -> Report:
        await self._note(request, "paused")
        return Report()

    async def _resume(self, request: Request, _: Partitions, __: OnProgress) -> Report:
        await self._note(request, "resumed")
        return Report()

    async def _check(self, request: Request) -> Situation:
        """Return the situation. Raises `NotPossible` if the request no longer makes sense."""
        situation = await load_situation(self._reader)
        if why := refusal_now(request.kind, request.generation, request.options, situation):
            raise NotPossible(why)
        return situation

    async def _status(self) -> GenerationStatus:
        return (await load_situation(self._reader)).generations[self._generation.name]

    async def _note(self, request: Request, event: str) -> None:
        await self._reader.control("store.generation_event", event_parameters(self._generation, event, request.id))


def _report(proof: Proof) -> str:
    """Return the report as JSON: the proof, and the same in words."""
    return msgspec.json.encode({**msgspec.to_builtins(proof), "words": in_words(proof)}).decode()


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
